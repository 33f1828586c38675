"""What Nova is asked for to create a server like a saved one, but for the ports. All is found before one is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embank.plugins import Context, Json
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.refusals import told
from embank_plugins.openstack.server.flavor import find_flavor
from embank_plugins.openstack.server.targets import Targets


@dataclass(frozen=True, slots=True)
class Needs:
    """Of one server, with the parameters of its restore."""

    compute: Any
    targets: Targets
    context: Context
    saved: Mapping[str, Any]
    wishes: Mapping[str, Json]

    def check(self) -> None:
        """Raise OpenStackError when something is missing that no dependent brings."""
        find_flavor(self.compute, self.saved["flavor"], self.wishes.get("flavor"))
        self._key()

    def found(self) -> dict[str, Any]:
        """Arguments of `create_server`. Raises OpenStackError for anything that is missing."""
        saved = self.saved
        asked = {
            "name": saved["name"],
            "metadata": saved["metadata"],
            "flavor_id": find_flavor(self.compute, saved["flavor"], self.wishes.get("flavor")),
            "key_name": self._key(),
            "availability_zone": self._zone(),
            "image_id": self.targets.image(saved["image"]) if saved["image"] else None,
            "block_device_mapping": self._disks(),
            "scheduler_hints": self._group(),
            "config_drive": saved["config_drive"],
            "description": saved.get("description"),
            "user_data": saved.get("user_data"),
        }
        return {field: value for field, value in asked.items() if value}

    def volumes(self) -> list[Mapping[str, Any]]:
        """The saved volumes that are attached: all, or with `volumes: restored` the boot volume and those."""
        if self.wishes.get("volumes") != "restored":
            return list(self.saved["volumes"])
        return [each for each in self.saved["volumes"] if each["boot"] or self.targets.has_volume(each["volume_id"])]

    def _key(self) -> str | None:
        wanted: str | None = self.wishes.get("key_name", self.saved["key_name"])
        if not wanted:
            return None
        with told("list the key pairs"):
            names = [pair.name for pair in self.compute.keypairs()]
        if wanted not in names:
            raise OpenStackError(
                f"the user of [openstack] has no key pair {wanted!r}: create it, or say with the parameter "
                f"`key_name` which one to use instead (null for none); there are {', '.join(sorted(names)) or 'none'}"
            )
        return wanted

    def _zone(self) -> str | None:
        wanted: str | None = self.saved["availability_zone"]
        with told("list the availability zones"):
            zones = {zone.name for zone in self.compute.availability_zones() if zone.state.get("available")}
        if wanted and wanted not in zones:
            self.context.log(f"there is no availability zone {wanted!r}: Nova chooses one")
        return wanted if wanted in zones else None

    def _group(self) -> dict[str, str] | None:
        saved = self.saved["server_groups"]
        if not saved:
            return None
        with told("list the server groups"):
            groups = list(self.compute.server_groups())
        known = {group.name: group.id for group in groups} | {group.id: group.id for group in groups}
        for group in saved:
            if group_id := known.get(group["id"]) or known.get(group["name"]):
                return {"group": group_id}
            self.context.log(f"there is no server group {group['name']!r}: the server is in none")
        return None

    def _disks(self) -> list[dict[str, Any]]:
        """No volume is deleted with a server that does not come up: what the owner wants comes when it is up."""
        disks: list[dict[str, Any]] = []
        for volume in self.volumes():
            disk = {
                "uuid": self.targets.free_volume(volume["volume_id"]),
                "source_type": "volume",
                "destination_type": "volume",
                "boot_index": 0 if volume["boot"] else -1,
                "tag": volume["tag"],
                "device_name": None if volume["boot"] else volume["device"],
            }
            disks.append({field: value for field, value in disk.items() if value is not None})
        if disks and self.saved["image"]:
            image = {"source_type": "image", "destination_type": "local", "delete_on_termination": True}
            disks.insert(0, {**image, "boot_index": 0, "uuid": self.targets.image(self.saved["image"])})
        return disks
