"""Restoring a backup of Cinder's, to a new volume or onto the one that it was made of."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from embank.plugins import Context, Json, Poll, Resource
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.refusals import told
from embank_plugins.openstack.volume.cinder import BACKUP, VOLUME, because, found, volume_there
from embank_plugins.openstack.volume.made import PARAMETERS, made

RUNNING = "restoring-backup"


def restored(
    storage: Any, context: Context, resource: Resource, saved: Mapping[str, Any], parameters: Mapping[str, Json]
) -> Generator[Poll, None, str]:
    """Restore a saved backup. Returns the id of the volume that holds it. Raises OpenStackError."""
    backup = saved["backup"]
    if parameters.get("to", "new") == "original":
        id = _original(storage, resource, backup, parameters)
        again = "it is damaged until it is restored again, for which an administrator has to set it to `available`"
    else:
        id = yield from made(storage, context, resource, saved["volume"], parameters)
        again = "it is removed"
    yield from _filled(storage, context, resource, id, backup["id"], again)
    return id


def _original(storage: Any, resource: Resource, backup: Mapping[str, Any], parameters: Mapping[str, Json]) -> str:
    if not parameters.get("overwrite", False):
        raise OpenStackError(f"restoring onto {resource} replaces what it holds: say `overwrite: true`")
    if meant_for_new := sorted(parameters.keys() & PARAMETERS):
        raise OpenStackError(f"{resource} keeps its {meant_for_new[0]}: with `to: original` leave that parameter out")
    volume = volume_there(storage, resource)
    if volume.status not in ("available", RUNNING):
        detach = ": detach it from its server first" if volume.attachments else ""
        raise OpenStackError(f"{resource} is {volume.status}, and can be restored only when it is available{detach}")
    if volume.size < backup["size"]:
        raise OpenStackError(
            f"{resource} has {volume.size} GiB now, its backup {backup['size']}: extend it, or restore with `to: new`"
        )
    return str(volume.id)


def _filled(
    storage: Any, context: Context, resource: Resource, id: str, backup: str, again: str
) -> Generator[Poll, None, None]:
    """Restore a backup onto a volume. Nobody can tell whether that was done by a run that was killed in the moment
    after it asked for it: then it is done once more.
    """
    name = f"restore to {id}"
    while not context.started(resource, name) and _is_busy(storage, backup, id):
        yield Poll(message="the backup is just being restored to another volume")
    context.once(resource, name, lambda token: _begin(storage, resource, id, backup))
    while (volume := found(storage, VOLUME, id)) is not None and volume.status == RUNNING:
        yield Poll(message=f"Cinder restores {volume.size} GiB to the volume {id}")
    if volume is None:
        raise OpenStackError(f"the volume {id} has gone while {resource} was restored to it")
    if volume.status != "available":
        context.forget(resource, name)
        raise OpenStackError(
            f"Cinder could not restore {resource}: the volume {id} is in {volume.status}"
            f"{because(storage, volume)}; {again}"
        )


def _is_busy(storage: Any, backup: str, id: str) -> bool:
    thing = found(storage, BACKUP, backup)
    volume = found(storage, VOLUME, id)
    return bool(thing and thing.status == "restoring" and volume and volume.status != RUNNING)


def _begin(storage: Any, resource: Resource, id: str, backup: str) -> str:
    volume = found(storage, VOLUME, id)
    if volume is None or volume.status != RUNNING:
        with told(f"restore {resource}"):
            storage.restore_backup(backup, id)
    return id
