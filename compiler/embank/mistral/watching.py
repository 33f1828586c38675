"""Watching an execution in an engine: what changed between two looks, as the events of the runner.

Mistral is asked more seldom the longer nothing happens. One that does not answer is asked again for a while: it may
be restarting, and the execution goes on without us.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from embank.conductor.program import expected_tasks
from embank.document import Document
from embank.mistral.api.errors import EngineError
from embank.mistral.api.seen import CANCELLED, ERROR, OVER, RUNNING, SUCCESS, Seen, SeenTask
from embank.mistral.attempted import DELAYED, IDLE, WAITING, has_begun, never_came
from embank.mistral.retelling import BY
from embank.reasons import short
from embank.reporting import events
from embank.reporting.events import Event, Listener

FASTEST, SLOWEST = 0.5, 5.0  # s between two looks
PATIENCE = 300.0  # s without an answer
FORGOTTEN = 60.0  # s after which a task that was made should have begun
NOT_BEGUN = ("", IDLE, WAITING)  # the first: it was not there

T = TypeVar("T")
Look = Callable[[], Seen]


def watch(
    look: Look,
    document: Document,
    listeners: Sequence[Listener],
    *,
    until: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], None] = time.sleep,
    patience: float = PATIENCE,
) -> Seen:
    """Look until the execution is over, or `until` says so. Raises EngineError when there was no answer for
    `patience` seconds, or when there is no such execution.
    """
    changes, idle = Changes(document), Idle()
    pause = FASTEST

    def tell(text: str) -> None:
        _tell(listeners, [events.Message(datetime.now(UTC), "", text)])

    while True:
        seen = patiently(look, tell, sleep=sleep, patience=patience)
        new = list(changes.since(seen))
        _tell(listeners, new)
        if seen.ended is not None or until():
            return seen
        pause = FASTEST if new else min(SLOWEST, pause * 1.5)
        for text in idle.forgotten(seen, pause):
            tell(text)
        sleep(pause)


def patiently(
    ask: Callable[[], T],
    tell: Callable[[str], None],
    *,
    sleep: Callable[[float], None] = time.sleep,
    patience: float = PATIENCE,
) -> T:
    """Ask an engine again until it answers. Raises EngineError when it did not for `patience` seconds, or says no."""
    pause, silent = FASTEST, 0.0
    while True:
        try:
            return ask()
        except EngineError as error:
            if silent >= patience or error.is_final:
                raise
            if not silent:
                tell(f"{error}; asking again")
            sleep(pause)
            silent += pause
            pause = min(SLOWEST, 2 * pause)


class Idle:
    """Tasks that an engine has made and does not begin. Mistral does both one after the other: when it dies in
    between, it never comes back to it by itself.
    """

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def forgotten(self, seen: Seen, pause: float) -> Iterator[str]:
        """What to say, once of each task. The next look is `pause` seconds away."""
        idle = [path for path, task in seen.tasks.items() if task.state == IDLE and seen.state == RUNNING]
        self._seconds = {path: self._seconds.get(path, 0.0) + pause for path in idle}
        for path, seconds in self._seconds.items():
            if seconds - pause < FORGOTTEN <= seconds:
                command = "openstack workflow execution update --state"
                yield (
                    f"{path} has not begun, {FORGOTTEN:.0f} s after Mistral has made it: has its engine died? What "
                    f"helps: {command} PAUSED {seen.execution}; then {command} RUNNING {seen.execution}"
                )


class Changes:
    """Remembers what was seen, and says what is new."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._states: dict[str, str] = {}
        self._begun = False

    def since(self, seen: Seen) -> Iterator[Event]:
        """The events between the last look and this one."""
        now = datetime.now(UTC)
        if not self._begun:
            self._begun = True
            document, total = self._document, expected_tasks(self._document)
            yield events.ExecutionStarted(
                seen.started, seen.execution, document.main, document.file, document.sha256, total
            )
        for task in seen.tasks.values():
            before = self._states.get(task.path, "")
            if task.state != before:
                self._states[task.path] = task.state
                yield from _events(task, before, self._spec(task.path), now)
        if seen.ended is None:
            return
        if seen.state == CANCELLED:
            yield events.ExecutionInterrupted(seen.ended, BY, 0, 0)
        yield events.ExecutionFinished(now, seen.state, 0)

    def _spec(self, path: str) -> tuple[str, str]:
        """What the task at a path runs, and its description."""
        flow, spec = self._document.workflows[self._document.main], None
        for name in path.split("/"):
            spec = flow.tasks.get(name)
            if spec is None:
                return "", ""
            if spec.workflow:
                flow = self._document.workflows[spec.workflow]
        return (spec.action or spec.workflow, spec.description) if spec else ("", "")


def _events(task: SeenTask, before: str, spec: tuple[str, str], now: datetime) -> Iterator[Event]:
    runs, description = spec
    if never_came(task):
        yield events.TaskSkipped(task.ended or now, task.path, runs, "what comes before it")
    if not has_begun(task):
        return
    if before in NOT_BEGUN:
        yield events.TaskStarted(task.started, task.path, runs, 1, short(description))
    if task.state not in OVER:
        if task.state == DELAYED and before == RUNNING:
            yield events.TaskRetried(now, task.path, 2, 0, short(task.info) or "it failed")
        return
    ended = task.ended or now
    seconds = max(0.0, (ended - task.started).total_seconds())
    if task.state == SUCCESS:
        yield events.TaskSucceeded(ended, task.path, seconds)
    elif task.state == ERROR:
        reason = task.attempts[-1].reason if task.attempts and task.attempts[-1].reason else short(task.info)
        # a task that runs a workflow fails because of a task in it, which is named
        yield events.TaskFailed(ended, task.path, seconds, reason, "" if task.attempts else "a task in it")
    else:
        yield events.TaskSkipped(ended, task.path, runs, "cancelled")


def _tell(listeners: Sequence[Listener], new: Sequence[Event] | list[Event]) -> None:
    for event in new:
        for listener in listeners:
            listener(event)
