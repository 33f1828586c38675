"""What both plugins for OS::Cinder::Volume have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from embank.plugins import Checkpoint, Context, Json, Operation, Phase, Poll, ProtectionPlugin, Resource, closes
from embank_plugins.openstack.cloud import Cloud, cloud_options
from embank_plugins.openstack.volume_made import unmade

if TYPE_CHECKING:
    from oslo_config import cfg

SECTION = "volume"
SERVER = "OS::Nova::Server"
RESTORED = "restored"


class VolumePlugin(ProtectionPlugin):
    """Works with Cinder as the user whose volumes these are."""

    resource_types = ("OS::Cinder::Volume",)

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self._cloud = Cloud(conf)

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        """The sections [openstack] and [volume]."""
        from oslo_config import cfg

        together = cfg.BoolOpt(
            "snapshot_together",
            default=False,
            help="The snapshots of all volumes of a server are one task: as a group snapshot when exactly these are "
            "a volume group of Cinder, otherwise one after the other without a pause.",
        )
        return {**cloud_options(), SECTION: [together]}

    def aggregate(
        self, operation: Operation, phase: Phase, resource: Resource, parents: Sequence[Resource]
    ) -> str | None:
        """The volumes of a server, if so configured. One of several servers belongs to none of their groups."""
        if not self.conf[SECTION].snapshot_together or operation is not Operation.PROTECT:
            return None
        servers = [parent.id for parent in parents if parent.type == SERVER]
        return servers[0] if len(servers) == 1 and phase in (Phase.READY, Phase.POST) else None

    @closes("parallel")
    def activity_restore_post(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> Iterator[Poll]:
        """Remove a new volume whose restore did not come to its end."""
        if not checkpoint.section(resource).noted(RESTORED):
            yield from unmade(self.storage, context, resource)

    @property
    def storage(self) -> Any:
        """Cinder."""
        return self._cloud.connection.block_storage


def members(resource: Resource | Sequence[Resource]) -> tuple[Resource, ...]:
    """The resources of an activity, aggregated or not."""
    return (resource,) if isinstance(resource, Resource) else tuple(resource)
