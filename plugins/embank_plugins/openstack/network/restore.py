"""Rebuild the networks of one restore, all together: routers and security groups belong to several of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embank.plugins import Json, Poll
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.network.definition import Definition, body
from embank_plugins.openstack.network.found import chosen_network, foreign_network
from embank_plugins.openstack.network.groups import restore_groups
from embank_plugins.openstack.network.made import Made
from embank_plugins.openstack.network.port import make_port
from embank_plugins.openstack.network.routers import WantedRouter, restore_routers
from embank_plugins.openstack.refusals import told


@dataclass(frozen=True, slots=True)
class SavedNetwork:
    """What a checkpoint has of one network, and what is wished for it."""

    saved: Mapping[str, Any]
    reuse: bool
    network: str | None
    external_network: str | None
    addresses: str

    @staticmethod
    def of(saved: Mapping[str, Any], parameters: Mapping[str, Json]) -> SavedNetwork:
        """With the parameters of the restore."""
        return SavedNetwork(
            saved,
            parameters.get("existing", "reuse") == "reuse",
            parameters.get("network"),
            parameters.get("external_network"),
            parameters.get("addresses", "keep"),
        )


def rebuild(made: Made, networks: Sequence[SavedNetwork], log: Callable[[str], None]) -> Iterator[Poll]:
    """Find or make everything. `made.new` has the ids afterwards; `made.finish()` is left to do."""
    for each in networks:
        yield Poll(after=0, message=f"network {each.saved['network']['name']}")
        network, owned = _restore_network(made, each, log)
        yield from _restore_subnets(made, each.saved["subnets"], network, owned)
    yield from restore_groups(made, _together(networks, "security_groups"), log)
    subnets = [subnet for each in networks for subnet in each.saved["subnets"]]
    gateways = {subnet["id"]: subnet["gateway_ip"] for subnet in subnets}
    chosen = next((each.external_network for each in networks if each.external_network), None)
    routers = [WantedRouter(router, reuse, chosen) for router, reuse in _together(networks, "routers")]
    yield from restore_routers(made, routers, gateways, log)
    for each in networks:
        yield from _restore_ports(made, each, log)


def restored(made: Made, saved: Mapping[str, Any]) -> dict[str, Json]:
    """What is recorded of a network."""
    return {
        "network_id": made.new["network"][saved["network"]["id"]],
        "subnets": _of(made.new["subnet"], saved["subnets"]),
        "security_groups": made.new["security_group"],
        "ports": _of(made.new["port"], saved["ports"]),
    }


def _restore_network(made: Made, wanted: SavedNetwork, log: Callable[[str], None]) -> tuple[Any, bool]:
    """The network, and whether what is missing in it may be made."""
    saved = wanted.saved["network"]
    if wanted.network:
        found = chosen_network(made, wanted.network)
    elif wanted.reuse or not saved["owned"]:
        found = made.visible("network", saved["id"])
    else:
        found = None
    if not found and not saved["owned"]:
        found = foreign_network(made, saved)
    if found:
        made.new["network"][saved["id"]] = found.id
        return found, found.project_id == made.project
    asked = body("network", saved)
    mtu = asked.pop("mtu", None)
    with told(f"create the network {saved['name']!r}"):
        network_id = made.make("network", saved, asked)
        network = made.neutron.get_network(network_id)
        if mtu and network.mtu != mtu:
            _set_mtu(made, network, mtu, log)
    return network, True


def _set_mtu(made: Made, network: Any, mtu: int, log: Callable[[str], None]) -> None:
    """Another cloud may not be able to."""
    from openstack.exceptions import HttpException

    try:
        made.neutron.update_network(network.id, mtu=mtu)
    except HttpException as error:
        log(f"the network {network.name!r} has an MTU of {network.mtu}, not {mtu}: {error.details}")


def _restore_subnets(made: Made, saved: Sequence[Definition], network: Any, owned: bool) -> Iterator[Poll]:
    """Subnets of the same id or with the same addresses are the same; others are made in networks of our own."""
    with told(f"list the subnets of the network {network.name!r}"):
        found = list(made.neutron.subnets(network_id=network.id))
    same = {subnet.cidr: subnet.id for subnet in found} | {subnet.id: subnet.id for subnet in found}
    for subnet in saved:
        yield Poll(after=0, message=f"subnet {subnet['cidr']} of {network.name}")
        existing = same.get(subnet["id"]) or same.get(subnet["cidr"])
        if existing and not _marked(made, found, existing):
            made.new["subnet"][subnet["id"]] = existing
        elif owned:
            asked = {**body("subnet", subnet), "gateway_ip": subnet["gateway_ip"], "network_id": network.id}
            with told(f"create the subnet {subnet['cidr']} of the network {network.name!r}"):
                made.make("subnet", subnet, asked)


def _marked(made: Made, found: Iterable[Any], subnet_id: str) -> bool:
    """An earlier run of this restore has made it."""
    return any(subnet.id == subnet_id and (subnet.description or "").startswith(made.token) for subnet in found)


def _restore_ports(made: Made, wanted: SavedNetwork, log: Callable[[str], None]) -> Iterator[Poll]:
    name = wanted.saved["network"]["name"]
    network_id = made.new["network"][wanted.saved["network"]["id"]]
    for port in wanted.saved["ports"]:
        yield Poll(after=0, message=f"port {port['name'] or port['mac_address']}")
        existing = made.visible("port", port["id"]) if wanted.reuse else None
        if existing and existing.network_id == network_id:
            made.new["port"][port["id"]] = existing.id
            continue

        def subnet(saved_id: str) -> str:
            return _known(made.new["subnet"], saved_id, f"subnet {saved_id} of the network {name!r}")

        def group(saved_id: str) -> str:
            return _known(made.new["security_group"], saved_id, f"security group {saved_id}")

        make_port(made, port, network_id, subnet, group, wanted.addresses, log)


def _known(new: Mapping[str, str], saved_id: str, what: str) -> str:
    if saved_id not in new:
        raise OpenStackError(f"the {what} was not restored, and a port needs it")
    return new[saved_id]


def _together(networks: Sequence[SavedNetwork], part: str) -> list[tuple[Definition, bool]]:
    """The parts that several networks share, each once, and whether one of these networks reuses what exists."""
    parts: dict[str, tuple[Definition, bool]] = {}
    for each in networks:
        for thing in each.saved[part]:
            _, reuse = parts.get(thing["id"], (thing, False))
            parts[thing["id"]] = thing, reuse or each.reuse
    return [parts[key] for key in sorted(parts)]


def _of(new: Mapping[str, str], saved: Sequence[Definition]) -> dict[str, Json]:
    return {each["id"]: new[each["id"]] for each in saved if each["id"] in new}
