"""Backups that Cinder makes of volumes: made, looked at, and which of them need which.

Cinder chooses itself what an incremental backup is built on, and tells nobody: the newest backup of the volume that
is available and older than the snapshot (`cinder.backup.api.API.create`). What is said here of parents is that rule.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from embank.plugins import Checkpoint, Context, Json, Poll, Resource
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.refusals import told
from embank_plugins.openstack.volume.cinder import (
    BACKUP,
    SNAPSHOT,
    because,
    found,
    named,
    named_in,
    removed,
)
from embank_plugins.openstack.volume.facts import GIBIBYTES, closed_object
from embank_plugins.openstack.waiting import created

STARTED = "backup"
OF_CHECKPOINT = re.compile(r"Embank checkpoint ([0-9A-Za-z._-]+), volume ")  # see `named_in`
USABLE = ("available", "restoring")

SAVED: Mapping[str, Json] = closed_object(
    id={"type": "string"},
    size=GIBIBYTES,
    incremental={"type": "boolean"},
    parents={"type": "array", "items": {"type": "string"}},
    taken_at={"type": ["string", "null"]},
)


def made(
    storage: Any, checkpoint: Checkpoint, context: Context, resource: Resource, snapshot: str, mode: str
) -> Generator[Poll, None, dict[str, Json]]:
    """Have Cinder back up a snapshot of a volume, `full`, `incremental` or as it can be (`auto`).

    Returns what is saved of the backup. Raises OpenStackError; the failed backup is deleted, at once or when this
    is tried again.
    """
    yield from _without_failed(storage, context, resource)
    id: str = context.once(
        resource, STARTED, lambda token: _begin(storage, checkpoint, resource, snapshot, mode, token)
    )
    while (backup := found(storage, BACKUP, id)) is not None and backup.status == "creating":
        objects = f", {backup.object_count} objects so far" if backup.object_count else ""
        yield Poll(message=f"Cinder makes {_sort(backup)} backup of {backup.size} GiB{objects}")
    if backup is None:
        raise OpenStackError(f"the backup {id} of {resource} has gone while it was made")
    if backup.status not in USABLE:
        with suppress(Exception), told(f"delete the backup {id}"):
            storage.delete_backup(id, ignore_missing=True)
        raise OpenStackError(
            f"Cinder could not back up {resource}: the backup {id} is in {backup.status}{because(storage, backup)}"
        )
    return {
        "id": id,
        "size": backup.size,
        "incremental": bool(backup.is_incremental),
        "parents": [each.id for each in chain(backup, backups_of(storage, resource))],
        "taken_at": backup.data_timestamp,
    }


def checked(storage: Any, resource: Resource, saved: Mapping[str, Json]) -> None:
    """Raise OpenStackError unless a backup is there as it was saved, with all that it is built on."""
    backup = usable(storage, resource, saved)
    then = {"size": saved["size"], "incremental": saved["incremental"], "volume": resource.id}
    now = {"size": backup.size, "incremental": bool(backup.is_incremental), "volume": backup.volume_id}
    if then != now:
        raise OpenStackError(f"the backup {saved['id']} of {resource} is not the one that was saved: {then} → {now}")
    for parent in saved["parents"]:
        below = found(storage, BACKUP, parent)
        if below is None or below.status not in USABLE:
            state = "gone" if below is None else f"in {below.status}"
            raise OpenStackError(
                f"the backup {saved['id']} of {resource} is worthless: it is built on {parent}, which is {state}"
            )


def usable(storage: Any, resource: Resource, saved: Mapping[str, Json]) -> Any:
    """A saved backup. Raises OpenStackError when it has gone or is broken."""
    backup = found(storage, BACKUP, saved["id"])
    if backup is None:
        raise OpenStackError(
            f"the backup {saved['id']} of {resource} is not there any more: somebody has deleted it in Cinder"
        )
    if backup.status not in USABLE:
        raise OpenStackError(
            f"the backup {saved['id']} of {resource} is in {backup.status}{because(storage, backup)}"
        )
    return backup


def deleted(storage: Any, checkpoint: Checkpoint, resource: Resource, id: str) -> Iterator[Poll]:
    """Delete a backup, and wait until it has gone. Raises OpenStackError, and says which others are built on it."""
    if above := built_on(storage, resource, id):
        raise OpenStackError(first_delete(checkpoint, above))
    yield from removed(storage, BACKUP, id)


def built_on(storage: Any, resource: Resource, id: str) -> list[Any]:
    """The backups that Cinder wants deleted before this one. Raises OpenStackError."""
    backup = found(storage, BACKUP, id)
    if backup is None or not backup.has_dependent_backups:
        return []
    others = backups_of(storage, resource)
    later = [
        each for each in others if each.is_incremental and (each.data_timestamp or "") > (backup.data_timestamp or "")
    ]
    return [each for each in later if any(below.id == id for below in chain(each, others))] or later


def first_delete(checkpoint: Checkpoint, above: Iterable[Any]) -> str:
    """What somebody has to do who wants a checkpoint deleted that these backups are built on."""
    newest_first = sorted(above, key=lambda each: each.data_timestamp or "", reverse=True)
    names = dict.fromkeys(_owner(each) for each in newest_first)
    return (
        f"later backups are built on those of the checkpoint {checkpoint.id}, and Cinder deletes only the newest of "
        f"such a chain. Delete first, in this order: {', then '.join(names)}; then {checkpoint.id} "
        "once more. It stays `deleting` until then"
    )


def _owner(backup: Any) -> str:
    named = OF_CHECKPOINT.match(backup.description or "")
    return f"the checkpoint {named[1]}" if named else f"the backup {backup.id} in Cinder, which is not Embank's"


def backups_of(storage: Any, resource: Resource) -> list[Any]:
    """All backups of a volume. Raises OpenStackError."""
    with told(f"list the backups of {resource}"):
        return [each for each in storage.backups(volume_id=resource.id) if each.volume_id == resource.id]


def chain(backup: Any, backups: Sequence[Any]) -> list[Any]:
    """What a backup is built on, next first; the last one is full. Nothing for a full one."""
    result: list[Any] = []
    while backup is not None and backup.is_incremental:
        backup = newest(backups, before=backup.data_timestamp)
        result += [] if backup is None else [backup]
    return result


def newest(backups: Iterable[Any], before: str) -> Any | None:
    """The newest backup that can be built on, of data older than `before` (a time, as Cinder writes it)."""
    fit = [each for each in backups if each.status in USABLE and each.data_timestamp < before]
    return max(fit, key=lambda each: each.data_timestamp, default=None)


def _without_failed(storage: Any, context: Context, resource: Resource) -> Iterator[Poll]:
    """Remove what an earlier run of the activity has started in vain, so that another one can be started."""
    started = context.started(resource, STARTED)
    if started:
        there = named(storage.backups, started.token)
        if not any(each.status in ("creating", *USABLE) for each in there):
            for each in there:
                yield from removed(storage, BACKUP, each.id)
            context.forget(resource, STARTED)


def _begin(storage: Any, checkpoint: Checkpoint, resource: Resource, snapshot: str, mode: str, token: str) -> str:
    if there := named(storage.backups, token):
        return str(there[0].id)
    incremental = mode != "full" and _can_be_incremental(storage, resource, snapshot, mode)
    with told(f"back up {resource}"):
        backup = created(
            lambda: storage.create_backup(
                volume_id=resource.id,
                snapshot_id=snapshot,
                name=token,
                description=named_in(checkpoint, resource),
                is_incremental=incremental,
                force=True,
            ),
            lambda: next(iter(named(storage.backups, token)), None),
        )
    return str(backup.id)


def _can_be_incremental(storage: Any, resource: Resource, snapshot: str, mode: str) -> bool:
    """Cinder would take any backup rather than none, also one that is newer than the snapshot."""
    source = found(storage, SNAPSHOT, snapshot)
    if source is None:
        raise OpenStackError(f"the snapshot {snapshot} of {resource} has gone before it was backed up")
    last = newest(backups_of(storage, resource), before=source.created_at)
    if last is not None and last.size == source.size:
        return True
    if mode == "auto":
        return False
    why = "there is none" if last is None else f"the last one, {last.id}, is of {last.size} GiB, not {source.size}"
    raise OpenStackError(
        f"{resource} has no backup that an incremental one can be built on ({why}): protect it with `backup: full` "
        "or `backup: auto`"
    )


def _sort(backup: Any) -> str:
    return "an incremental" if backup.is_incremental else "a full"
