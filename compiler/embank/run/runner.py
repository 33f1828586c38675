"""The runner: a thin shell of threads and clocks around the conductor.

One thread, the caller's, owns everything: it feeds the conductor, keeps the timers and tells the listeners.
Workers only step activities. A pending activity is an entry in the heap of timers and holds no thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from queue import Empty, SimpleQueue

from embank.errors import ExitCode
from embank.plugins import Poll
from embank.run import effects
from embank.run.admission import Admission, types_of
from embank.run.clock import Clock
from embank.run.conductor import Conductor
from embank.run.messages import Answered, Attempt, Closing, Message, Polled, Signalled, Stepped, Told
from embank.run.reasons import code_of, reason_of, short
from embank.run.reporting import Reporter
from embank.run.states import READY, RUNNING, FlowState
from embank.run.timers import Timers
from embank.run.workers import Perform, Pool

CLOSE_GRACE = 10.0  # s that an activity has to let itself be closed
Confirm = Callable[[str], bool]  # asks a person whether the task of this path may start


class Runner:
    """Runs one execution. `run` returns the state of the main workflow, or None when it was stopped at once."""

    def __init__(
        self,
        conductor: Conductor,
        perform: Perform,
        reporter: Reporter,
        *,
        parallel: int,
        limits: Mapping[str, int],
        confirm: Confirm | None,
        clock: Clock,
        close_grace: float = CLOSE_GRACE,
    ) -> None:
        self.inbox: SimpleQueue[Message] = SimpleQueue()
        self.interrupted_by = ""
        self.codes: dict[int, ExitCode] = {}  # of the tasks whose actions failed
        self._conductor = conductor
        self._report = reporter
        self._confirm = confirm
        self._clock = clock
        self._close_grace = close_grace
        self._pool = Pool(parallel, perform, self.inbox)
        self._admission = Admission(limits)
        self._timers: Timers[effects.Due | Polled | Closing] = Timers()
        self._running: dict[int, Attempt] = {}
        self._closing: set[Attempt] = set()
        self._finished: FlowState | None = None
        self._at_once = False

    def run(self) -> FlowState | None:
        """Run to the end. Blocks; `interrupt` may be called meanwhile, also from a signal handler."""
        try:
            self._apply(self._conductor.start())
            while not self._is_over():
                self._dispatch()
                for message in self._messages():
                    self._take(message)
                for timer in self._timers.due(self._clock.monotonic()):
                    self._fire(timer)
        finally:
            self._pool.shut()
        return self._finished

    def interrupt(self, by: str) -> None:
        """The first time: start nothing more, let what runs come to an end. The second time: stop at once."""
        self.inbox.put(Signalled(by))

    def _is_over(self) -> bool:
        return self._at_once or (self._finished is not None and not self._closing)

    # In: messages of workers and people, timers.

    def _messages(self) -> Iterable[Message]:
        """Wait until there is a message or a timer is due; then all the messages that are there."""
        if self._is_over():
            return
        try:
            yield self.inbox.get(timeout=self._timers.seconds(self._clock.monotonic()))
            for _ in range(self.inbox.qsize()):
                yield self.inbox.get_nowait()
        except Empty:
            pass

    def _take(self, message: Message) -> None:
        if isinstance(message, Stepped):
            self._pool.came_back()
            self._stepped(message.attempt, message.outcome)
        elif isinstance(message, Told):
            self._report.message(message.attempt.row, message.text)
        elif isinstance(message, Signalled):
            self._interrupted(message.by)
        elif message.go_on:
            self._report.resumed(message.row)
            self._advance(effects.Resumed(message.row))
        elif not self.interrupted_by:
            self._interrupted("answer")

    def _interrupted(self, by: str) -> None:
        if self.interrupted_by:
            self._at_once = True
            return
        self.interrupted_by = by
        self._report.interrupted(by, len(self._running))
        self._advance(effects.Cancelled())

    def _fire(self, timer: effects.Due | Polled | Closing) -> None:
        if isinstance(timer, effects.Due):
            self._advance(timer)
        elif isinstance(timer, Polled):
            if timer.attempt.pending and timer.attempt.polls == timer.polls:
                self._step(timer.attempt)
        elif timer.attempt in self._closing:
            if self._pool.abandon(timer.attempt):
                self._report.message(timer.attempt.row, "it does not let itself be closed: its worker is abandoned")
                self._closed(timer.attempt)
            else:
                self._timers.add(self._clock.monotonic() + self._close_grace, timer)

    def _stepped(self, attempt: Attempt, outcome: Poll | BaseException | None) -> None:
        row = attempt.row
        if attempt.verdict:
            self._stepped_too_late(attempt, outcome)
        elif isinstance(outcome, Poll):
            self._report.polled(row, outcome)
            if attempt.warned:
                self._close(attempt, f"interrupted by {self.interrupted_by}")
            elif attempt.cancelled:
                self._last_step(attempt)
            else:
                attempt.pending = True
                self._timers.add(self._clock.monotonic() + (outcome.after or 0.0), Polled(attempt, attempt.polls))
        elif outcome is None:
            self._end(attempt)
            self._advance(effects.Succeeded(row))
        else:
            self._end(attempt)
            self._failed(row, outcome)

    def _stepped_too_late(self, attempt: Attempt, outcome: Poll | BaseException | None) -> None:
        """What comes back has been closed; or it is a step that had just ended when it was to be closed."""
        if isinstance(outcome, Poll):
            self._pool.submit(attempt)
            return
        if outcome is not None:
            self._report.message(attempt.row, f"while it was closed: {reason_of(outcome)}")
        self._closed(attempt)

    def _failed(self, row: int, error: BaseException) -> None:
        self.codes[row] = code_of(error)
        self._advance(effects.Failed(row, reason_of(error)))

    # Out: the effects of the conductor.

    def _advance(self, event: effects.Event) -> None:
        self._apply(self._conductor.advance(event))

    def _apply(self, new: Sequence[effects.Effect]) -> None:
        for effect in new:
            if isinstance(effect, effects.Start):
                self._admission.offer(effect.order, effect.row, types_of(self._conductor.execution.specs[effect.row]))
            elif isinstance(effect, effects.Changed):
                self._report.changed(effect.row, effect.state)
            elif isinstance(effect, effects.Wait):
                due = effects.Due(effect.row, effect.attempt, effect.timer)
                self._timers.add(self._clock.monotonic() + effect.seconds, due)
            elif isinstance(effect, effects.Abandon):
                self._abandon(effect.row)
            elif isinstance(effect, effects.Interrupt):
                self._interrupt(effect.row)
            elif isinstance(effect, effects.Pause):
                self._ask(effect.row)
            else:
                self._finished = effect.state

    def _dispatch(self) -> None:
        """Begin ready tasks while a worker is free. Polls that are due go first: they are begun already."""
        while self._pool.under_way < self._pool.size and (row := self._admission.take()) is not None:
            if self._conductor.state.task[row] is not READY:
                self._admission.end(row)  # withdrawn meanwhile
                continue
            self._report.started(row)
            self._advance(effects.Begun(row))
            try:
                job = self._conductor.execution.job(row)
            except ValueError as error:
                self._admission.end(row)
                self._advance(effects.Failed(row, short(str(error))))
                continue
            attempt = self._running[row] = Attempt(row, self._conductor.state.attempt[row], job, self.inbox)
            self._pool.submit(attempt)

    def _step(self, attempt: Attempt) -> None:
        attempt.polls += 1
        attempt.pending = False
        self._pool.submit(attempt)

    def _last_step(self, attempt: Attempt) -> None:
        """A pending activity of a cancelled execution is asked once more, and may clean up, before it is closed."""
        attempt.warned = True
        self._step(attempt)

    def _interrupt(self, row: int) -> None:
        attempt = self._running.get(row)
        if attempt is not None:
            attempt.cancelled = True
            if attempt.pending:
                self._last_step(attempt)

    def _abandon(self, row: int) -> None:
        """A task timed out: close its generator, or replace the worker that is stuck in it."""
        attempt = self._running[row]
        if self._conductor.state.task[row] is not RUNNING:
            self._end(attempt)  # it ended with its sub-workflow
        if attempt.verdict:
            return
        timeout = self._conductor.execution.specs[row].timeout or 0
        verdict = f"timed out after {timeout} s"
        attempt.cancelled = True
        stuck = False
        if attempt.pending:
            self._close(attempt, verdict)
        else:
            attempt.verdict = verdict
            stuck = self._pool.abandon(attempt)
            if not stuck:
                self._await_closing(attempt)
        self._report.timed_out(row, timeout, stuck=stuck)
        if stuck:
            self._closed(attempt)

    def _close(self, attempt: Attempt, verdict: str) -> None:
        """Close a generator in a worker. Its task fails after that: closers should not come in between."""
        attempt.verdict = verdict
        attempt.closing = True
        attempt.pending = False
        self._pool.submit(attempt)
        self._await_closing(attempt)

    def _await_closing(self, attempt: Attempt) -> None:
        self._closing.add(attempt)
        self._timers.add(self._clock.monotonic() + self._close_grace, Closing(attempt))

    def _closed(self, attempt: Attempt) -> None:
        """An attempt is closed, or as good as."""
        self._closing.discard(attempt)
        if self._running.get(attempt.row) is attempt:
            self._end(attempt)
            self._advance(effects.Failed(attempt.row, attempt.verdict))

    def _end(self, attempt: Attempt) -> None:
        del self._running[attempt.row]
        self._admission.end(attempt.row)

    def _ask(self, row: int) -> None:
        """Ask in a thread of its own: what runs is polled meanwhile. Nobody to ask, or no answer, is a no."""
        self._report.paused(row)
        confirm, path = self._confirm, self._conductor.execution.path(row)

        def question() -> None:
            go_on = False
            try:
                go_on = confirm is not None and confirm(path)
            finally:
                self.inbox.put(Answered(row, go_on))

        threading.Thread(target=question, name="embank-question", daemon=True).start()
