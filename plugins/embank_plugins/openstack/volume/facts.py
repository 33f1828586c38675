"""What is saved of a volume besides its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embank.plugins import Json
from embank_plugins.openstack.volume.cinder import TOKEN

# Cinder shows these among the metadata; they are not the tenant's.
NOT_METADATA = ("attached_mode", "readonly", "src_backup_id", TOKEN)


def facts(volume: Any) -> dict[str, Json]:
    """What a volume is, as its project sees it."""
    metadata = volume.metadata or {}
    return {
        "name": volume.name or "",
        "description": volume.description or "",
        "size": volume.size,
        "volume_type": volume.volume_type,
        "availability_zone": volume.availability_zone,
        "bootable": bool(volume.is_bootable),
        "multiattach": bool(volume.is_multiattach),
        "encrypted": bool(volume.is_encrypted),
        "readonly": str(metadata.get("readonly", "")).lower() == "true",
        "metadata": {key: value for key, value in metadata.items() if key not in NOT_METADATA},
        "image_metadata": dict(volume.volume_image_metadata or {}),
        "attachments": [
            {"server_id": each["server_id"], "device": each.get("device")}
            for each in volume.attachments or []
            if each.get("server_id")
        ],
    }


TEXT: Mapping[str, Json] = {"type": "string"}
_TEXT_OR_NOTHING: Mapping[str, Json] = {"type": ["string", "null"]}
_FLAG: Mapping[str, Json] = {"type": "boolean"}
_TEXTS: Mapping[str, Json] = {"type": "object", "additionalProperties": TEXT}
GIBIBYTES: Mapping[str, Json] = {"type": "integer", "minimum": 0}


def closed_object(**properties: Mapping[str, Json]) -> Mapping[str, Json]:
    """The schema of an object with exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


FACTS: Mapping[str, Json] = closed_object(
    name=TEXT,
    description=TEXT,
    size=GIBIBYTES,
    volume_type=_TEXT_OR_NOTHING,
    availability_zone=_TEXT_OR_NOTHING,
    bootable=_FLAG,
    multiattach=_FLAG,
    encrypted=_FLAG,
    readonly=_FLAG,
    metadata=_TEXTS,
    image_metadata=_TEXTS,
    attachments={"type": "array", "items": closed_object(server_id=TEXT, device=_TEXT_OR_NOTHING)},
)
