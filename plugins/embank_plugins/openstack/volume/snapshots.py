"""Snapshots of volumes: of one, or of several that are taken together.

All of them have the token of their start as their name. So has a group snapshot, and Cinder names its members so.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from embank.plugins import Checkpoint, Context, Poll, Resource
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.refusals import told
from embank_plugins.openstack.volume.cinder import (
    GROUP_SNAPSHOT,
    SNAPSHOT,
    because,
    describe,
    found,
    named,
    removed,
)
from embank_plugins.openstack.waiting import created

STARTED = "snapshots"
COMING = ("creating", "available", "backing-up")


def taken(
    storage: Any, checkpoint: Checkpoint, context: Context, volumes: Sequence[tuple[Resource, Any]]
) -> Generator[Poll, None, dict[str, str]]:
    """Take a snapshot of each volume, attached or not; all are begun before the first is waited for.

    Returns the snapshots' ids by those of the volumes. Raises OpenStackError.
    """
    resources = tuple(resource for resource, _ in volumes)
    yield from _without_failed(storage, context, resources)
    ids: dict[str, str] = context.once(
        resources, STARTED, lambda token: _begin(storage, checkpoint, context, volumes, token)
    )
    waiting = dict(ids)
    while waiting:
        for resource in resources:
            if resource.id in waiting and _is_ready(storage, resource, waiting[resource.id]):
                del waiting[resource.id]
        if waiting:
            done = len(ids) - len(waiting)
            message = f"{done} of {len(ids)} snapshots are ready" if len(ids) > 1 else "Cinder takes the snapshot"
            yield Poll(progress=done / len(ids), message=message)
    return ids


def released(storage: Any, checkpoint: Checkpoint, resources: Sequence[Resource]) -> Iterator[Poll]:
    """Delete the snapshots that `taken` took for a checkpoint, as soon as no backup reads them any more.

    The bank is not asked: it may be what has failed, and servers stand still until this is done.
    """
    yield from deleted(storage, [each for one in resources for each in left_of(storage, checkpoint, one)])


def deleted(storage: Any, snapshots: Iterable[Any]) -> Iterator[Poll]:
    """Delete snapshots, and wait until they have gone. Those of a group go together."""
    for snapshot in snapshots:
        if not snapshot.group_snapshot_id:
            yield from removed(storage, SNAPSHOT, snapshot.id)
            continue
        while (member := found(storage, SNAPSHOT, snapshot.id)) and member.status == "backing-up":
            yield Poll(message="a backup reads the snapshot")
    for group in {snapshot.group_snapshot_id: None for snapshot in snapshots if snapshot.group_snapshot_id}:
        yield from removed(storage, GROUP_SNAPSHOT, group)


def left_of(storage: Any, checkpoint: Checkpoint, resource: Resource) -> list[Any]:
    """The snapshots of a volume that were taken for a checkpoint, also those of a run that was killed: without a look
    into the bank (decision CLOUD-18).
    """
    with told(f"list the snapshots of {resource}"):
        listed = storage.snapshots(volume_id=resource.id)
        return [each for each in listed if each.volume_id == resource.id and each.description == describe(checkpoint)]


def _without_failed(storage: Any, context: Context, resources: Sequence[Resource]) -> Iterator[Poll]:
    """What an earlier run has started is used only if all of it is well: they are to be of the same moment."""
    started = context.started(resources, STARTED)
    if started:
        there = named(storage.snapshots, started.token)
        well = {each.volume_id for each in there if each.status in COMING}
        if well != {resource.id for resource in resources}:
            yield from deleted(storage, there)
            context.forget(resources, STARTED)


def _begin(
    storage: Any, checkpoint: Checkpoint, context: Context, volumes: Sequence[tuple[Resource, Any]], token: str
) -> dict[str, str]:
    there = {each.volume_id: each.id for each in named(storage.snapshots, token)}
    group = _group_of(storage, [volume for _, volume in volumes])
    about = {"name": token, "description": describe(checkpoint)}
    if there:
        return there
    if group:
        with told(f"take a snapshot of the volume group {group}"):
            created(
                lambda: storage.create_group_snapshot(group_id=group, **about),
                lambda: next(iter(named(storage.snapshots, token)), None),
            )
        context.log(f"{len(volumes)} snapshots, taken by Cinder as one of the group {group}")
        return {each.volume_id: each.id for each in named(storage.snapshots, token)}
    begun = time.monotonic()
    for resource, volume in volumes:
        with told(f"take a snapshot of {resource}"):
            there[volume.id] = created(
                partial(_snapshot, storage, volume.id, about), partial(_snapshot_named, storage, volume.id, token)
            )
    if len(volumes) > 1:
        within = round((time.monotonic() - begun) * 1000)
        context.log(f"{len(volumes)} snapshots, asked for one after the other within {within} ms")
    return there


def _snapshot(storage: Any, volume: str, about: Mapping[str, str]) -> str:
    return str(storage.create_snapshot(volume_id=volume, is_forced=True, **about).id)


def _snapshot_named(storage: Any, volume: str, token: str) -> str | None:
    return next((each.id for each in named(storage.snapshots, token) if each.volume_id == volume), None)


def _group_of(storage: Any, volumes: Sequence[Any]) -> str | None:
    """The volume group whose members are exactly these, and more than one."""
    groups = {volume.group_id for volume in volumes}
    if len(volumes) < 2 or len(groups) > 1 or None in groups:
        return None
    (group,) = groups
    with told(f"look at the volume group {group}"):
        answer = storage.get(f"/groups/{group}", params={"list_volume": "true"}, microversion="3.25")
    members = answer.json()["group"].get("volumes", []) if answer.ok else []
    return str(group) if sorted(members) == sorted(volume.id for volume in volumes) else None


def _is_ready(storage: Any, resource: Resource, id: str) -> bool:
    snapshot = found(storage, SNAPSHOT, id)
    if snapshot is None:
        raise OpenStackError(f"the snapshot {id} of {resource} has gone while it was taken")
    if snapshot.status not in COMING:
        raise OpenStackError(
            f"Cinder could not take a snapshot of {resource}: it is {snapshot.status}{because(storage, snapshot)}"
        )
    return bool(snapshot.status != "creating")
