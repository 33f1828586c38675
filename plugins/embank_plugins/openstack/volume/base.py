"""What both plugins for OS::Cinder::Volume have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from embank.plugins import (
    BankError,
    BankSection,
    Checkpoint,
    Context,
    EmbankError,
    Json,
    Operation,
    Phase,
    Poll,
    Resource,
    closes,
)
from embank_plugins.openstack import SERVER, VOLUME
from embank_plugins.openstack.plugin import CloudPlugin
from embank_plugins.openstack.volume import snapshots
from embank_plugins.openstack.volume.cinder import volume_there
from embank_plugins.openstack.volume.handover import arrived, handed_over, storage_in, taken_back
from embank_plugins.openstack.volume.made import STARTED, dressed, unmade

if TYPE_CHECKING:
    from oslo_config import cfg

SECTION = "volume"
RESTORED = "restored"

Restored = Callable[[Any, Mapping[str, Any]], Generator[Poll, None, str]]


class VolumePlugin(CloudPlugin, ABC):
    """Works with Cinder as the user whose volumes these are."""

    resource_types = (VOLUME,)

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
        return {**super().options(), SECTION: [together]}

    def aggregate(
        self, operation: Operation, phase: Phase, resource: Resource, parents: Sequence[Resource]
    ) -> str | None:
        """The volumes of a server, if so configured. One of several servers belongs to none of their groups
        (decision CLOUD-2).
        """
        if not self.conf[SECTION].snapshot_together or operation is not Operation.PROTECT:
            return None
        servers = [parent.id for parent in parents if parent.type == SERVER]
        return servers[0] if len(servers) == 1 and phase in (Phase.READY, Phase.POST) else None

    def activity_protect_ready(
        self,
        checkpoint: Checkpoint,
        context: Context,
        resource: Resource | Sequence[Resource],
        parameters: Mapping[str, Json] | Sequence[Mapping[str, Json]],
    ) -> Iterator[Poll]:
        """Take a snapshot of the volume, attached or not."""
        volumes = [(each, volume_there(self.storage, each)) for each in members(resource)]
        taken = yield from snapshots.taken(self.storage, checkpoint, context, volumes)
        for each, volume in volumes:
            self.snapshot_taken(checkpoint.section(each), volume, taken[each.id])

    @abstractmethod
    def snapshot_taken(self, section: BankSection, volume: Any, snapshot: str) -> None:
        """Keep what the rest of the operation needs: a snapshot of a volume, by its id, is ready."""

    @closes("parallel")
    def activity_restore_post(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> Iterator[Poll]:
        """Remove a new volume whose restore did not come to its end."""
        section = checkpoint.section(resource)
        started = context.started(resource, STARTED)
        if not started or section.noted(RESTORED):
            return
        source = self.saved_in(section, resource)
        if isinstance(started.value, str) and source is not self.storage:
            yield from taken_back(source, self.storage, started.value)
        yield from unmade(source, context, resource)

    def restore(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, restored: Restored
    ) -> Iterator[Poll]:
        """What the plugins do alike: `restored` restores the data, where they were saved."""
        section = checkpoint.section(resource)
        if section.noted(RESTORED):
            return
        saved, target = section.load(), self.storage
        source = self.saved_in(section, resource)
        volume = None if source is target else arrived(target, context, resource)
        if volume is None:
            volume = yield from restored(source, saved)
        if source is not target:
            yield from handed_over(source, target, resource, volume)
        dressed(target, volume, saved["volume"])
        context.record_restored(resource, {"volume_id": volume})
        section.note(RESTORED, True)

    @property
    def storage(self) -> Any:
        """Cinder, in the project that is logged in to."""
        return self._cloud.connection.block_storage

    @property
    def project(self) -> str:
        """The project that is logged in to."""
        return self._cloud.project_id

    def saved_in(self, section: BankSection, resource: Resource) -> Any:
        """Cinder, in the project of what was saved; of a protection that saved nothing it is the one at hand."""
        try:
            project = section.load()["project_id"]
        except BankError:
            raise
        except EmbankError:
            return self.storage
        return self.storage if project == self.project else storage_in(self._cloud, project, resource)


def members(resource: Resource | Sequence[Resource]) -> tuple[Resource, ...]:
    """The resources of an activity, aggregated or not."""
    return (resource,) if isinstance(resource, Resource) else tuple(resource)
