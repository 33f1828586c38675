"""What an activity starts elsewhere, once in an execution, whatever is killed meanwhile: `Context.once`.

    00000001  {"event": "intended",  "token": …}              from now on it may have been started
    00000002  {"event": "started",   "token": …, "value": …}  it was, and this finds it again
    00000003  {"event": "forgotten", "token": …}              it came to nothing: the next one has a token of its own

The records are write-once. Of two workers who intend the same, one chooses the token and the other takes that
(decision CHECKPOINT-4).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from enum import StrEnum

from embank.checkpoint.errors import CheckpointError, Damaged, Unfit
from embank.checkpoint.keys import started_prefix
from embank.checkpoint.objects import Clock, encode, timestamp
from embank.checkpoint.write_once import Records
from embank.model import Json, Resource, ResourceKey
from embank.plugins.bank import Bank
from embank.plugins.contract import Started


class Event(StrEnum):
    """What a record says."""

    INTENDED = "intended"
    STARTED = "started"
    FORGOTTEN = "forgotten"


class Once:
    """One thing that is to be started once, as one run of an activity sees it."""

    def __init__(
        self, records: Records, resources: Sequence[ResourceKey], name: str, clock: Clock, check: Callable[[], None]
    ) -> None:
        self._records = records
        self._resources = resources
        self._name = name
        self._clock = clock
        self._check = check
        self._token = ""  # what this run of the activity knows of; it must not forget what another run started since

    def start(self, start: Callable[[str], Json]) -> Json:
        """See Context.once. Raises CheckpointError when another run of the activity forgot it meanwhile."""
        if not callable(start):
            raise TypeError(f"the start of {self._name!r} is no function but a {type(start).__name__}")
        number, event, started = self._intended()
        self._token = started.token
        if event is Event.STARTED:
            return started.value
        value = self._checked(start(started.token))
        if self._add(number + 1, Event.STARTED, started.token, value):
            return value
        _, event, other = self._latest()
        if event is Event.STARTED and other.token == started.token:
            return other.value
        raise CheckpointError(
            f"{self._name!r} was started, but another run of this activity has given it up meanwhile"
        )

    def started(self) -> Started | None:
        """See Context.started."""
        _, event, started = self._latest()
        if event is Event.FORGOTTEN:
            return None
        self._token = started.token
        return started

    def forget(self) -> None:
        """See Context.forget. What another run of the activity started after this one looked stays."""
        number, event, started = self._latest()
        while event is not Event.FORGOTTEN and self._token in ("", started.token):
            if self._add(number + 1, Event.FORGOTTEN, started.token):
                break
            number, event, started = self._latest()
        self._token = ""

    def _intended(self) -> tuple[int, Event, Started]:
        number, event, started = self._latest()
        while event is Event.FORGOTTEN:
            token = f"embank-{secrets.token_hex(16)}"
            if self._add(number + 1, Event.INTENDED, token):
                return number + 1, Event.INTENDED, Started(token)
            number, event, started = self._latest()
        return number, event, started

    def _checked(self, value: Json) -> Json:
        """The value as it is read back: once called again, `start` must not seem to have returned something else."""
        if value is None:
            raise TypeError(
                f"the start of {self._name!r} returned None: it should return what finds the operation again, "
                "such as its id, or the token"
            )
        try:
            return json.loads(encode(value))
        except Unfit as error:
            raise Unfit(f"what the start of {self._name!r} returned cannot be kept: {error}") from None

    def _latest(self) -> tuple[int, Event, Started]:
        """Number, event and content of the last record; of nothing yet as if it were forgotten."""
        number, record = self._records.latest()
        if record is None:
            return 0, Event.FORGOTTEN, Started("")
        try:
            event, token = Event(record["event"]), record["token"]
            if not isinstance(token, str) or (event is Event.STARTED and record["value"] is None):
                raise ValueError
        except (KeyError, ValueError):
            raise Damaged(f"the object {self._records.key(number)!r} is damaged: Embank did not write it") from None
        return number, event, Started(token, record.get("value"))

    def _add(self, number: int, event: Event, token: str, value: Json = None) -> bool:
        self._check()
        record = {
            "event": event.value,
            "token": token,
            "name": self._name,
            "resources": self._resources,
            "at": timestamp(self._clock()),
        }
        return self._records.create(number, record if value is None else {**record, "value": value})


class Starts:
    """What one run of one activity starts: the methods `once`, `started` and `forget` of its Context.

    `maker` gives the execution that made the checkpoint.
    """

    def __init__(
        self,
        bank: Bank,
        checkpoint: str,
        execution: str,
        clock: Clock,
        check: Callable[[], None],
        maker: Callable[[], str],
    ) -> None:
        self._bank = bank
        self._checkpoint = checkpoint
        self._execution = execution
        self._clock = clock
        self._check = check
        self._maker = maker
        self._known: dict[tuple[tuple[ResourceKey, ...], str], Once] = {}

    def once(self, resource: Resource | Sequence[Resource], name: str, start: Callable[[str], Json]) -> Json:
        """See Context.once."""
        return self._of(resource, name).start(start)

    def started(
        self, resource: Resource | Sequence[Resource], name: str, *, protecting: bool = False
    ) -> Started | None:
        """See Context.started."""
        if not protecting:
            return self._of(resource, name).started()
        return self._new(_keys(resource), name, self._maker()).started()

    def forget(self, resource: Resource | Sequence[Resource], name: str) -> None:
        """See Context.forget."""
        self._of(resource, name).forget()

    def _of(self, resource: Resource | Sequence[Resource], name: str) -> Once:
        keys = _keys(resource)
        if (keys, name) not in self._known:
            self._known[keys, name] = self._new(keys, name, self._execution)
        return self._known[keys, name]

    def _new(self, keys: tuple[ResourceKey, ...], name: str, execution: str) -> Once:
        records = Records(self._bank, started_prefix(self._checkpoint, execution, keys, name))
        return Once(records, keys, name, self._clock, self._check)


def _keys(resource: Resource | Sequence[Resource]) -> tuple[ResourceKey, ...]:
    resources = (resource,) if isinstance(resource, Resource) else resource
    if (
        not isinstance(resources, list | tuple)
        or not resources
        or not all(isinstance(r, Resource) for r in resources)
    ):
        raise TypeError(f"what is started once belongs to a Resource, or to some of them, not to {resource!r:.100}")
    return tuple(sorted({each.key for each in resources}))
