"""Hold a server still while its volumes are snapshotted, and let it go on: never one that its owner had stopped.

A server that we hold has the checkpoint's id in its metadata. So the bank need not answer for it to go on, and a
person who finds it paused sees why.
"""

from __future__ import annotations

import time
from collections.abc import Container, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from embank.errors import EmbankError
from embank.plugins import Context, Poll, Resource
from embank_plugins.local.command import run
from embank_plugins.local.stream import CANCELLED
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.server_states import (
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

MARK = "embank_frozen"  # metadata of a server that we hold


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
        ours = server.metadata.get(MARK) == self.checkpoint  # by a run of this activity that was killed
        if not ours:
            server = yield from self._settled(server, ("ACTIVE",))
        if server.status != "ACTIVE" and not ours:
            self.context.log(f"{label(server)} is {server.status} already, and stays so")
            return
        if not ours:
            mark = partial(self.compute.set_server_metadata, server.id, **{MARK: self.checkpoint})
            yield from insist(f"write down that {label(server)} is held", mark, self.timeout)
        self._go_on()
        if self.how in QUIESCE:
            yield from change_state(self.compute, server.id, QUIESCE[self.how], self.timeout, self._go_on)
        else:
            yield from self._run("freeze")

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
        if server.metadata.get(MARK) != self.checkpoint:
            return
        if self.how in QUIESCE:
            yield from self._wake(server)
        else:
            yield from self._run("thaw")
        unmark = partial(self.compute.delete_server_metadata, server.id, [MARK])
        yield from insist(f"remove the note that {label(server)} is held", unmark, self.timeout)

    def _wake(self, server: Any) -> Iterator[Poll]:
        server = yield from self._settled(server, GO_ON)  # it may be being paused
        if server.status in GO_ON:
            yield from change_state(self.compute, server.id, GO_ON[server.status], self.timeout)
        elif server.status == "ERROR":
            raise OpenStackError(f"{label(server)} came into the state ERROR while it was held{fault(server)}")

    def _settled(self, server: Any, states: Container[str]) -> Generator[Poll, None, Any]:
        """The server in one of these states, or when what Nova does with it (a reboot, say) has come to an end."""
        deadline = time.monotonic() + self.timeout
        while server.task_state and server.status not in states and time.monotonic() < deadline:
            yield Poll(after=SOON, message=f"{server.status} {server.task_state}")
            server = known_server(self.compute, server.id)
        return server

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
