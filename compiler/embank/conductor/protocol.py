"""What goes into the conductor (events), and what comes out of it (effects).

A *row* is the number of one task in one running workflow; `Execution.path` names it for people.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from embank.conductor.states import FlowState, TaskState


class Timer(StrEnum):
    """What a task waits for."""

    BEFORE = "wait-before"
    AFTER = "wait-after"
    RETRY = "retry"
    TIMEOUT = "timeout"


class Begun(NamedTuple):
    """Event: the action of a task that was to start has been begun."""

    row: int


class Succeeded(NamedTuple):
    """Event: the action of a running task ended well."""

    row: int


class Failed(NamedTuple):
    """Event: the action of a running task failed; `reason` is for people."""

    row: int
    reason: str


class Due(NamedTuple):
    """Event: the time that a Wait effect asked for has passed. Stale ones are ignored."""

    row: int
    attempt: int
    timer: Timer


class Resumed(NamedTuple):
    """Event: a paused task may go on."""

    row: int


class Cancelled(NamedTuple):
    """Event: start nothing more except what the failure of the workflow calls for."""


Event = Begun | Succeeded | Failed | Due | Resumed | Cancelled


class Start(NamedTuple):
    """Effect: begin the action of this task when there is room; the smallest `order` first (file order)."""

    order: tuple[int, ...]
    row: int


class Wait(NamedTuple):
    """Effect: send Due after so many seconds."""

    row: int
    attempt: int
    seconds: int
    timer: Timer


class TimeOut(NamedTuple):
    """Effect: bring the action of this task to an end, it took too long, then send Failed; or, when the task
    has ended already (its sub-workflow took too long), send nothing.
    """

    row: int


class Interrupt(NamedTuple):
    """Effect: the execution was cancelled; the running action of this task should come to an end."""

    row: int


class Pause(NamedTuple):
    """Effect: ask whether this task may start (pause-before), and send Resumed."""

    row: int


class Changed(NamedTuple):
    """Effect, for those who watch: a task ended, waits for a retry, or runs without a Start."""

    row: int
    state: TaskState


class Finished(NamedTuple):
    """Effect, the last one: nothing runs any more; `state` is that of the main workflow."""

    state: FlowState


Effect = Start | Wait | TimeOut | Interrupt | Pause | Changed | Finished
