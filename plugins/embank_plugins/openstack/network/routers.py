"""Routers: each once, however many of the networks it connects are restored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from embank.plugins import Poll
from embank_plugins.openstack.network.definition import INTERFACES, Definition, body
from embank_plugins.openstack.network.found import external_network
from embank_plugins.openstack.network.made import Made
from embank_plugins.openstack.refusals import told


@dataclass(frozen=True, slots=True)
class WantedRouter:
    """A saved router, whether it is reused where it still exists, and the external network that it is to have."""

    saved: Definition
    reuse: bool
    external_network: str | None


def restore_routers(
    made: Made, wanted: Sequence[WantedRouter], gateways: Mapping[str, str | None], log: Callable[[str], None]
) -> Iterator[Poll]:
    """`gateways` has the gateway addresses of saved subnets. Subnets are those of `made.new`."""
    for router in wanted:
        saved = router.saved
        yield Poll(after=0, message=f"router {saved['name']}")
        existing = made.visible("router", saved["id"]) if router.reuse else None
        if existing:
            made.new["router"][saved["id"]] = existing.id
        else:
            _make_router(made, router)
        left_out = False
        for interface in saved["interfaces"]:
            yield Poll(after=0, message=f"interfaces of the router {saved['name']}")
            if interface["subnet_id"] in made.new["subnet"]:
                _connect(made, saved, interface, gateways.get(interface["subnet_id"]))
            elif not existing:
                left_out = True
                log(
                    f"the router {saved['name']!r} had the address {interface['ip_address']} in the network "
                    f"{interface['network_id']}, which is not part of this restore"
                )
        if saved["routes"] and not existing:
            _set_routes(made, saved, left_out, log)


def _make_router(made: Made, router: WantedRouter) -> None:
    saved, gateway = router.saved, router.saved["gateway"]
    asked = body("router", saved)
    if gateway:
        network_id = external_network(made, gateway, router.external_network)
        asked["external_gateway_info"] = {"network_id": network_id}
        if not gateway["enable_snat"]:  # not every tenant may say so
            asked["external_gateway_info"]["enable_snat"] = False
    with told(f"create the router {saved['name']!r}"):
        made.make("router", saved, asked)


def _connect(made: Made, saved: Definition, interface: Mapping[str, str], gateway: str | None) -> None:
    """Connect a router to a subnet, unless it is."""
    router_id, subnet_id = made.new["router"][saved["id"]], made.new["subnet"][interface["subnet_id"]]
    with told(f"connect the router {saved['name']!r} to the subnet with its address {interface['ip_address']}"):
        connected = {
            address["subnet_id"]
            for port in made.neutron.ports(device_id=router_id)
            if port.device_owner.startswith(INTERFACES)
            for address in port.fixed_ips
        }
        if subnet_id in connected:
            return
        if interface["ip_address"] == gateway:
            made.neutron.add_interface_to_router(router_id, subnet_id)
            return
        fixed = [{"subnet_id": subnet_id, "ip_address": interface["ip_address"]}]
        asked = {"network_id": made.neutron.get_subnet(subnet_id).network_id, "fixed_ips": fixed}
        port = {"id": f"{saved['id']}/{interface['subnet_id']}", "name": "", "description": "", "tags": []}
        port_id = made.make("port", port, asked)
        made.neutron.add_interface_to_router(router_id, None, port_id)


def _set_routes(made: Made, saved: Definition, left_out: bool, log: Callable[[str], None]) -> None:
    from openstack.exceptions import BadRequestException

    with told(f"set the routes of the router {saved['name']!r}"):
        try:
            made.neutron.update_router(made.new["router"][saved["id"]], routes=saved["routes"])
        except BadRequestException as error:
            if not left_out:
                raise
            log(f"the router {saved['name']!r} has none of its saved routes: {error.details}")
