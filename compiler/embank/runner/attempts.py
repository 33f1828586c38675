"""The attempts that are under way: workers, timers and the conductor move them through the table in `attempt`.

Only the runner's thread comes here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from embank.clock import Timers
from embank.conductor.admission import Admission
from embank.conductor.execution import Job
from embank.conductor.protocol import Due, Event, Failed, Succeeded
from embank.conductor.states import RUNNING
from embank.errors import ExitCode
from embank.plugins import Poll
from embank.reasons import code_of, reason_of
from embank.runner.attempt import CLOSE, CLOSING, DUE, END, INTERRUPT, LAST_STEP, PENDING, POLL, STUCK, Attempt, Work
from embank.runner.session import Session
from embank.runner.workers import Pool, Told


class PollDue(NamedTuple):
    """Timer: the attempt is to be polled, if it is still pending."""

    attempt: Attempt


class CloseDue(NamedTuple):
    """Timer: the attempt should be closed by now."""

    attempt: Attempt


class GraceOver(NamedTuple):
    """Timer: the attempt, whose execution was interrupted, should have come to an end by now."""

    attempt: Attempt


Timer = Due | PollDue | CloseDue | GraceOver
Advance = Callable[[Event, ExitCode | None], None]


class Attempts:
    """The attempts of one execution. What comes of them goes to `advance`, as events of the conductor."""

    def __init__(
        self,
        session: Session,
        pool: Pool,
        admission: Admission,
        timers: Timers[Timer],
        advance: Advance,
    ) -> None:
        self.interrupted_by = ""
        self._execution = session.execution
        self._report = session.reporter
        self._record = session.recorder
        self._clock = session.clock
        self._options = session.options
        self._pool = pool
        self._admission = admission
        self._timers = timers
        self._advance = advance
        self._running: dict[int, Attempt] = {}
        self._left_over: set[Attempt] = set()  # being closed, though their tasks have ended

    @property
    def count(self) -> int:
        """How many have not ended."""
        return len(self._running)

    @property
    def rows(self) -> Iterable[int]:
        """The tasks of those."""
        return self._running.keys()

    @property
    def left_over(self) -> bool:
        """Whether any is still being closed, though its task has ended."""
        return bool(self._left_over)

    def make(self, row: int, job: Job) -> Attempt:
        """The attempt of a task that the conductor says is running."""

        def tell(text: str) -> None:
            self._pool.inbox.put(Told(row, text))

        return Attempt(row, Work(job, tell))

    def begin(self, attempt: Attempt) -> None:
        """Have its first step done."""
        self._running[attempt.row] = attempt
        self._pool.submit(attempt)

    def stepped(self, attempt: Attempt, outcome: Poll | BaseException | None) -> None:
        """A worker has come back from a step."""
        self._pool.came_back()
        row = attempt.row
        if isinstance(outcome, Poll):
            self._polled(attempt, outcome)
        elif attempt.state is CLOSING:
            attempt.advance(END)
            if outcome is not None:
                self._report.message(row, f"while it was closed: {reason_of(outcome)}")
            self._closed(attempt)
        else:
            attempt.advance(END)
            self._end(attempt)
            if outcome is None:
                self._advance(Succeeded(row), None)
            else:
                self._advance(Failed(row, reason_of(outcome)), code_of(outcome))

    def fire(self, timer: PollDue | CloseDue | GraceOver) -> None:
        """A timer of an attempt is due."""
        attempt = timer.attempt
        if isinstance(timer, PollDue):
            if attempt.heeds(DUE):
                attempt.advance(DUE)
                self._pool.submit(attempt)
        elif attempt.state is CLOSING:
            if not self._abandon_unclosed(attempt) and isinstance(timer, CloseDue):
                self._add_timer(self._options.close_grace, timer)
        elif isinstance(timer, GraceOver) and attempt.heeds(CLOSE):
            ask = f"interrupted by {self.interrupted_by}, but did not come to an end within {self._options.grace:g} s"
            if not self._close(attempt, ask):
                self._tell(attempt.row, "it is stuck: its worker is abandoned")
                self._closed(attempt)

    def interrupt(self, row: int) -> None:
        """The execution is cancelled: the attempt should come to an end, and has some time for it."""
        attempt = self._running.get(row)
        if attempt is not None:
            attempt.work.cancelled = True
            self._add_timer(self._options.grace, GraceOver(attempt))
            if attempt.advance(INTERRUPT) is LAST_STEP:
                self._pool.submit(attempt)

    def time_out(self, row: int) -> None:
        """The task took too long, or the sub-workflow did that it is in."""
        attempt = self._running[row]
        if self._execution.state.task[row] is not RUNNING:
            self._end(attempt)  # it ended with its sub-workflow
            self._left_over.add(attempt)
        if not attempt.heeds(CLOSE):
            return  # it is being closed
        timeout = self._execution.specs[row].timeout or 0
        stuck = not self._close(attempt, f"timed out after {timeout} s")
        self._report.timed_out(row, timeout, stuck=stuck)
        if stuck:
            self._closed(attempt)
        self._record.timed_out(row, stuck=stuck)

    def _polled(self, attempt: Attempt, poll: Poll) -> None:
        was_closing = attempt.state is CLOSING
        now = attempt.advance(POLL)
        if was_closing:
            self._pool.submit(attempt)
            return
        self._report.polled(attempt.row, poll)  # not into the journal: decision JOURNAL-3
        if now is PENDING:
            self._add_timer(poll.after or 0.0, PollDue(attempt))
            return
        if now is CLOSING:
            self._close_in_time(attempt, f"interrupted by {self.interrupted_by}")
        self._pool.submit(attempt)

    def _close(self, attempt: Attempt, verdict: str) -> bool:
        """Have an attempt closed that is wanted no longer. Its task fails after that: closers should not come in
        between. False when a worker is in the middle of it: it is abandoned.
        """
        was_pending = attempt.state is PENDING
        closes = self._close_in_time(attempt, verdict)
        attempt.advance(CLOSE if closes else STUCK)
        if was_pending:
            self._pool.submit(attempt)
        return closes

    def _close_in_time(self, attempt: Attempt, verdict: str) -> bool:
        attempt.verdict = verdict
        attempt.work.cancelled = True
        closes = self._pool.close(attempt)
        if closes:
            self._add_timer(self._options.close_grace, CloseDue(attempt))
        return closes

    def _abandon_unclosed(self, attempt: Attempt) -> bool:
        """Abandon the worker that is closing it; False when none has come to that yet."""
        if self._pool.close(attempt):
            return False
        attempt.advance(STUCK)
        attempt.verdict += ", and did not let itself be closed"
        self._tell(attempt.row, "it does not let itself be closed: its worker is abandoned")
        self._closed(attempt)
        return True

    def _closed(self, attempt: Attempt) -> None:
        """An attempt is closed, or as good as. Its task fails, unless that has ended before."""
        if attempt in self._left_over:
            self._left_over.remove(attempt)
        else:
            self._end(attempt)
            self._advance(Failed(attempt.row, attempt.verdict), None)

    def _end(self, attempt: Attempt) -> None:
        del self._running[attempt.row]
        self._admission.end(attempt.row)

    def _tell(self, row: int, text: str) -> None:
        self._record.message(row, text)
        self._report.message(row, text)

    def _add_timer(self, seconds: float, timer: Timer) -> None:
        self._timers.add(self._clock.monotonic() + seconds, timer)
