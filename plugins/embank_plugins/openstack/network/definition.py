"""What is saved of networks: Neutron's own field names, as few of them as it takes to create the same again.

{"network": {…}, "subnets": [{…}], "routers": [{…}], "ports": [{…}], "security_groups": [{…}]}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from embank.plugins import Json

Definition = Mapping[str, Any]

OPEN = ""  # the device_owner of ports that belong to no server and no router
DEFAULT = "default"  # every project has a security group of this name
INTERFACES = ("network:router_interface", "network:ha_router_replicated_interface")  # and …_distributed

FIELDS: Mapping[str, Sequence[str]] = {
    "network": ("admin_state_up", "dns_domain", "mtu", "port_security_enabled"),
    "subnet": (
        "allocation_pools",
        "cidr",
        "dns_nameservers",
        "enable_dhcp",
        "host_routes",
        "ip_version",
        "ipv6_address_mode",
        "ipv6_ra_mode",
        "service_types",
    ),
    "router": ("admin_state_up",),
    "port": (
        "admin_state_up",
        "allowed_address_pairs",
        "binding:vnic_type",
        "dns_name",
        "extra_dhcp_opts",
        "fixed_ips",
        "mac_address",
        "network_id",
        "port_security_enabled",
        "security_groups",
    ),
    "security_group": ("stateful",),
    "rule": (
        "description",
        "direction",
        "ethertype",
        "port_range_max",
        "port_range_min",
        "protocol",
        "remote_address_group_id",
        "remote_group_id",
        "remote_ip_prefix",
    ),
}
# What a cloud assumes anyway, and may not let a tenant say, or not know at all.
USUAL: Mapping[str, Json] = {
    "binding:vnic_type": "normal",
    "port_security_enabled": True,
    "stateful": True,
}


def definition(kind: str, found: Any) -> dict[str, Any]:
    """What is saved of something that openstacksdk has found; empty values are left out."""
    body = found.to_dict(computed=False, headers=False, original_names=True)
    kept = {field: body.get(field) for field in FIELDS[kind]}
    named = {
        "id": found.id,
        "name": found.name,
        "description": found.description or "",
        "tags": sorted(found.tags or ()),
    }
    return {**named, **{field: value for field, value in kept.items() if value not in (None, "", [])}}


def rule_definition(rule: Mapping[str, Any]) -> dict[str, Any]:
    """What is saved of a rule, as Neutron shows it within its group."""
    return {field: rule[field] for field in FIELDS["rule"] if rule.get(field) not in (None, "")}


def body(kind: str, saved: Definition) -> dict[str, Any]:
    """What Neutron is asked to create; references to other things are still those of the saved ones."""
    fields = {field: saved[field] for field in FIELDS[kind] if field in saved and saved[field] != USUAL.get(field)}
    return {"name": saved["name"], **fields}


def saved_schema() -> Mapping[str, Json]:
    """The JSON Schema of a network's saved information."""
    return {
        "type": "object",
        "properties": {
            "network": _thing(owned={"type": "boolean"}),
            "subnets": _list(_thing(cidr={"type": "string"}, gateway_ip={"type": ["string", "null"]})),
            "routers": _list(
                _thing(gateway={"type": ["object", "null"]}, interfaces=_list(_interface()), routes=_list({}))
            ),
            "ports": _list(port_schema()),
            "security_groups": _list(_thing(rules=_list({"type": "object"}))),
        },
        "required": ["network", "subnets", "routers", "ports", "security_groups"],
        "additionalProperties": False,
    }


def port_schema() -> Mapping[str, Json]:
    """The JSON Schema of a saved port."""
    return _thing(network_id={"type": "string"}, mac_address={"type": "string"})


def _thing(**more: Json) -> dict[str, Json]:
    text: Json = {"type": "string"}
    properties = {"id": text, "name": text, "description": text, "tags": _list(text), **more}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _interface() -> dict[str, Json]:
    properties: dict[str, Json] = {name: {"type": "string"} for name in ("network_id", "subnet_id", "ip_address")}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(items: Json) -> dict[str, Json]:
    return {"type": "array", "items": items}
