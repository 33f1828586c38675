"""OS::Cinder::Volume, by snapshots that stay in Cinder."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any

from embank.plugins import NO_PARAMETERS, BankSection, Checkpoint, Context, Json, Operation, Poll, Resource
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.volume import snapshots
from embank_plugins.openstack.volume.base import VolumePlugin
from embank_plugins.openstack.volume.cinder import SNAPSHOT, found
from embank_plugins.openstack.volume.facts import FACTS, GIBIBYTES, TEXT, closed_object, facts
from embank_plugins.openstack.volume.made import PARAMETERS, made


class VolumeSnapshotPlugin(VolumePlugin):
    """Quick to take and to restore. It lives where its volume lives, and dies with it."""

    def parameters_schema(self, operation: Operation, resource_type: str) -> Mapping[str, Json]:
        """What a plan may say."""
        return RESTORE_PARAMETERS if operation is Operation.RESTORE else NO_PARAMETERS

    def saved_schema(self, resource_type: str) -> Mapping[str, Json]:
        """The volume, and which snapshot is its."""
        return SAVED

    def snapshot_taken(self, section: BankSection, volume: Any, snapshot: str) -> None:
        """That is the copy."""
        about = {"id": snapshot, "size": volume.size}
        section.save({"project_id": self.project, "volume": facts(volume), "snapshot": about})

    def activity_restore_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> Iterator[Poll]:
        """Make a new volume of the snapshot."""

        def to_volume(storage: Any, saved: Mapping[str, Any]) -> Generator[Poll, None, str]:
            snapshot = usable(storage, resource, saved)
            source = {"snapshot_id": snapshot.id}
            return (yield from made(storage, context, resource, saved["volume"], parameters, **source))

        yield from self.restore(checkpoint, context, resource, to_volume)

    def activity_verify_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """See whether the snapshot is there."""
        section = checkpoint.section(resource)
        saved = section.load()
        snapshot = usable(self.saved_in(section, resource), resource, saved)
        then, now = (resource.id, saved["snapshot"]["size"]), (snapshot.volume_id, snapshot.size)
        if then != now:
            raise OpenStackError(f"the snapshot {snapshot.id} of {resource} is not the one saved: {then} → {now}")

    def activity_delete_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> Iterator[Poll]:
        """Delete the snapshot, also that of a protection that was killed."""
        section = checkpoint.section(resource)
        storage = self.saved_in(section, resource)
        yield from snapshots.deleted(storage, snapshots.left_of(storage, checkpoint, resource))
        section.clear()


def usable(storage: Any, resource: Resource, saved: Mapping[str, Any]) -> Any:
    """A saved snapshot. Raises OpenStackError when it has gone or is broken."""
    id = saved["snapshot"]["id"]
    snapshot = found(storage, SNAPSHOT, id)
    if snapshot is None:
        raise OpenStackError(
            f"the snapshot {id} of {resource} is not there any more: somebody has deleted it in Cinder"
        )
    if snapshot.status not in ("available", "backing-up"):
        raise OpenStackError(f"the snapshot {id} of {resource} is in {snapshot.status}")
    return snapshot


RESTORE_PARAMETERS: Mapping[str, Json] = {
    "type": "object",
    "properties": dict(PARAMETERS),
    "additionalProperties": False,
}
SAVED: Mapping[str, Json] = closed_object(
    project_id=TEXT, volume=FACTS, snapshot=closed_object(id={"type": "string"}, size=GIBIBYTES)
)
