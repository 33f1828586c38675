"""Progress as plain lines, for logs and CI: one line for what a person wants to find there later.

Names and messages come from tenants: control characters are written as escapes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import singledispatch
from typing import TextIO

from embank.plaintext import plain
from embank.reporting import events
from embank.reporting.summary_text import duration

POLL_EVERY = 10.0  # s between two lines about polls of one task
MANY = 200  # from so many tasks on, their starts and successes are counted and not listed
COUNT_EVERY = 5.0  # s between two counts
PROGRESS_LOST = "the progress is not shown any more"
AT_ONCE = {"SIGINT": "Ctrl-C once more stops at once", "SIGTERM": "SIGTERM once more stops at once"}


class PlainProgress:
    """A listener that writes lines. Raises OSError when the stream does not take them."""

    when_lost = PROGRESS_LOST

    def __init__(self, stream: TextIO, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._monotonic = monotonic
        self._tally = Tally()
        self._said: dict[str, float] = {}
        self._counted = monotonic()

    def __call__(self, event: events.Event) -> None:
        """Write what there is to say about the event, if anything."""
        named = not isinstance(event, events.TaskSucceeded) or event.task in self._tally.running
        self._tally(event)
        line = self._line(event) if named else ""
        if line:
            self._stream.write(f"{event.time:%H:%M:%S} {line}\n")
            self._stream.flush()

    def _line(self, event: events.Event) -> str:
        if isinstance(event, events.TaskPolled):
            return self._polled(event)
        if self._tally.total > MANY and isinstance(event, events.TaskStarted | events.TaskSucceeded):
            return self._count()
        return line_of(event)

    def _polled(self, event: events.TaskPolled) -> str:
        now = self._monotonic()
        if now - self._said.get(event.task, float("-inf")) < POLL_EVERY:
            return ""
        self._said[event.task] = now
        return line_of(event) if event.message or event.progress is not None else ""

    def _count(self) -> str:
        now = self._monotonic()
        if now - self._counted < COUNT_EVERY:
            return ""
        self._counted = now
        return f"… {self._tally}"


class LogLines:
    """A listener that writes everything there is a line for, with its date. Raises OSError."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._tally = Tally()

    def __call__(self, event: events.Event) -> None:
        """Write the event."""
        named = not isinstance(event, events.TaskSucceeded) or event.task in self._tally.running
        self._tally(event)
        if named and (line := line_of(event)):
            self._stream.write(f"{event.time:%Y-%m-%d %H:%M:%S} {line}\n")


class Tally:
    """A listener that counts: tasks with actions that succeeded, failed, were skipped, are running."""

    def __init__(self) -> None:
        self.total = 0
        self.succeeded = 0
        self.failed = 0
        self.skipped = 0
        self.running: dict[str, events.TaskStarted | events.TaskRepeated] = {}

    def __call__(self, event: events.Event) -> None:
        """Take an event into account."""
        if isinstance(event, events.ExecutionStarted):
            self.total = event.tasks
        elif isinstance(event, events.ExecutionResumed):
            self.total, self.succeeded = event.tasks, event.succeeded
            self.failed, self.skipped = event.failed, event.skipped
        elif isinstance(event, events.TaskStarted | events.TaskRepeated) and is_action(event.runs):
            self.running[event.task] = event
        elif isinstance(event, events.TaskSkipped):
            self.skipped += is_action(event.runs)
        elif isinstance(event, events.TaskSucceeded | events.TaskFailed | events.TaskRetried):
            if self.running.pop(event.task, None):
                self.succeeded += isinstance(event, events.TaskSucceeded)
            # a task that fails before its retry is not running
            self.failed += isinstance(event, events.TaskFailed) and not event.cause

    def __str__(self) -> str:
        parts = [f"{self.succeeded} of {self.total} done", f"{len(self.running)} running"]
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.skipped} skipped"] if self.skipped else []
        return ", ".join(parts)


def is_action(runs: str) -> bool:
    """Whether a task does something, rather than hold others together: no sub-workflow, no std action."""
    return runs.startswith("embank.")


@singledispatch
def line_of(event: events.Event) -> str:
    """One line about an event; "" when it is not worth one."""
    return ""


@line_of.register
def _(event: events.ExecutionStarted) -> str:
    return f"{plain(event.workflow)}: {event.tasks} tasks, execution {plain(event.execution)}"


@line_of.register
def _(event: events.ExecutionResumed) -> str:
    done = f"{event.succeeded} of {event.tasks} done, {event.repeated} to be repeated"
    return f"{plain(event.workflow)}: resumed, {done}, execution {plain(event.execution)}"


@line_of.register
def _(event: events.ExecutionInterrupted) -> str:
    tasks = f"{event.running} running task{'s' if event.running > 1 else ''}"
    wait = f"; waiting for {tasks}, {event.grace:g} s at most" if event.running else ""
    if not event.running and not event.grace:
        return f"interrupted ({plain(event.by)}): nothing more is started but what closes"
    again = AT_ONCE.get(event.by, "Ctrl-C twice stops at once")
    return f"interrupted ({plain(event.by)}): nothing more is started but what closes{wait}; {again}"


@line_of.register
def _(event: events.ExecutionFinished) -> str:
    return f"finished: {plain(event.state)}"


@line_of.register
def _(event: events.TaskStarted) -> str:
    again = f", attempt {event.attempt}" if event.attempt > 1 else ""
    about = f": {plain(event.description)}" if event.description else ""
    return f"started   {plain(event.task)}{again}{about}" if is_action(event.runs) else ""


@line_of.register
def _(event: events.TaskRepeated) -> str:
    again = f", attempt {event.attempt}" if event.attempt > 1 else ""
    return (
        f"repeated  {plain(event.task)}{again}: it had begun when the runner left off"
        if is_action(event.runs)
        else ""
    )


@line_of.register
def _(event: events.TaskPolled) -> str:
    share = "" if event.progress is None else f" {event.progress:.0%}"
    return f"running   {plain(event.task)}{share} {plain(event.message)}".rstrip()


@line_of.register
def _(event: events.TaskRetried) -> str:
    return f"retry     {plain(event.task)}: {plain(event.reason)}; attempt {event.attempt} in {event.delay} s"


@line_of.register
def _(event: events.TaskSucceeded) -> str:
    return f"done      {plain(event.task)} ({duration(event.seconds)})"


@line_of.register
def _(event: events.TaskFailed) -> str:
    # what failed or was skipped because of another task goes without saying: the root cause is named once
    return "" if event.cause else f"FAILED    {plain(event.task)}: {plain(event.reason)}"


@line_of.register
def _(event: events.TaskTimedOut) -> str:
    stuck = "; it does not return, its worker is abandoned" if event.stuck else ""
    return f"timed out {plain(event.task)} after {event.timeout} s{stuck}"


@line_of.register
def _(event: events.TaskPaused) -> str:
    return f"paused    before {plain(event.task)}"


@line_of.register
def _(event: events.TaskResumed) -> str:
    return f"resumed   {plain(event.task)}"


@line_of.register
def _(event: events.Message) -> str:
    about = f"{plain(event.task)}: " if event.task else ""
    return f"          {about}{plain(event.text)}"
