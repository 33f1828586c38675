"""From what happens to rows to events for listeners, and to the times that the summary needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from embank.clock import Clock
from embank.conductor.execution import Execution
from embank.conductor.program import expected_tasks
from embank.conductor.state import CANCELLED
from embank.conductor.states import DELAYED, FAILED, RUNNING, SKIPPED, SUCCEEDED, TaskState
from embank.document import Echo
from embank.plugins import Poll
from embank.reasons import reason_of, short
from embank.reporting import events
from embank.reporting.command_lines import STATE
from embank.reporting.held import Held


class Reporter:
    """Tells the listeners. One that raises (a full disk, a closed pipe) is not told any more; `warnings` says so."""

    def __init__(
        self,
        execution: Execution,
        listeners: Sequence[events.Listener],
        clock: Clock,
        before: Reporter | None = None,
        *,
        state: Path = STATE,
    ) -> None:
        """`before`: the reporter of the same execution until its runner left off. `state`: the state directory."""
        self.warnings: list[str] = before.warnings if before else []
        self.first_start: dict[int, float] = before.first_start if before else {}  # of each row, s on the clock
        self.last_start: dict[int, float] = before.last_start if before else {}
        self.end: dict[int, float] = before.end if before else {}
        self._execution = execution
        self._listeners = list(listeners)
        self._clock = clock
        self._held = Held(execution, state) if listeners else None

    def tell(self, event: events.Event) -> None:
        """Give an event to every listener."""
        for listener in self._listeners[:]:
            try:
                listener(event)
            except Exception as error:
                self._listeners.remove(listener)
                self.warnings.append(f"{events.when_lost(listener)}: {_why(error)}")

    def opened(self) -> None:
        """The execution starts."""
        document = self._execution.program.document
        total = expected_tasks(document)
        self.tell(
            events.ExecutionStarted(
                self._now(), self._execution.id, document.main, document.file, document.sha256, total
            )
        )

    def taken_up(self, repeated: int) -> None:
        """A runner goes on with it."""
        document, state = self._execution.program.document, self._execution.state
        if self._held:
            for row in self.first_start:
                self._held.begun(row)
            for row, task in enumerate(state.task):
                self._held.ended(row, task)
        acting = [
            task
            for task, spec in zip(state.task, self._execution.specs, strict=True)
            if spec.action.startswith("embank.")
        ]
        succeeded, failed, skipped = (acting.count(task) for task in (SUCCEEDED, FAILED, SKIPPED))
        total = expected_tasks(document)
        self.tell(
            events.ExecutionResumed(
                self._now(), self._execution.id, document.main, total, succeeded, failed, skipped, repeated
            )
        )

    def started(self, row: int) -> None:
        """An attempt has begun."""
        self.last_start[row] = self._clock.monotonic()
        self.first_start.setdefault(row, self.last_start[row])
        if self._listeners:
            spec, attempt = self._execution.specs[row], self._execution.state.attempt[row]
            runs = spec.action or spec.workflow
            if self._held:
                self._held.begun(row)
            self.tell(events.TaskStarted(self._now(), self._path(row), runs, attempt, short(spec.description)))
            if isinstance(spec.does, Echo):
                with suppress(ValueError):  # an expression without a value
                    self.message(row, str(self._execution.evaluated(row, spec.does.output)))

    def repeated(self, row: int) -> None:
        """An attempt that had begun before the runner left off is begun again."""
        self.last_start[row] = self._clock.monotonic()
        if self._listeners:
            spec, attempt = self._execution.specs[row], self._execution.state.attempt[row]
            self.tell(events.TaskRepeated(self._now(), self._path(row), spec.action, attempt))

    def changed(self, row: int, to: TaskState) -> None:
        """The conductor changed the state of a task."""
        if to is RUNNING:
            self.started(row)
            return
        state, spec = self._execution.state, self._execution.specs[row]
        seconds = 0.0
        if to is not DELAYED and row in self.last_start:
            self.end[row] = self._clock.monotonic()
            seconds = round(self.end[row] - self.last_start[row], 6)
        if not self._listeners:
            return
        if self._held:
            self._held.ended(row, to)
        now, path = self._now(), self._path(row)
        if to is SUCCEEDED:
            self.tell(events.TaskSucceeded(now, path, seconds))
        elif to is FAILED:
            cause = "" if state.cause[row] == row else self._cause(row)
            self.tell(events.TaskFailed(now, path, seconds, state.reason[row], cause))
        elif to is DELAYED:
            delay = spec.retry.delay if spec.retry else 0
            reason = state.reason[row] or f"{self._cause(row)} failed"
            self.tell(events.TaskRetried(now, path, state.attempt[row], delay, reason))
        else:
            self.tell(events.TaskSkipped(now, path, spec.action or spec.workflow, self._cause(row)))

    def polled(self, row: int, poll: Poll) -> None:
        """An activity is not done yet."""
        if self._listeners:
            progress = None if poll.progress is None else min(1.0, max(0.0, float(poll.progress)))
            self.tell(events.TaskPolled(self._now(), self._path(row), progress, short(poll.message)))

    def message(self, row: int, text: str) -> None:
        """Somebody has something to say about a task."""
        self.tell(events.Message(self._now(), self._path(row), short(text)))

    def what_is_held(self, running: Iterable[int]) -> None:
        """Say what stays held, for as long as some of these tasks run."""
        if self._held:
            for row, text in self._held.stranded(running, self._clock.monotonic()).items():
                self.message(row, text)

    def warn(self, text: str) -> None:
        """Something about the whole execution, which also stands in its summary."""
        self.warnings.append(text)
        self.tell(events.Message(self._now(), "", text))

    def timed_out(self, row: int, timeout: int, *, stuck: bool) -> None:
        """An attempt took too long."""
        self.tell(events.TaskTimedOut(self._now(), self._path(row), timeout, stuck))

    def paused(self, row: int) -> None:
        """A person is asked whether the task may start."""
        self.tell(events.TaskPaused(self._now(), self._path(row)))

    def resumed(self, row: int) -> None:
        """The answer was yes."""
        self.tell(events.TaskResumed(self._now(), self._path(row)))

    def interrupted(self, by: str, running: int, grace: float) -> None:
        """The execution is being stopped."""
        self.tell(events.ExecutionInterrupted(self._now(), by, running, grace))

    def _now(self) -> datetime:
        return self._clock.now()

    def _path(self, row: int) -> str:
        return self._execution.path(row)

    def _cause(self, row: int) -> str:
        cause = self._execution.state.cause[row]
        return "cancelled" if cause is None or cause == CANCELLED else self._path(cause)


def _why(error: Exception) -> str:
    """ "No space left on device" and the like as they are; of anything else the class, too."""
    return error.strerror if isinstance(error, OSError) and error.strerror else reason_of(error)
