"""Networks for tests: a small one with everything in it, and what a project has, without ids."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from openstack.exceptions import NotFoundException

OPEN_PORT = {"mac_address": "fa:16:3e:00:00:42", "name": "vip", "description": "keepalived"}


@contextmanager
def external(admin: Any) -> Iterator[Any]:
    """A provider network that routers have their gateways in."""
    network = admin.network.create_network(name=f"public-{uuid.uuid4().hex[:8]}", is_router_external=True)
    admin.network.create_subnet(network_id=network.id, ip_version=4, cidr="203.0.113.0/24", enable_dhcp=False)
    yield network
    for address in admin.network.ips(floating_network_id=network.id):
        admin.network.delete_ip(address)
    for port in admin.network.ports(network_id=network.id):
        if port.device_owner == "network:router_gateway":
            admin.network.update_router(port.device_id, external_gateway_info=None)
        else:
            admin.network.delete_port(port)
    admin.network.delete_network(network)


def build(neutron: Any, public: Any) -> tuple[Any, Any]:
    """A network `front` with all that there may be, and a network `back` behind the same router."""
    front = neutron.create_network(name="front", description="the world's side", mtu=1400)
    neutron.set_tags(front, ["blue", "green"])
    four = neutron.create_subnet(
        network_id=front.id,
        name="front-4",
        ip_version=4,
        cidr="10.7.0.0/24",
        gateway_ip="10.7.0.254",
        allocation_pools=[{"start": "10.7.0.10", "end": "10.7.0.20"}, {"start": "10.7.0.30", "end": "10.7.0.99"}],
        dns_nameservers=["192.0.2.53", "192.0.2.54"],
        host_routes=[{"destination": "172.16.0.0/12", "nexthop": "10.7.0.9"}],
    )
    neutron.set_tags(four, ["v4"])
    six = neutron.create_subnet(
        network_id=front.id,
        ip_version=6,
        cidr="2001:db8:7::/64",
        ipv6_address_mode="slaac",
        ipv6_ra_mode="slaac",
    )
    back = neutron.create_network(name="back", is_port_security_enabled=False)
    behind = neutron.create_subnet(
        network_id=back.id, ip_version=4, cidr="10.8.0.0/24", gateway_ip=None, is_dhcp_enabled=False
    )
    router = neutron.create_router(
        name="edge", description="way out", external_gateway_info={"network_id": public.id}
    )
    for subnet in (four, six):
        neutron.add_interface_to_router(router, subnet.id)
    inside = neutron.create_port(network_id=back.id, fixed_ips=[{"subnet_id": behind.id, "ip_address": "10.8.0.5"}])
    neutron.add_interface_to_router(router, None, inside.id)
    neutron.update_router(router, routes=[{"destination": "192.168.99.0/24", "nexthop": "10.8.0.77"}])
    web, db = (neutron.create_security_group(name=name, description=f"{name} servers") for name in ("web", "db"))
    neutron.set_tags(web, ["tier-1"])
    for rule in neutron.security_group_rules(security_group_id=db.id):
        neutron.delete_security_group_rule(rule)
    rules: list[dict[str, Any]] = [
        {"security_group_id": web.id, "port_range_min": 443, "port_range_max": 443, "remote_ip_prefix": "0.0.0.0/0"},
        {"security_group_id": db.id, "port_range_min": 5432, "port_range_max": 5433, "remote_group_id": web.id},
        {"security_group_id": web.id, "port_range_min": 22, "port_range_max": 22, "remote_group_id": db.id},
    ]
    for rule in rules:
        neutron.create_security_group_rule(direction="ingress", protocol="tcp", description="said why", **rule)
    vip = neutron.create_port(
        network_id=front.id,
        security_group_ids=[web.id],
        fixed_ips=[{"subnet_id": four.id, "ip_address": "10.7.0.42"}],
        allowed_address_pairs=[{"ip_address": "10.7.0.43"}],
        **OPEN_PORT,
    )
    neutron.set_tags(vip, ["virtual"])
    return front, back


def lose(neutron: Any) -> None:
    """Delete every network, router and group of the project."""
    project = {"project_id": neutron.session.get_project_id()}
    for address in neutron.ips(**project):
        neutron.update_ip(address, port_id=None)
    for router in neutron.routers(**project):
        neutron.update_router(router, routes=[])
        for port in neutron.ports(device_id=router.id):
            if port.device_owner != "network:router_gateway":
                neutron.remove_interface_from_router(router, port_id=port.id)
        neutron.delete_router(router)
    for port in neutron.ports(**project):
        with suppress(NotFoundException):
            neutron.delete_port(port)
    for network in neutron.networks(**project):
        neutron.delete_network(network)
    for group in neutron.security_groups(**project):
        if group.name != "default":
            neutron.delete_security_group(group)


def seen(neutron: Any) -> dict[str, Any]:
    """All that the project has, with names for ids, and nothing that a cloud fills in at will."""
    project = {"project_id": neutron.session.get_project_id()}
    subnets = list(neutron.subnets(**project))
    groups = list(neutron.security_groups(**project))
    networks = list(neutron.networks(**project))
    ports = list(neutron.ports(**project))
    names = {each.id: each.name for each in (*groups, *networks)} | {each.id: each.cidr for each in subnets}

    def plain(found: Any, *left_out: str) -> dict[str, Any]:
        drop = {"id", "project_id", "tenant_id", "created_at", "updated_at", "revision_number", "location", "status"}
        kept = {key: value for key, value in found.to_dict().items() if key not in drop | set(left_out)}
        named: dict[str, Any] = _named({**kept, "tags": sorted(found.tags or ())}, names)
        return named

    return {
        "networks": _sorted(plain(each, "subnet_ids", "segments") for each in networks),
        "subnets": _sorted(plain(each) for each in subnets),
        "routers": _sorted(
            {
                **plain(each, "external_gateway_info"),
                "gateway": (each.external_gateway_info or {}).get("network_id"),
                "interfaces": _sorted(
                    _named({"fixed_ips": port.fixed_ips}, names)
                    for port in neutron.ports(device_id=each.id)
                    if port.device_owner != "network:router_gateway"
                ),
            }
            for each in neutron.routers(**project)
        ),
        "ports": _sorted(plain(each) for each in ports if not each.device_owner),
        "security_groups": _sorted(
            {
                **plain(each, "security_group_rules"),
                "rules": _sorted(
                    _named({key: rule[key] for key in RULE}, names) for rule in each.security_group_rules
                ),
            }
            for each in groups
        ),
    }


RULE = (
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_group_id",
    "remote_ip_prefix",
    "description",
)


def _named(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _named(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return _sorted(_named(each, names) for each in value)
    return names.get(value, value) if isinstance(value, str) else value


def _sorted(values: Any) -> list[Any]:
    return sorted(values, key=repr)
