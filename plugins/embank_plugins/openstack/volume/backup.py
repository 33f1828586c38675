"""OS::Cinder::Volume, by backups that Cinder makes and keeps."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

from embank.plugins import (
    NO_PARAMETERS,
    BankSection,
    Checkpoint,
    Context,
    Json,
    Operation,
    Phase,
    Poll,
    Resource,
    closes,
)
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.volume import backups, snapshots
from embank_plugins.openstack.volume.base import VolumePlugin, members
from embank_plugins.openstack.volume.cinder import named
from embank_plugins.openstack.volume.facts import FACTS, TEXT, closed_object, facts
from embank_plugins.openstack.volume.made import PARAMETERS
from embank_plugins.openstack.volume.restore import restored

READY = "ready"


class VolumeBackupPlugin(VolumePlugin):
    """A snapshot in `ready`, a backup of it at leisure, and the snapshot is gone again."""

    def parameters_schema(self, operation: Operation, resource_type: str) -> Mapping[str, Json]:
        """What a plan may say."""
        known = {Operation.PROTECT: PROTECT_PARAMETERS, Operation.RESTORE: RESTORE_PARAMETERS}
        return known.get(operation, NO_PARAMETERS)

    def saved_schema(self, resource_type: str) -> Mapping[str, Json]:
        """The volume, and which backup is its."""
        return SAVED

    def snapshot_taken(self, section: BankSection, volume: Any, snapshot: str) -> None:
        """For `parallel`, which backs it up."""
        section.note(READY, {"snapshot": snapshot, "volume": facts(volume)})

    def activity_protect_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> Iterator[Poll]:
        """Have Cinder back up the snapshot."""
        section = checkpoint.section(resource)
        ready = section.noted(READY)
        mode = parameters.get("backup", "full")
        made = yield from backups.made(self.storage, checkpoint, context, resource, ready["snapshot"], mode)
        section.save({"project_id": self.project, "volume": ready["volume"], "backup": made})

    @closes("ready")
    def activity_protect_post(
        self,
        checkpoint: Checkpoint,
        context: Context,
        resource: Resource | Sequence[Resource],
        parameters: Mapping[str, Json] | Sequence[Mapping[str, Json]],
    ) -> Iterator[Poll]:
        """Delete the snapshot."""
        yield from snapshots.released(self.storage, checkpoint, members(resource))

    def activity_restore_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> Iterator[Poll]:
        """Have Cinder restore the backup, to a new volume or onto the original."""

        def to_volume(storage: Any, saved: Mapping[str, Any]) -> Generator[Poll, None, str]:
            if storage is not self.storage and parameters.get("to") == "original":
                raise OpenStackError(f"{resource} belongs to another project: log in to that one for `to: original`")
            backups.usable(storage, resource, saved["backup"])
            return (yield from restored(storage, context, resource, saved, parameters))

        yield from self.restore(checkpoint, context, resource, to_volume)

    def activity_verify_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """See whether the backup is there, and all that it is built on."""
        section = checkpoint.section(resource)
        backups.checked(self.saved_in(section, resource), resource, section.load()["backup"])

    def aggregate(
        self, operation: Operation, phase: Phase, resource: Resource, parents: Sequence[Resource]
    ) -> str | None:
        """The check before a deletion is one for all volumes, so that no backup goes unless all can
        (decision CLOUD-15).
        """
        if operation is Operation.DELETE:
            return "backups" if phase is Phase.PRE else None
        return super().aggregate(operation, phase, resource, parents)

    def activity_delete_pre(
        self,
        checkpoint: Checkpoint,
        context: Context,
        resource: Sequence[Resource],
        parameters: Sequence[Mapping[str, Json]],
    ) -> Iterator[Poll]:
        """Check that no later backups are built on these."""
        above: list[Any] = []
        for each in resource:
            yield Poll(after=0, message=f"looking for later backups of {each}")
            storage = self.saved_in(checkpoint.section(each), each)
            for id in self._begun(storage, context, each):
                above += backups.built_on(storage, each, id)
        if above:
            raise OpenStackError(f"{backups.first_delete(checkpoint, above)}, with all its backups")

    def activity_delete_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> Iterator[Poll]:
        """Delete the backup, also that of a protection that was killed."""
        section = checkpoint.section(resource)
        storage = self.saved_in(section, resource)
        for id in self._begun(storage, context, resource):
            yield from backups.deleted(storage, checkpoint, resource, id)
        yield from snapshots.deleted(storage, snapshots.left_of(storage, checkpoint, resource))
        section.clear()

    def _begun(self, storage: Any, context: Context, resource: Resource) -> list[str]:
        """The backups that the protection has begun, whatever became of it."""
        started = context.started(resource, backups.STARTED, protecting=True)
        if not started:
            return []
        ids = {str(each.id) for each in named(storage.backups, started.token)}
        return sorted(ids | ({started.value} if started.value else set()))


PROTECT_PARAMETERS: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "backup": {
            "enum": ["full", "incremental", "auto"],
            "default": "full",  # decision CLOUD-3
            "description": "A whole backup, what has changed since the last one, or that if there is a last one.",
        },
    },
    "additionalProperties": False,
}
RESTORE_PARAMETERS: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "to": {
            "enum": ["new", "original"],
            "default": "new",
            "description": "A new volume, or the one that was protected, which must be detached.",
        },
        "overwrite": {
            "type": "boolean",
            "default": False,
            "description": "Replace what the original holds now. Needed with `to: original`.",
        },
        **PARAMETERS,
    },
    "if": {"properties": {"to": {"const": "original"}}, "required": ["to"]},
    "then": {"properties": {"overwrite": {"const": True}}, "required": ["overwrite"]},
    "additionalProperties": False,
}
SAVED: Mapping[str, Json] = closed_object(project_id=TEXT, volume=FACTS, backup=backups.SAVED)
