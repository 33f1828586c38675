"""The attempts that are under way: begun, polled, interrupted, given up, closed, ended.

    begin ──► step ⇄ pending ──► end
                └── given up: closed in a worker, or abandoned when the worker is stuck ──► end

Only the runner's thread comes here; workers see an Attempt only while they step it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from embank.clock import Clock, Timers
from embank.conductor.admission import Admission
from embank.conductor.execution import Execution, Job
from embank.conductor.protocol import Due, Event, Failed, Succeeded
from embank.conductor.states import RUNNING
from embank.errors import ExitCode
from embank.journal.recorder import Recorder
from embank.plugins import Poll
from embank.reasons import code_of, reason_of
from embank.reporting.reporter import Reporter
from embank.runner.messages import Attempt, Closing, Overdue, Polled
from embank.runner.workers import Pool

CLOSE_GRACE = 10.0  # s that an activity has to let itself be closed (decision RUN-1)
GRACE = 30.0  # s that an activity has to come to an end when the execution is interrupted (decision RUN-4)

Timer = Due | Polled | Closing | Overdue
Advance = Callable[[Event, ExitCode | None], None]


class Attempts:
    """The attempts of one execution. What comes of them goes to `advance`, as events of the conductor."""

    def __init__(
        self,
        execution: Execution,
        pool: Pool,
        admission: Admission,
        timers: Timers[Timer],
        reporter: Reporter,
        recorder: Recorder,
        clock: Clock,
        advance: Advance,
        *,
        grace: float = GRACE,
        close_grace: float = CLOSE_GRACE,
    ) -> None:
        self.interrupted_by = ""
        self._execution = execution
        self._pool = pool
        self._admission = admission
        self._timers = timers
        self._report = reporter
        self._record = recorder
        self._clock = clock
        self._advance = advance
        self._grace = grace
        self._close_grace = close_grace
        self._running: dict[int, Attempt] = {}
        self._closing: set[Attempt] = set()

    @property
    def count(self) -> int:
        """How many have not ended."""
        return len(self._running)

    @property
    def rows(self) -> Iterable[int]:
        """The tasks of those."""
        return self._running.keys()

    @property
    def closing(self) -> bool:
        """Whether any is still to be closed."""
        return bool(self._closing)

    def begin(self, attempt: Attempt) -> None:
        """Have its first step done."""
        self._running[attempt.row] = attempt
        self._pool.submit(attempt)

    def make(self, row: int, job: Job) -> Attempt:
        """The attempt of a task that the conductor says is running."""
        return Attempt(row, self._execution.state.attempt[row], job, self._pool.inbox)

    def stepped(self, attempt: Attempt, outcome: Poll | BaseException | None) -> None:
        """A worker has come back from a step."""
        self._pool.came_back()
        row = attempt.row
        if attempt.verdict:
            self._stepped_too_late(attempt, outcome)
        elif isinstance(outcome, Poll):
            self._report.polled(row, outcome)  # not into the journal: decision JOURNAL-3
            if attempt.warned:
                self._close(attempt, f"interrupted by {self.interrupted_by}")
            elif attempt.cancelled:
                self._last_step(attempt)
            else:
                attempt.pending = True
                self._add_timer(outcome.after or 0.0, Polled(attempt, attempt.polls))
        elif outcome is None:
            self._end(attempt)
            self._advance(Succeeded(row), None)
        else:
            self._end(attempt)
            self._advance(Failed(row, reason_of(outcome)), code_of(outcome))

    def fire(self, timer: Polled | Closing | Overdue) -> None:
        """A timer of an attempt is due."""
        attempt = timer.attempt
        if isinstance(timer, Polled):
            if attempt.pending and attempt.polls == timer.polls:
                self._step(attempt)
        elif isinstance(timer, Overdue):
            if self._running.get(attempt.row) is attempt and not attempt.verdict:
                ask = f"interrupted by {self.interrupted_by}, but did not come to an end within {self._grace:g} s"
                self._give_up(attempt, ask)
            elif attempt in self._closing:
                self._close_no_longer(attempt)
        elif attempt in self._closing and not self._close_no_longer(attempt):
            self._add_timer(self._close_grace, timer)

    def interrupt(self, row: int) -> None:
        """The execution is cancelled: the attempt should come to an end, and has some time for it."""
        attempt = self._running.get(row)
        if attempt is not None:
            attempt.cancelled = True
            self._add_timer(self._grace, Overdue(attempt))
            if attempt.pending:
                self._last_step(attempt)

    def abandon(self, row: int) -> None:
        """The task took too long: close its generator, or replace the worker that is stuck in it."""
        attempt = self._running[row]
        if self._execution.state.task[row] is not RUNNING:
            self._end(attempt)  # it ended with its sub-workflow
        if attempt.verdict:
            return
        timeout = self._execution.specs[row].timeout or 0
        stuck = self._give_up(attempt, f"timed out after {timeout} s", timeout)
        self._record.timed_out(row, stuck=stuck)

    def _give_up(self, attempt: Attempt, verdict: str, timeout: int | None = None) -> bool:
        """Close it, or abandon its worker when that is in the middle of a step (True)."""
        attempt.cancelled = True
        stuck = False
        if attempt.pending:
            self._close(attempt, verdict)
        else:
            attempt.verdict = verdict
            stuck = self._pool.abandon(attempt)
            if not stuck:
                self._await_closing(attempt)
        if timeout is not None:
            self._report.timed_out(attempt.row, timeout, stuck=stuck)
        if stuck:
            self._is_stuck(attempt, "" if timeout is not None else "it is stuck: its worker is abandoned")
        return stuck

    def _close_no_longer(self, attempt: Attempt) -> bool:
        """Abandon the worker that is closing it; False when none has come to that yet."""
        stuck = self._pool.abandon(attempt)
        if stuck:
            attempt.verdict += ", and did not let itself be closed"
            self._is_stuck(attempt, "it does not let itself be closed: its worker is abandoned")
        return stuck

    def _is_stuck(self, attempt: Attempt, text: str) -> None:
        if text:
            self._record.message(attempt.row, text)
            self._report.message(attempt.row, text)
        self._closed(attempt)

    def _stepped_too_late(self, attempt: Attempt, outcome: Poll | BaseException | None) -> None:
        """What comes back has been closed; or it is a step that had just ended when it was to be closed."""
        if isinstance(outcome, Poll):
            self._pool.submit(attempt)
            return
        if outcome is not None:
            self._report.message(attempt.row, f"while it was closed: {reason_of(outcome)}")
        self._closed(attempt)

    def _step(self, attempt: Attempt) -> None:
        attempt.polls += 1
        attempt.pending = False
        self._pool.submit(attempt)

    def _last_step(self, attempt: Attempt) -> None:
        """A pending activity of a cancelled execution is asked once more, and may clean up, before it is closed."""
        attempt.warned = True
        self._step(attempt)

    def _close(self, attempt: Attempt, verdict: str) -> None:
        """Close a generator in a worker. Its task fails after that: closers should not come in between."""
        attempt.verdict = verdict
        attempt.closing = True
        attempt.pending = False
        self._pool.submit(attempt)
        self._await_closing(attempt)

    def _await_closing(self, attempt: Attempt) -> None:
        self._closing.add(attempt)
        self._add_timer(self._close_grace, Closing(attempt))

    def _closed(self, attempt: Attempt) -> None:
        """An attempt is closed, or as good as."""
        self._closing.discard(attempt)
        if self._running.get(attempt.row) is attempt:
            self._end(attempt)
            self._advance(Failed(attempt.row, attempt.verdict), None)

    def _end(self, attempt: Attempt) -> None:
        del self._running[attempt.row]
        self._admission.end(attempt.row)

    def _add_timer(self, seconds: float, timer: Timer) -> None:
        self._timers.add(self._clock.monotonic() + seconds, timer)
