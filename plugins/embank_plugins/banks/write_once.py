"""Write-once objects, where a conditional put alone is not enough.

`If-None-Match: *` is looked at when a put begins, and the object appears when it ends: in Swift (and so behind its
s3api) several that run at the same time all succeed, and the latest stands. Which services do better cannot be
asked. So a writer first announces itself, with an object of its own beside the keys (decision BANK-2):

1. Announce; put if absent; look who else is announced; withdraw.
2. Whoever began before our put had ended was announced by then, or is done. Wait until all are done.
3. From now on nothing can replace the object: every later put finds it. It is ours if it has our token.

Alone, as nearly always, a writer pays four small requests. One that is killed leaves an announcement, which
others wait for until it is stale; nobody's put can still be under way then.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from embank_plugins.banks.listing import PAGE, Row
from embank_plugins.banks.retries import IN_ALL, Failure, Service

AREA = "embank.announced/"  # names that end with a slash are no keys: nothing of it is ever listed
PROBES = "embank.check/"
STALE = IN_ALL + 90  # s: tries end after IN_ALL, and the last of them within a minute
FIRST, LONGEST = 0.02, 1.0  # s, between two looks


class Published(Protocol):
    """What a put publishes."""

    @property
    def token(self) -> str:
        """Stored with the object, it says which put that is of."""


Upload = TypeVar("Upload", bound=Published, contravariant=True)


class Objects(Protocol[Upload]):
    """A container or bucket. Everything but `try_put` tries until it is certain, and raises BankError."""

    @property
    def service(self) -> Service:
        """Where it is."""

    def put_empty(self, name: str, token: str, action: str) -> None:
        """Store an object without content."""

    def try_put(self, name: str, upload: Upload, action: str, *, if_absent: bool = False) -> bool | Failure:
        """Try once. False: `if_absent`, and there is an object."""

    def token(self, name: str, action: str) -> str | None:
        """That of an object ("" when it has none); None when there is no object."""

    def delete(self, name: str, action: str) -> object:
        """Delete an object, if it is there."""

    def list(self, prefix: str, marker: str, limit: int, action: str) -> Sequence[Row]:
        """Those that start with `prefix` and come behind `marker`."""


@dataclass(frozen=True, slots=True)
class Put:
    """How a put ended: `stored`, or there was an object. Not `over`: a try of it may still be under way."""

    stored: bool
    over: bool = True


class WriteOnce:
    """Puts that store an object or find one, however many writers race. For one bank, and all its threads.

    `stale`: after so many seconds nobody waits any more for somebody who was announced.
    """

    def __init__(self, stale: float = STALE) -> None:
        self._stale = stale
        self._swept = False

    def put(self, objects: Objects[Upload], key: str, upload: Upload, action: str) -> bool:
        """Whether this put was the one. False: there is an object, and it stays what it is. Raises BankError."""
        self._sweep_once(objects, action)
        above = f"{AREA}{hashlib.sha256(key.encode()).hexdigest()[:32]}/"
        mine = f"{above}{upload.token}/"
        objects.put_empty(mine, upload.token, action)
        put = put_absent(objects, key, upload, action)  # raises: we stay announced, as nobody knows what comes of it
        others = self._others(objects, above, mine, action)
        if put.over:
            objects.delete(mine, action)
        self._wait(objects, above, others, action)
        if put.over and not put.stored:
            return False
        return objects.token(key, action) == upload.token

    def _others(self, objects: Objects[Upload], above: str, mine: str, action: str) -> set[str]:
        """Who else is announced. A listing that does not have ourselves is too old to tell."""
        started = time.monotonic()
        for pause in _pauses():
            found = self._fresh(objects, above, action)
            if mine in found:
                return found - {mine}
            if time.monotonic() - started > self._stale:
                raise objects.service.cannot(action, "its listings do not show what was stored minutes ago")
            time.sleep(pause)
        raise AssertionError("there is always another pause")

    def _wait(self, objects: Objects[Upload], above: str, others: set[str], action: str) -> None:
        started = time.monotonic()
        for pause in _pauses():
            if not others or time.monotonic() - started > self._stale:
                return
            time.sleep(pause)
            others = others & self._fresh(objects, above, action)

    def _fresh(self, objects: Objects[Upload], above: str, action: str) -> set[str]:
        return {row.name for row in objects.list(above, "", PAGE, action) if row.age <= self._stale}

    def _sweep_once(self, objects: Objects[Upload], action: str) -> None:
        """Remove what writers that were killed have left: once in every process that writes."""
        if not self._swept:
            self._swept = True
            for row in objects.list(AREA, "", PAGE, action):
                if row.age > self._stale:
                    objects.delete(row.name, action)


def put_absent(objects: Objects[Upload], key: str, upload: Upload, action: str) -> Put:
    """Put if absent. An answer may be lost though the object was stored: then it has our token."""
    service = objects.service
    retries = service.retries()
    sure = True
    while isinstance(got := objects.try_put(key, upload, action, if_absent=True), Failure):
        sure = False
        service.wait(retries, got, action)
        if found := objects.token(key, action):
            return _unsure(found, upload)
    return Put(got) if got or sure else _unsure(objects.token(key, action), upload)


def _unsure(found: str | None, upload: Published) -> Put:
    stored = found == upload.token
    return Put(stored, over=stored)


def heeds_if_absent(objects: Objects[Upload], first: Upload, second: Upload, action: str) -> bool:
    """Whether the service refuses to replace an object when it is told not to. Leaves nothing behind."""
    name = f"{PROBES}{uuid.uuid4().hex}/"
    try:
        return (
            put_absent(objects, name, first, action).stored and not put_absent(objects, name, second, action).stored
        )
    finally:
        objects.delete(name, action)


def _pauses() -> Iterator[float]:
    pause = FIRST
    while True:
        yield pause
        pause = min(2 * pause, LONGEST)
