"""What a server's saved ids stand for where it is restored: what its dependents were restored as, and nothing else.

With `existing: reuse`, also what was not restored, if the project still has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from embank.plugins import Context, Resource
from embank_plugins.openstack import IMAGE, NETWORK, VOLUME, OpenStackError
from embank_plugins.openstack.network.made import Made
from embank_plugins.openstack.plugin import was_restored
from embank_plugins.openstack.refusals import told


class Targets:
    """The new ids by kind and saved id. Every method raises OpenStackError when there is none."""

    def __init__(self, cloud: Any, made: Made, reuse: bool, context: Context, dependents: Iterable[Resource]) -> None:
        self._cloud, self._made, self._reuse = cloud, made, reuse
        self._new: dict[str, dict[str, str]] = {"network": {}, "subnet": {}, "security_group": {}}
        self._new |= {"volume": {}, "image": {}}
        for dependent in dependents:
            if not was_restored(context, dependent):  # it has no plugin, or is not part of this restore
                continue
            said = context.restored(dependent)
            if dependent.type == NETWORK:
                self._new["network"][dependent.id] = said["network_id"]
                self._new["subnet"] |= said["subnets"]
                self._new["security_group"] |= said["security_groups"]
            elif dependent.type == VOLUME:
                self._new["volume"][dependent.id] = said["volume_id"]
            elif dependent.type == IMAGE:
                self._new["image"][dependent.id] = said["image_id"]

    def network(self, saved_id: str) -> str:
        """A network."""
        return self._find("network", saved_id, lambda: self._made.visible("network", saved_id))

    def subnet(self, saved_id: str) -> str:
        """A subnet, of whatever network."""
        return self._find("subnet", saved_id, lambda: self._got(self._cloud.network.get_subnet, saved_id))

    def group(self, saved_id: str) -> str:
        """A security group."""
        return self._find("security_group", saved_id, lambda: self._made.visible("security_group", saved_id))

    def has_volume(self, saved_id: str) -> bool:
        """Whether a volume was restored."""
        return saved_id in self._new["volume"]

    def volume(self, saved_id: str) -> str:
        """A volume."""
        return self._find("volume", saved_id, lambda: self._got(self._cloud.block_storage.get_volume, saved_id))

    def free_volume(self, saved_id: str) -> str:
        """A volume that can be attached."""
        volume_id = self.volume(saved_id)
        with told(f"look at the volume {volume_id}"):
            volume = self._cloud.block_storage.get_volume(volume_id)
        if volume.status != "available" and not volume.is_multiattach:
            holders = ", ".join(each["server_id"] for each in volume.attachments if each.get("server_id"))
            where = f", attached to the server {holders}: detach it there, or restore to a new one" if holders else ""
            raise OpenStackError(f"the volume {volume_id} is {volume.status}{where}")
        return volume_id

    def image(self, saved_id: str) -> str:
        """An image."""
        return self._find("image", saved_id, lambda: self._got(self._cloud.image.get_image, saved_id))

    def _find(self, kind: str, saved_id: str, existing: Callable[[], Any]) -> str:
        if saved_id in self._new[kind]:
            return self._new[kind][saved_id]
        what = f"the {kind.replace('_', ' ')} {saved_id}"
        if not self._reuse:
            raise OpenStackError(
                f"{what} was not restored; the parameter `existing: reuse` takes the one that the project still has"
            )
        if not existing():
            raise OpenStackError(f"{what} was not restored, and this project has none of that id")
        return saved_id

    def _got(self, get: Callable[[str], Any], wanted: str) -> Any:
        from openstack.exceptions import NotFoundException

        with told(f"look for {wanted}"):
            try:
                return get(wanted)
            except NotFoundException:
                return None
