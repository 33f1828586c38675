"""Ask for a server's state, and for another one, as often as it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from embank.plugins import Poll
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.refusals import told

SOON = 0.5  # s


@dataclass(frozen=True, slots=True)
class Change:
    """A change of state: the status before and after it, and the name of the call that asks for it."""

    before: str
    after: str
    call: str


PAUSE = Change("ACTIVE", "PAUSED", "pause_server")
SUSPEND = Change("ACTIVE", "SUSPENDED", "suspend_server")
UNPAUSE = Change("PAUSED", "ACTIVE", "unpause_server")
RESUME = Change("SUSPENDED", "ACTIVE", "resume_server")
STOP = Change("ACTIVE", "SHUTOFF", "stop_server")
QUIESCE: Mapping[str, Change] = {"pause": PAUSE, "suspend": SUSPEND}
GO_ON: Mapping[str, Change] = {change.before: change for change in (UNPAUSE, RESUME)}


def find_server(compute: Any, server_id: str) -> Any:
    """The server as it is now, or None."""
    from openstack.exceptions import NotFoundException

    with told(f"look at the server {server_id}"):
        try:
            return compute.get_server(server_id)
        except NotFoundException:
            return None


def known_server(compute: Any, server_id: str) -> Any:
    """The server as it is now. Raises OpenStackError when there is none."""
    server = find_server(compute, server_id)
    if server is None:
        raise OpenStackError(gone(server_id))
    return server


def change_state(
    compute: Any,
    server_id: str,
    change: Change,
    timeout: float,
    go_on: Callable[[], None] = lambda: None,
) -> Generator[Poll, None, Any]:
    """Have a server change its state; the server in its new state. One that is busy is asked again.

    `go_on` is called before anything is asked for, and may raise. Raises OpenStackError when the server vanishes,
    comes into any other state, or takes longer than `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    said = ""
    while True:
        server = known_server(compute, server_id)
        if server.status == change.after:
            return server
        if not server.task_state:
            if server.status != change.before:
                raise OpenStackError(
                    f"{label(server)} is {server.status}, and should become {change.after}{fault(server)}"
                )
            go_on()
            verb = change.call.removesuffix("_server")
            said = ask(f"{verb} {label(server)}", partial(getattr(compute, change.call), server.id)) or said
        if time.monotonic() > deadline:
            raise OpenStackError(
                f"{label(server)} is still {server.status} after {timeout:g} s, and should be {change.after}{said}"
            )
        yield Poll(after=SOON, message=f"{server.status} {server.task_state or ''}".strip())


def gone(server_id: str) -> str:
    """That there is no such server."""
    return f"the server {server_id} does not exist (any more)"


def label(server: Any) -> str:
    """A server, for a message."""
    return f"the server {server.name!r} ({server.id})"


def fault(server: Any) -> str:
    """Nova's own words on what happened to a server, after a colon; "" when it has none."""
    message = (server.fault or {}).get("message") if server.status == "ERROR" else ""
    return f": {message}" if message else ""


def ask(what: str, call: Callable[[], object]) -> str:
    """Call Nova; why it cannot do that just now, "" when it does."""
    from openstack.exceptions import ConflictException

    with told(what):
        try:
            call()
        except ConflictException as error:
            if "_state" not in str(error.details):  # locked, for example, and so it will stay
                raise
            return f": {error.details}"
    return ""


def insist(what: str, call: Callable[[], object], timeout: float) -> Iterator[Poll]:
    """Call Nova until the server is not busy with something else. Raises OpenStackError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while said := ask(what, call):
        if time.monotonic() > deadline:
            raise OpenStackError(f"cannot {what} within {timeout:g} s{said}")
        yield Poll(after=SOON, message="the server is busy")
