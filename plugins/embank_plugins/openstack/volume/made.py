"""Volumes that a restore makes: created once, made like the original, and removed when they are not finished."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any

from embank.plugins import Context, Json, Poll, Resource
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.refusals import told
from embank_plugins.openstack.volume.cinder import TOKEN, VOLUME, because, found, removed
from embank_plugins.openstack.waiting import created

STARTED = "volume"
FAILED = VOLUME.deletable - {"available"}

PARAMETERS: Mapping[str, Json] = {
    "volume_type": {
        "type": "string",
        "minLength": 1,
        "description": "The type of the new volume, instead of the original's.",
    },
    "availability_zone": {
        "type": "string",
        "minLength": 1,
        "description": "The availability zone of the new volume, instead of the original's.",
    },
}


def made(
    storage: Any,
    context: Context,
    resource: Resource,
    facts: Mapping[str, Any],
    parameters: Mapping[str, Json],
    **source: str,
) -> Generator[Poll, None, str]:
    """A new volume like the original, of a `source` as Cinder takes it or empty. Returns its id.

    Raises OpenStackError; `unmade` removes the volume then.
    """
    yield from _without_failed(storage, context, resource)
    wanted = _wanted(storage, resource, facts, parameters)
    id: str = context.once(resource, STARTED, lambda token: _begin(storage, resource, wanted, source, token))
    while (volume := found(storage, VOLUME, id)) is not None and volume.status in ("creating", "downloading"):
        yield Poll(message=f"Cinder makes a volume of {facts['size']} GiB")
    if volume is None:
        raise OpenStackError(f"the volume {id}, made for {resource}, has gone meanwhile")
    if volume.status in FAILED:
        raise OpenStackError(
            f"Cinder could not make a volume for {resource}: it is in {volume.status}{because(storage, volume)}"
        )
    return id


def dressed(storage: Any, id: str, facts: Mapping[str, Any]) -> None:
    """Give a volume the name, metadata and flags that were saved. Raises OpenStackError."""
    with told(f"give the volume {id} its name and metadata back"):
        storage.update_volume(id, name=facts["name"], description=facts["description"])
        volume = storage.get_volume(id)
        if bool(volume.is_bootable) is not facts["bootable"]:
            storage.set_volume_bootable_status(id, facts["bootable"])
        image = facts["image_metadata"]
        has = volume.volume_image_metadata or {}
        if new := {key: value for key, value in image.items() if has.get(key) != value}:
            volume.set_image_metadata(storage, new)
        for key in sorted(set(has) - set(image)):
            storage.delete_volume_image_metadata(id, [key])
        if facts["readonly"]:
            storage.set_volume_readonly(id, True)
        volume.replace_metadata(storage, facts["metadata"])


def unmade(storage: Any, context: Context, resource: Resource) -> Iterator[Poll]:
    """Remove the volume that `made` has begun to make in this execution."""
    started = context.started(resource, STARTED)
    if started:
        for id in sorted(_ids(storage, started.token, started.value)):
            yield from removed(storage, VOLUME, id)
        context.forget(resource, STARTED)


def _without_failed(storage: Any, context: Context, resource: Resource) -> Iterator[Poll]:
    started = context.started(resource, STARTED)
    if started:
        there = [found(storage, VOLUME, id) for id in _ids(storage, started.token, started.value)]
        if all(volume is None or volume.status in FAILED for volume in there):
            yield from unmade(storage, context, resource)


def _ids(storage: Any, token: str, known: Json) -> set[str]:
    """The volumes of a token: it is among the metadata until the restored ones take its place."""
    with told("list the volumes that Embank has made"):
        listed = storage.volumes(properties=str({TOKEN: token}))
        ids = {str(each.id) for each in listed if (each.metadata or {}).get(TOKEN) == token}
    return ids | ({known} if isinstance(known, str) else set())


def _begin(
    storage: Any, resource: Resource, wanted: Mapping[str, Json], source: Mapping[str, str], token: str
) -> str:
    if there := _ids(storage, token, None):
        return min(there)
    with told(f"make a volume for {resource}"):
        metadata = {**wanted["metadata"], TOKEN: token}
        return created(
            lambda: str(storage.create_volume(**{**wanted, "metadata": metadata}, **source).id),
            lambda: min(_ids(storage, token, None), default=None),
        )


def _wanted(
    storage: Any, resource: Resource, facts: Mapping[str, Any], parameters: Mapping[str, Json]
) -> dict[str, Any]:
    """What Cinder is to make. Raises OpenStackError when there is no such volume type or zone (any more)."""
    kind = parameters.get("volume_type", facts["volume_type"])
    zone = parameters.get("availability_zone", facts["availability_zone"])
    with told("list volume types and availability zones"):
        kinds = [each.name for each in storage.types()]
        zones = [each.name for each in storage.availability_zones() if (each.state or {}).get("available")]
    _check(resource, "volume type", "volume_type", kind, kinds)
    _check(resource, "availability zone", "availability_zone", zone, zones)
    names = ("name", "description", "size", "metadata")
    return {**{name: facts[name] for name in names}, "volume_type": kind, "availability_zone": zone}


def _check(resource: Resource, what: str, parameter: str, wanted: Json, there: Iterable[str]) -> None:
    if wanted is not None and wanted not in there:
        raise OpenStackError(
            f"{resource} needs the {what} {wanted!r}, which is not there: restore it with another one, "
            f"`{parameter}: …` (there are: {', '.join(sorted(there)) or 'none'})"
        )
