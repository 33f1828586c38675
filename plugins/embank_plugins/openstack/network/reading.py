"""Read what belongs to a network: subnets, routers, ports, and the security groups of the ports."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from embank.plugins import Poll
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.network.definition import INTERFACES, OPEN, definition, rule_definition
from embank_plugins.openstack.refusals import told


def read_network(cloud: Any, network_id: str, log: Callable[[str], None]) -> Generator[Poll, None, dict[str, Any]]:
    """Returns what is saved. Raises OpenStackError when the network does not exist."""
    from openstack.exceptions import NotFoundException

    neutron, project = cloud.network, cloud.current_project_id
    with told(f"read the network {network_id}"):
        try:
            network = neutron.get_network(network_id)
        except NotFoundException:
            raise OpenStackError(f"the network {network_id} does not exist (any more)") from None
        subnets = [_subnet(each) for each in neutron.subnets(network_id=network_id)]
        yield Poll(after=0, message="reading its ports")
        ports = list(neutron.ports(network_id=network_id))
        mine = [port for port in ports if port.project_id == project and not port.device_owner.startswith("network:")]
        routers = {port.device_id for port in ports if port.device_owner.startswith(INTERFACES)}
        yield Poll(after=0, message="reading its routers")
        known = [_router(neutron, router_id, log) for router_id in sorted(routers)]
        yield Poll(after=0, message="reading its security groups")
        groups = _groups(neutron, {group for port in mine for group in port.security_group_ids or ()}, log)
    return {
        "network": {**definition("network", network), "owned": network.project_id == project},
        "subnets": sorted(subnets, key=_id),
        "routers": [router for router in known if router],
        "ports": sorted((definition("port", port) for port in mine if port.device_owner == OPEN), key=_id),
        "security_groups": sorted(groups, key=_id),
    }


def _subnet(subnet: Any) -> dict[str, Any]:
    return {**definition("subnet", subnet), "gateway_ip": subnet.gateway_ip}


def _router(neutron: Any, router_id: str, log: Callable[[str], None]) -> dict[str, Any] | None:
    from openstack.exceptions import NotFoundException

    try:
        router = neutron.get_router(router_id)
    except NotFoundException:  # another project's, on a network that it shares with ours
        log(f"the router {router_id} belongs to another project, and is not saved")
        return None
    return {
        **definition("router", router),
        "gateway": _gateway(neutron, router.external_gateway_info),
        "interfaces": sorted(
            _interfaces(neutron.ports(device_id=router_id)), key=lambda each: str(each["subnet_id"])
        ),
        "routes": router.routes or [],
    }


def _gateway(neutron: Any, found: Any) -> dict[str, Any] | None:
    if not found:
        return None
    network = neutron.get_network(found["network_id"])
    return {"network_id": network.id, "network_name": network.name, "enable_snat": found.get("enable_snat", True)}


def _interfaces(ports: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for port in ports:
        if port.device_owner.startswith(INTERFACES):
            for address in port.fixed_ips:
                yield {"network_id": port.network_id, **address}


def _groups(neutron: Any, wanted: set[str], log: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """These groups and all that their rules refer to."""
    from openstack.exceptions import NotFoundException

    done: set[str] = set()
    while wanted - done:
        group_id = min(wanted - done)
        done.add(group_id)
        try:
            group = neutron.get_security_group(group_id)
        except NotFoundException:
            log(f"the security group {group_id} belongs to another project, and is not saved")
            continue
        rules = [rule_definition(rule) for rule in group.security_group_rules]
        wanted |= {rule["remote_group_id"] for rule in rules if "remote_group_id" in rule}
        yield {
            **definition("security_group", group),
            "rules": sorted(rules, key=lambda rule: sorted(map(str, rule.items()))),
        }


def _id(saved: dict[str, Any]) -> str:
    return str(saved["id"])
