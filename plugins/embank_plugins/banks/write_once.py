"""Write-once objects where a conditional put alone is not enough.

`If-None-Match: *` is looked at when a put begins, and the object appears when it ends: in Swift (and so behind its
s3api) several that run at the same time all succeed, and the latest stands. Which services do better cannot be
asked. So a writer first announces itself, with an object of its own beside the key:

1. Announce; put if absent; look who else is announced; withdraw.
2. Whoever began before our put had ended was announced by then, or is done. Wait until all are done.
3. From now on nothing can replace the object: every later put finds it. It is ours if it has our token.

Alone, as nearly always, a writer pays four small requests. One that is killed leaves an announcement, which
others wait for until it is stale; nobody's put can still be under way then.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from embank.plugins import BankError
from embank_plugins.banks.patience import IN_ALL

AREA = "embank.announced/"  # names that end with a slash are no keys: nothing of it is ever listed
STALE = IN_ALL + 90  # s: tries end after IN_ALL, and the last of them within a minute
FIRST, LONGEST = 0.02, 1.0  # s, between two looks


@dataclass(frozen=True, slots=True)
class Announcement:
    """An object in AREA: its name, and its age in seconds by the service's clock."""

    name: str
    age: float


@dataclass(frozen=True, slots=True)
class Put:
    """How a put ended: `stored`, or there was an object. Not `over`: an attempt of it may still be under way."""

    stored: bool
    over: bool = True


class Store(Protocol):
    """What a bank has for this. Everything is asked again until it is certain, and raises BankError."""

    def announce(self, name: str) -> None:
        """Store an empty object."""

    def announced(self, prefix: str) -> Sequence[Announcement]:
        """The objects in AREA that begin so."""

    def withdraw(self, name: str) -> None:
        """Delete it, if it is there."""

    def put_absent(self) -> Put:
        """Put the object, with the token, if there is none."""

    def token(self) -> str | None:
        """Of the object under the key."""


class WriteOnce:
    """`write_once(store, key, token)`, for a bank. `stale`: after so many seconds nobody waits any more."""

    def __init__(self, stale: float = STALE) -> None:
        self._stale = stale
        self._swept = False

    def __call__(self, store: Store, key: str, token: str) -> bool:
        """Whether this writer was the one. False: there is an object, and it stays what it is. Raises BankError."""
        self._sweep_once(store)
        above = f"{AREA}{hashlib.sha256(key.encode()).hexdigest()[:32]}/"
        mine = f"{above}{token}/"
        store.announce(mine)
        put = store.put_absent()  # when it raises, the announcement stays: nobody knows what becomes of the put
        others = self._others(store, above, mine)
        if put.over:
            store.withdraw(mine)
        self._wait(store, above, others)
        if put.over and not put.stored:
            return False
        return store.token() == token

    def _others(self, store: Store, above: str, mine: str) -> set[str]:
        """Who else is announced. A listing that does not have ourselves is too old to tell."""
        started = time.monotonic()
        for pause in _pauses():
            found = self._fresh(store, above)
            if mine in found:
                return found - {mine}
            if time.monotonic() - started > self._stale:
                raise BankError(
                    "the bank's listings do not show what was stored minutes ago: is the service healthy?"
                )
            time.sleep(pause)
        raise AssertionError("there are always more pauses")

    def _wait(self, store: Store, above: str, others: set[str]) -> None:
        started = time.monotonic()
        for pause in _pauses():
            if not others or time.monotonic() - started > self._stale:
                return
            time.sleep(pause)
            others &= self._fresh(store, above)

    def _fresh(self, store: Store, above: str) -> set[str]:
        return {each.name for each in store.announced(above) if each.age <= self._stale}

    def _sweep_once(self, store: Store) -> None:
        """Remove what writers that were killed have left, once for each process that writes."""
        if not self._swept:
            self._swept = True
            for each in store.announced(AREA):
                if each.age > self._stale:
                    store.withdraw(each.name)


def _pauses() -> Iterator[float]:
    pause = FIRST
    while True:
        yield pause
        pause = min(2 * pause, LONGEST)
