"""What the lines of a journal say: the events of the conductor, and what people want to know later.

Played through a conductor the events give the whole state of the execution again. docs/journal.md lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from embank.errors import ExitCode
from embank.model import Json
from embank.run import effects
from embank.run.effects import Event, Timer

# The line that begins a journal, those that say how a runner left off, and those for people.
EXECUTION, RESUMED, STOPPED, FINISHED = "execution", "resumed", "stopped", "finished"
CLOSERS = "closers"  # the closers run again, as a part of their own
# Why an execution is cancelled although nobody has asked for that: it has failed.
JOURNAL_LOST = "the journal, which cannot be written"
GIVEN_UP = "its checkpoint, which says that it has failed"
REPEATED, MESSAGE, TIMED_OUT = "repeated", "message", "timed-out"
WARNING = "warning"  # about the whole execution

_NAMES: Mapping[type[Any], str] = {
    effects.Begun: "begun",
    effects.Succeeded: "succeeded",
    effects.Failed: "failed",
    effects.Due: "due",
    effects.Resumed: "confirmed",
    effects.Cancelled: "cancelled",
}
_MAKE: Mapping[str, Callable[[Mapping[str, Json]], Event]] = {
    "begun": lambda entry: effects.Begun(entry["row"]),
    "succeeded": lambda entry: effects.Succeeded(entry["row"]),
    "failed": lambda entry: effects.Failed(entry["row"], entry["reason"]),
    "due": lambda entry: effects.Due(entry["row"], entry["attempt"], Timer(entry["timer"])),
    "confirmed": lambda entry: effects.Resumed(entry["row"]),
    "cancelled": lambda entry: effects.Cancelled(),
}


def values_of(event: Event) -> tuple[str, dict[str, Json]]:
    """The name of the line that an event becomes, and its values."""
    values: dict[str, Json] = event._asdict()
    if isinstance(event, effects.Due):
        values["timer"] = event.timer.value
    return _NAMES[type(event)], values


def event_of(entry: Mapping[str, Json]) -> Event | None:
    """The conductor's event that a line says; None for one that is for people. Raises KeyError, ValueError."""
    make = _MAKE.get(entry["event"])
    return make(entry) if make else None


def is_interruption(by: str) -> bool:
    """Whether an execution that was cancelled by this was interrupted, rather than failed."""
    return by not in ("", JOURNAL_LOST, GIVEN_UP)


def code_in(entry: Mapping[str, Json]) -> ExitCode:
    """The exit code that a failed task asks for."""
    code = entry.get("code", int(ExitCode.FAILED))
    return next((known for known in ExitCode if known == code), ExitCode.FAILED)
