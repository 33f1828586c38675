"""What an image is besides its data: as Glance shows it, as it is saved, as it is made again."""

from __future__ import annotations

from collections.abc import Mapping

from embank.plugins import Json
from embank_plugins.openstack import OpenStackError

OWN = (
    "name",
    "disk_format",
    "container_format",
    "min_disk",
    "min_ram",
    "visibility",
    "protected",
    "os_hidden",
    "tags",
)
GIVEN = (  # by Glance
    *("id", "owner", "status", "size", "virtual_size", "checksum", "os_hash_algo", "os_hash_value"),
    *("created_at", "updated_at", "direct_url", "locations", "stores", "self", "file", "schema"),
)
RESERVED = "os_glance_"
SNAPSHOTS = "block_device_mapping"
BEING_MADE = ("saving", "uploading", "importing")

SAVED: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "image": {"type": "object", "required": ["name", "visibility", "protected"]},
        "properties": {"type": "object"},
        "owner": {"type": ["string", "null"]},
        "created_at": {"type": "string"},
        "data": {
            "type": ["object", "null"],
            "properties": {
                "size": {"type": "integer", "minimum": 0},
                "digests": {"type": "object", "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]+$"}},
            },
            "required": ["size", "digests"],
            "additionalProperties": False,
        },
    },
    "required": ["image", "properties", "owner", "created_at", "data"],
    "additionalProperties": False,
}


def definition(image: Mapping[str, Json], data: Mapping[str, Json] | None) -> dict[str, Json]:
    """What is saved. `data`: size and digests; None when the image has none (yet)."""
    custom = {key: value for key, value in image.items() if key not in (*OWN, *GIVEN)}
    return {
        "image": {key: image[key] for key in OWN if key in image},
        "properties": {key: value for key, value in custom.items() if not key.startswith(RESERVED)},
        "owner": image["owner"],
        "created_at": image["created_at"],
        "data": data,
    }


def check_protectable(image: Mapping[str, Json]) -> None:
    """Raises OpenStackError for an image whose data cannot be had from Glance."""
    if image["status"] == "deactivated":
        raise OpenStackError(
            "the image is deactivated: nobody but an administrator can read it, or activate it again"
        )
    if image["status"] not in ("active", "queued"):
        raise OpenStackError(f"the image is {image['status']}: there is nothing to copy")
    if image.get(SNAPSHOTS) and not image["size"]:
        raise OpenStackError(
            "the image has no data of its own: it is the snapshot of a server that boots from a volume, and names "
            "snapshots in Cinder. Protect the volumes of the server, and exclude this image from the plan"
        )


def request(saved: Mapping[str, Json], image_id: str, visibility: str | None) -> dict[str, Json]:
    """What Glance is asked to make. `protected` comes last: until then, what is half made must be removable."""
    own = {key: value for key, value in saved["image"].items() if value is not None and key != "protected"}
    wanted = visibility or ("private" if own["visibility"] == "public" else own["visibility"])
    return {**saved["properties"], **own, "visibility": wanted, "id": image_id}
