"""Hold a server still while its volumes are snapshotted, and let it go on: never one that its owner had stopped.

A server that we hold has the checkpoint's id in its metadata. So the bank need not answer for it to go on, and a
person who finds it paused sees why. Until it stands still, the mark says that this was only asked for: a request that
was not answered, or that waits for a compute service which is down, may come late, when nobody would expect it
(decision CLOUD-16).

Metadata is the tenant's, who may replace all of it meanwhile. So there is a note in the bank, too, to be looked at
when the mark is not there.
"""

from __future__ import annotations

import time
from collections.abc import Container, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from embank.plugins import Context, EmbankError, Poll, Resource
from embank_plugins.local.command import run
from embank_plugins.local.stream import CANCELLED
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.server.states import (
    GO_ON,
    QUIESCE,
    SOON,
    change_state,
    fault,
    find_server,
    gone,
    insist,
    known_server,
    label,
)

MARK = "embank_frozen"  # metadata of a server that we hold (decision CLOUD-6)
NOTE = "held"  # what is started once: to hold the server
HELD = (*GO_ON, "ERROR")


@dataclass(frozen=True, slots=True)
class Freezer:
    """How one server is held, for one checkpoint: `how` is pause, suspend or command."""

    compute: Any
    resource: Resource
    how: str
    checkpoint: str
    context: Context
    timeout: float  # s, to change its state
    commands: Mapping[str, Sequence[str]]
    command_timeouts: Mapping[str, float]

    def freeze(self) -> Iterator[Poll]:
        """Hold the server, unless its owner has."""
        server = known_server(self.compute, self.resource.id)
        mark = server.metadata.get(MARK)
        if mark == self._asked:  # by an earlier run of this activity: asked twice, it would be held twice
            yield from self._settled(server, HELD, may_come=True)
        elif mark != self.checkpoint:
            server = yield from self._settled(server, ("ACTIVE",))
            if server.status != "ACTIVE" and not self._noted(server):
                self.context.log(f"{label(server)} is {server.status} already, and stays so")
                return
            self._go_on()
            self.context.once(self.resource, NOTE, lambda token: self.how)
            yield from self._mark(server, self._asked if self.how in QUIESCE else self.checkpoint)
        self._go_on()
        if self.how not in QUIESCE:
            yield from self._run("freeze")
            return
        yield from change_state(self.compute, server.id, QUIESCE[self.how], self.timeout, self._go_on)
        if mark != self.checkpoint:
            yield from self._mark(server, self.checkpoint)

    def thaw(self) -> Iterator[Poll]:
        """Let the server go on, if we hold it. One that has gone needs nothing."""
        try:
            yield from self._thaw()
        except EmbankError:
            with suppress(EmbankError):
                if find_server(self.compute, self.resource.id) is None:
                    self.context.log(f"the server {self.resource.id} has gone: there is nothing to let go on")
                    return
            raise

    def _thaw(self) -> Iterator[Poll]:
        try:
            server = find_server(self.compute, self.resource.id)
        except OpenStackError as error:
            if self.how in QUIESCE:
                raise
            self.context.log(f"{error}; the thaw command is run all the same, and {MARK} is left in the metadata")
            yield from self._run("thaw")
            return
        if server is None:
            raise OpenStackError(gone(self.resource.id))
        mark = server.metadata.get(MARK)
        if mark not in (self.checkpoint, self._asked):
            if not self._noted(server):
                return
            self.context.log(f"somebody has removed {MARK} from the metadata of {label(server)} while it was held")
        if self.how in QUIESCE:
            yield from self._wake(server, may_come=mark == self._asked)
        else:
            yield from self._run("thaw")
        yield from insist(
            f"remove the note that {label(server)} is held", partial(self._unmark, server), self.timeout
        )

    def _wake(self, server: Any, *, may_come: bool) -> Iterator[Poll]:
        server = yield from self._settled(server, HELD, may_come=may_come)
        if server.status in GO_ON:
            yield from change_state(self.compute, server.id, GO_ON[server.status], self.timeout)
        elif server.status == "ERROR":
            raise OpenStackError(f"{label(server)} came into the state ERROR while it was held{fault(server)}")

    def _settled(self, server: Any, states: Container[str], *, may_come: bool = False) -> Generator[Poll, None, Any]:
        """The server in one of these states, or when what Nova does with it (a reboot, say) has come to an end.

        `may_come`: a request to hold it may be under way. Raises OpenStackError when Nova does not come to an end.
        """
        deadline = time.monotonic() + self.timeout
        while server.status not in states and (server.task_state or may_come):
            if time.monotonic() > deadline and server.task_state:
                raise OpenStackError(
                    f"{label(server)} is {server.status}, and after {self.timeout:g} s Nova is still busy with it "
                    f"({server.task_state}): is its compute service up?"
                )
            if time.monotonic() > deadline:
                self.context.log(f"to {self.how} {label(server)} was asked for, and did not happen")
                break
            late = f"waiting whether it still happens that Nova is to {self.how} it"
            yield Poll(after=SOON, message=f"{server.status} {server.task_state or late}")
            server = known_server(self.compute, server.id)
        return server

    def _noted(self, server: Any) -> bool:
        """Whether a server without a mark stands still, or may do so within, because this execution has held it."""
        if self.how in QUIESCE and server.status not in GO_ON:
            return False
        try:
            return self.context.started(self.resource, NOTE) is not None
        except EmbankError as error:
            self.context.log(f"whether {label(server)} ({server.status}) is held by {self.checkpoint}: {error}")
            return False

    @property
    def _asked(self) -> str:
        return f"{self.checkpoint} (asked for)"

    def _mark(self, server: Any, value: str) -> Iterator[Poll]:
        mark = partial(self.compute.set_server_metadata, server.id, **{MARK: value})
        yield from insist(f"write down that {label(server)} is held", mark, self.timeout)

    def _unmark(self, server: Any) -> None:
        from openstack.exceptions import NotFoundException

        with suppress(NotFoundException):  # somebody else was faster
            self.compute.delete_server_metadata(server.id, [MARK])

    def _run(self, verb: str) -> Iterator[Poll]:
        variables = {
            "EMBANK_CHECKPOINT": self.checkpoint,
            "EMBANK_EXECUTION": self.context.execution,
            "EMBANK_OPERATION": str(self.context.operation),
            "EMBANK_RESOURCE": self.resource.id,
            "EMBANK_RESOURCE_NAME": self.resource.name,
        }
        yield from run(verb, self.commands[verb], variables, self.command_timeouts[verb])

    def _go_on(self) -> None:
        """The closer may have run by now, and nobody else would let the server go on."""
        if self.context.cancelled:
            raise OpenStackError(CANCELLED)
