"""What the lines of a journal say: the events of the conductor, and what people want to know later.

Played through a conductor the events give the whole state of the execution again. docs/journal.md lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from embank.conductor import protocol
from embank.conductor.protocol import Event, Timer
from embank.errors import ExitCode
from embank.model import Json

# The line that begins a journal, those that say how a runner left off, and those for people.
EXECUTION, RESUMED, STOPPED, FINISHED = "execution", "resumed", "stopped", "finished"
CLOSERS = "closers"  # the closers run again, as a part of their own
REPEATED, MESSAGE, TIMED_OUT = "repeated", "message", "timed-out"
WARNING = "warning"  # about the whole execution

_NAMES: Mapping[type[Any], str] = {
    protocol.Begun: "begun",
    protocol.Succeeded: "succeeded",
    protocol.Failed: "failed",
    protocol.Due: "due",
    protocol.Resumed: "confirmed",
    protocol.Cancelled: "cancelled",
}
_MAKE: Mapping[str, Callable[[Mapping[str, Json]], Event]] = {
    "begun": lambda entry: protocol.Begun(entry["row"]),
    "succeeded": lambda entry: protocol.Succeeded(entry["row"]),
    "failed": lambda entry: protocol.Failed(entry["row"], entry["reason"]),
    "due": lambda entry: protocol.Due(entry["row"], entry["attempt"], Timer(entry["timer"])),
    "confirmed": lambda entry: protocol.Resumed(entry["row"]),
    "cancelled": lambda entry: protocol.Cancelled(),
}


def values_of(event: Event) -> tuple[str, dict[str, Json]]:
    """The name of the line that an event becomes, and its values."""
    values: dict[str, Json] = event._asdict()
    if isinstance(event, protocol.Due):
        values["timer"] = event.timer.value
    return _NAMES[type(event)], values


def event_of(entry: Mapping[str, Json]) -> Event | None:
    """The conductor's event that a line says; None for one that is for people. Raises KeyError, ValueError."""
    make = _MAKE.get(entry["event"])
    return make(entry) if make else None


def code_in(entry: Mapping[str, Json]) -> ExitCode:
    """The exit code that a failed task asks for."""
    code = entry.get("code", int(ExitCode.FAILED))
    return next((known for known in ExitCode if known == code), ExitCode.FAILED)
