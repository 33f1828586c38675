"""What is saved of a server.

{"id", "name", "status", "flavor": {…}, "image": "…" or null, "volumes": [{…}], "ports": [{…}],
 "floating_addresses": [{…}], "key_name", "metadata", "tags", …}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from embank.plugins import Json
from embank_plugins.openstack.network.definition import definition, port_schema
from embank_plugins.openstack.refusals import told
from embank_plugins.openstack.server.freeze import MARK

SHAPE = ("vcpus", "ram", "disk", "ephemeral", "swap")
SIMPLE = "2.1"  # the microversion that says the id of the flavor; later ones say what it is like


def read_server(cloud: Any, server: Any) -> dict[str, Any]:
    """What is saved of a server that Nova has just shown."""
    ports = _ports(cloud, server)
    optional = {"user_data": server.user_data, "description": server.description}
    return {
        "id": server.id,
        "name": server.name,
        "status": server.status,
        "metadata": {key: value for key, value in (server.metadata or {}).items() if key != MARK},
        "tags": sorted(server.tags or ()),
        "key_name": server.key_name,
        "availability_zone": server.availability_zone,
        "config_drive": str(server.has_config_drive) == "True",
        **{field: value for field, value in optional.items() if value},
        "flavor": _flavor(cloud, server),
        "image": (server.image or {}).get("id"),
        "volumes": list(_volumes(cloud, server)),
        "ports": ports,
        "floating_addresses": list(_floating(cloud, ports)),
        "server_groups": list(_groups(cloud, server)),
    }


def saved_schema() -> Mapping[str, Json]:
    """The JSON Schema of a server's saved information."""
    text: Json = {"type": "string"}
    number: Json = {"type": "integer"}
    flavor = {"id": text, "name": text, **dict.fromkeys(SHAPE, number), "extra_specs": {"type": "object"}}
    volume = {
        "volume_id": text,
        "device": {"type": ["string", "null"]},
        "tag": {"type": ["string", "null"]},
        "delete_on_termination": {"type": "boolean"},
        "boot": {"type": "boolean"},
    }
    address = dict.fromkeys(("address", "network_id", "network_name", "port_id", "fixed_address"), text)
    required: dict[str, Json] = {
        "id": text,
        "name": text,
        "status": text,
        "metadata": {"type": "object"},
        "tags": {"type": "array", "items": text},
        "key_name": {"type": ["string", "null"]},
        "availability_zone": {"type": ["string", "null"]},
        "config_drive": {"type": "boolean"},
        "flavor": _object(flavor),
        "image": {"type": ["string", "null"]},
        "volumes": {"type": "array", "items": _object(volume)},
        "ports": {"type": "array", "items": port_schema()},
        "floating_addresses": {"type": "array", "items": _object({**address, "description": text})},
        "server_groups": {"type": "array", "items": _object({"id": text, "name": text})},
    }
    optional = {"user_data": text, "description": text}
    return {**_object(required), "properties": {**required, **optional}}


def _object(properties: Mapping[str, Json]) -> dict[str, Json]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _flavor(cloud: Any, server: Any) -> dict[str, Any]:
    from openstack.exceptions import raise_from_response

    with told(f"read the flavor of the server {server.id}"):
        answer = cloud.compute.get(f"/servers/{server.id}", microversion=SIMPLE)
        raise_from_response(answer)
    simple = answer.json()["server"]["flavor"]
    flavor = server.flavor
    shape = {field: flavor[field] or 0 for field in SHAPE}
    return {
        "id": simple["id"],
        "name": flavor["original_name"],
        **shape,
        "extra_specs": dict(flavor["extra_specs"] or {}),
    }


def _volumes(cloud: Any, server: Any) -> Iterator[dict[str, Any]]:
    """In the order of their devices: sdb before sdaa. While a server is shelved, a volume may have none yet."""
    with told(f"list the volumes of the server {server.id}"):
        attachments = list(cloud.compute.volume_attachments(server.id))
    attachments.sort(key=lambda each: (not each.device, len(each.device or ""), each.device or ""))
    root = None if (server.image or {}).get("id") else _root(cloud, server, attachments)
    for attachment in attachments:
        yield {
            "volume_id": attachment.volume_id,
            "device": attachment.device,
            "tag": attachment.tag,
            "delete_on_termination": bool(attachment.delete_on_termination),
            "boot": attachment is root,
        }


def _root(cloud: Any, server: Any, attachments: Sequence[Any]) -> Any:
    """What a server without an image boots from. Nova tells it to administrators; others see what can be booted."""
    for attachment in attachments:
        if attachment.device and attachment.device == server.root_device_name:
            return attachment
    if len(attachments) > 1:
        with told(f"look for the volume that the server {server.id} boots from"):
            for attachment in attachments:
                if cloud.block_storage.get_volume(attachment.volume_id).is_bootable:
                    return attachment
    return attachments[0] if attachments else None


def _ports(cloud: Any, server: Any) -> list[dict[str, Any]]:
    """In the order in which the guest sees them, as far as Nova tells it; `nic` is the tag that the guest sees."""
    addresses = [each for network in (server.addresses or {}).values() for each in network]
    order = [each.get("OS-EXT-IPS-MAC:mac_addr") for each in addresses]
    with told(f"list the ports of the server {server.id}"):
        found = {port.id: port for port in cloud.network.ports(device_id=server.id)}
        interfaces = [each for each in cloud.compute.server_interfaces(server.id) if each.port_id in found]
    interfaces.sort(key=lambda each: order.index(each.mac_addr) if each.mac_addr in order else len(order))
    return [
        {**definition("port", found[each.port_id]), **({"nic": each.tag} if each.tag else {})} for each in interfaces
    ]


def _floating(cloud: Any, ports: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for port in ports:
        with told(f"list the floating addresses of the port {port['id']}"):
            for found in cloud.network.ips(port_id=port["id"]):
                yield {
                    "address": found.floating_ip_address,
                    "network_id": found.floating_network_id,
                    "network_name": cloud.network.get_network(found.floating_network_id).name,
                    "port_id": port["id"],
                    "fixed_address": found.fixed_ip_address,
                    "description": found.description or "",
                }


def _groups(cloud: Any, server: Any) -> Iterator[dict[str, Any]]:
    for group_id in server.server_groups or ():
        with told(f"read the server group {group_id}"):
            yield {"id": group_id, "name": cloud.compute.get_server_group(group_id).name}
