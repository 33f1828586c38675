"""Cinder, as the volume plugins use it: how a thing is found, and how it is deleted and waited for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from embank.plugins import Checkpoint, Poll, Resource
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.refusals import told

SAFE_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
TOKEN = "embank_token"  # in the metadata of a volume that is being restored


@dataclass(frozen=True)
class Kind:
    """A kind of thing in Cinder. In its states `deletable` it may be deleted; from all others it comes to one of
    them, or stays in `error_deleting`.
    """

    name: str
    deletable: frozenset[str]

    def __str__(self) -> str:
        return self.name.replace("_", " ")


_IDLE = frozenset(("available", "error"))
BACKUP = Kind("backup", _IDLE)
GROUP_SNAPSHOT = Kind("group_snapshot", _IDLE)
SNAPSHOT = Kind("snapshot", _IDLE)
VOLUME = Kind("volume", _IDLE | {"error_extending", "error_managing", "error_restoring"})


def found(storage: Any, kind: Kind, id: str) -> Any | None:
    """What has this id, freshly asked for; None when there is nothing. Raises OpenStackError."""
    from openstack.exceptions import NotFoundException

    if not SAFE_ID.fullmatch(id):
        raise OpenStackError(f"{id!r:.100} is no id of Cinder's")
    with told(f"look for the {kind} {id}"):
        try:
            return getattr(storage, f"get_{kind.name}")(id)
        except NotFoundException:
            return None


def named(listing: Callable[..., Iterable[Any]], token: str) -> list[Any]:
    """What has a token as its name. Raises OpenStackError."""
    with told("list what Embank has started in Cinder"):
        return [each for each in listing(name=token) if each.name == token]


def volume_there(storage: Any, resource: Resource) -> Any:
    """The volume of a resource. Raises OpenStackError when it has gone."""
    volume = found(storage, VOLUME, resource.id)
    if volume is None:
        raise OpenStackError(
            f"{resource} is not there (any more), or belongs to another project. If it was deleted on purpose, run "
            "`embank discover` and compile again"
        )
    return volume


def removed(storage: Any, kind: Kind, id: str) -> Iterator[Poll]:
    """Delete it, and wait until it has gone: until it is no longer in use before, and for Cinder afterwards.

    What has gone already is fine. Raises OpenStackError when Cinder will not.
    """
    from openstack.exceptions import BadRequestException, ConflictException

    asked = False
    while (thing := found(storage, kind, id)) is not None:
        if thing.status == "error_deleting" or (asked and thing.status in kind.deletable):
            raise OpenStackError(
                f"Cinder could not delete the {kind} {id}, which is {thing.status} now{because(storage, thing)}"
            )
        if thing.status in kind.deletable:
            with told(f"delete the {kind} {id}"):
                try:
                    getattr(storage, f"delete_{kind.name}")(id, ignore_missing=True)
                except (BadRequestException, ConflictException):
                    # Somebody else may have asked at the same time.
                    now = found(storage, kind, id)
                    if now is not None and now.status in kind.deletable:
                        raise
            asked = True
        yield Poll(message=f"the {kind} is {thing.status}, and then deleted" if not asked else f"deleting the {kind}")


def because(storage: Any, thing: Any) -> str:
    """What Cinder says of the failure of a thing, after a colon; "" when it says nothing."""
    said = getattr(thing, "fail_reason", None)
    if not said:
        with suppress(OpenStackError), told("ask what went wrong"):  # it must not hide that something did
            answer = storage.get("/messages", params={"resource_uuid": thing.id}, microversion="3.5")
            messages = answer.json().get("messages", []) if answer.ok else []
            said = next((each.get("user_message") for each in messages), None)
    return f": {' '.join(str(said).split())}" if said else ""


def describe(checkpoint: Checkpoint) -> str:
    """The description of snapshots: what they are for, and how those are found that nobody else knows of."""
    return f"Embank checkpoint {checkpoint.id}"


def named_in(checkpoint: Checkpoint, resource: Resource) -> str:
    """The description of a backup. Cinder takes 255 characters."""
    return f"{describe(checkpoint)}, volume {resource.name} ({resource.id})"[:255]
