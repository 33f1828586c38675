"""The runner: a thin shell of threads and clocks around the conductor.

One thread, the caller's, owns everything: it feeds the conductor, keeps the timers, writes the journal and tells
the listeners. Workers only step activities. A pending activity is an entry in the heap of timers and holds no thread.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from queue import Empty, SimpleQueue

from embank.clock import Clock, Timers
from embank.conductor import protocol
from embank.conductor.admission import Admission, types_of
from embank.conductor.conductor import Conductor
from embank.conductor.resuming import JOURNAL_LOST, Outstanding
from embank.conductor.states import READY, RUNNING, FlowState
from embank.errors import ExitCode
from embank.journal.entries import REPEATED
from embank.journal.recorder import Recorder
from embank.model import Json
from embank.reasons import short
from embank.reporting.reporter import Reporter
from embank.runner.attempt import Attempt
from embank.runner.attempts import CLOSE_GRACE, GRACE, Attempts, Timer
from embank.runner.workers import Answered, Interruption, Message, Perform, Pool, Stepped, Told

LONGEST_NAP = 0.5  # s
Confirm = Callable[[str], bool]  # asks a person whether the task of this path may start
TWICE = frozenset(("SIGINT", "SIGTERM"))  # stop at once the second time; others just say it again (decision RUN-7)


class Runner:
    """Runs one execution. `run` returns the state of the main workflow, or None when it was stopped at once."""

    def __init__(
        self,
        conductor: Conductor,
        perform: Perform,
        reporter: Reporter,
        recorder: Recorder,
        *,
        parallel: int,
        limits: Mapping[str, int],
        confirm: Confirm | None,
        clock: Clock,
        grace: float = GRACE,
        close_grace: float = CLOSE_GRACE,
    ) -> None:
        self.inbox: SimpleQueue[Message] = SimpleQueue()
        self.codes: dict[int, ExitCode] = {}  # of the tasks whose actions failed
        self._conductor = conductor
        self._report = reporter
        self._record = recorder
        self._confirm = confirm
        self._clock = clock
        self._pool = Pool(parallel, perform, self.inbox)
        self._admission = Admission(limits)
        self._timers: Timers[Timer] = Timers()
        self._attempts = Attempts(
            conductor.execution,
            self._pool,
            self._admission,
            self._timers,
            reporter,
            recorder,
            clock,
            self._advance,
            grace=grace,
            close_grace=close_grace,
        )
        self._grace = grace
        self._asked_by: set[str] = set()  # who or what has asked to stop
        self._finished: FlowState | None = None
        self._at_once = False

    @property
    def interrupted_by(self) -> str:
        """What interrupted it: a signal, a request, a person's no."""
        return self._attempts.interrupted_by

    def run(self, left: Outstanding | None = None) -> FlowState | None:
        """Run to the end: from the start, or from where another runner left off. Blocks; `interrupt` may be
        called meanwhile, also from a signal handler.
        """
        try:
            if left is None:
                self._apply(self._conductor.start())
            else:
                self._take_up(left)
            while not self._is_over():
                self._dispatch()
                self._report.what_is_held(self._attempts.rows)
                for message in self._messages():
                    self._take(message)
                for timer in self._timers.due(self._clock.monotonic()):
                    self._fire(timer)
        finally:
            self._pool.shut()
        return self._finished

    def interrupt(self, by: str) -> None:
        """The first time: start nothing more, let what runs come to an end. The second time, by a signal of TWICE
        that has come before: stop at once. A terminal that goes away may send several signals, and means one.
        """
        self.inbox.put(Interruption(by))

    def _is_over(self) -> bool:
        return self._at_once or (self._finished is not None and not self._attempts.left_over)

    # In: messages of workers and people, timers.

    def _messages(self) -> Iterable[Message]:
        """Wait until there is a message or a timer is due; then all the messages that are there."""
        if self._is_over():
            return
        try:
            yield self.inbox.get(timeout=self._nap())
            for _ in range(self.inbox.qsize()):
                yield self.inbox.get_nowait()
        except Empty:
            pass

    def _nap(self) -> float:
        """Until the next timer, but not for long: a signal that arrives in the moment before the main thread begins
        to wait does not end the wait, and its handler runs after it.
        """
        seconds = self._timers.seconds(self._clock.monotonic())
        return LONGEST_NAP if seconds is None else min(seconds, LONGEST_NAP)

    def _take(self, message: Message) -> None:
        if isinstance(message, Stepped):
            self._attempts.stepped(message.attempt, message.outcome)
        elif isinstance(message, Told):
            self._record.message(message.row, short(message.text))
            self._report.message(message.row, message.text)
        elif isinstance(message, int):
            self._interrupted(signal.Signals(message).name)
        elif isinstance(message, Interruption):
            self._interrupted(message.by)
        elif self.interrupted_by:
            pass  # the question was withdrawn
        elif message.go_on:
            self._report.resumed(message.row)
            self._advance(protocol.Resumed(message.row))
        else:
            self._interrupted("answer")

    def _interrupted(self, by: str) -> None:
        if by in self._asked_by:
            self._at_once = self._at_once or by in TWICE
            return
        self._asked_by.add(by)
        self._report.interrupted(by, self._attempts.count, self._grace)
        if not self.interrupted_by:
            self._attempts.interrupted_by = by
            self._advance(protocol.Cancelled(), by=by, grace=self._grace)

    def _fire(self, timer: Timer) -> None:
        if not isinstance(timer, protocol.Due):
            self._attempts.fire(timer)
        elif self._conductor.heeds(timer):
            self._advance(timer)

    # Out: the effects of the conductor.

    def _advance(self, event: protocol.Event, code: ExitCode | None = None, **more: Json) -> None:
        """Record an event, and more about it for people, and let the conductor say what follows."""
        if isinstance(event, protocol.Failed):
            self.codes[event.row] = code = code or ExitCode.FAILED
            more["code"] = int(code)
        self._record.event(event, **more)
        self._apply(self._conductor.advance(event))

    def _apply(self, new: Sequence[protocol.Effect]) -> None:
        for effect in new:
            if isinstance(effect, protocol.Start):
                self._offer(effect.order, effect.row)
            elif isinstance(effect, protocol.Changed):
                self._report.changed(effect.row, effect.state)
            elif isinstance(effect, protocol.Wait):
                due = protocol.Due(effect.row, effect.attempt, effect.timer)
                self._timers.add(self._clock.monotonic() + effect.seconds, due)
            elif isinstance(effect, protocol.Abandon):
                self._attempts.time_out(effect.row)
            elif isinstance(effect, protocol.Interrupt):
                self._attempts.interrupt(effect.row)
            elif isinstance(effect, protocol.Pause):
                self._ask(effect.row)
            else:
                self._finished = effect.state

    def _offer(self, order: tuple[int, ...], row: int) -> None:
        self._admission.offer(order, row, types_of(self._conductor.execution.specs[row]))

    def _dispatch(self) -> None:
        """Begin ready tasks while a worker is free. Polls that are due go first: they are begun already.

        What is begun is in the journal before it is done: one write to the disk for all of them.
        """
        new: list[Attempt] = []
        while self._pool.under_way + len(new) < self._pool.size and (row := self._admission.take()) is not None:
            if self._conductor.state.task[row] is not READY:
                self._admission.end(row)  # withdrawn meanwhile
                continue
            self._report.started(row)
            self._advance(protocol.Begun(row))
            self._prepare(row, new)
        if not new:
            self._record.flush()
        elif not self._record.commit():
            self._journal_lost()
        for attempt in new:
            self._begin(attempt)

    def _prepare(self, row: int, new: list[Attempt]) -> None:
        """Make the attempt of a task that runs now; or it fails, for want of a value."""
        try:
            new.append(self._attempts.make(row, self._conductor.execution.job(row)))
        except ValueError as error:
            self._admission.end(row)
            self._advance(protocol.Failed(row, short(str(error))))

    def _begin(self, attempt: Attempt) -> None:
        """Without a journal nothing is begun, except what a failure calls for: closers (decision JOURNAL-2)."""
        row = attempt.row
        if self._record.failed and not self._conductor.state.rescue[row]:
            self._admission.end(row)
            self._advance(protocol.Failed(row, f"not started: {self._record.failed}"))
        else:
            self._attempts.begin(attempt)

    def _journal_lost(self) -> None:
        """What cannot be recorded must not go on: nobody could take it up. Closers run all the same."""
        if not self.interrupted_by:
            self._interrupted(JOURNAL_LOST)

    def _take_up(self, left: Outstanding) -> None:
        """Go on where another runner left off."""
        now = self._clock.monotonic()
        for row in left.ready:
            self._offer(self._conductor.execution.order(row), row)
        for when, due in left.timers:
            self._timers.add(max(now, when), due)
        for row in left.asked:
            self._ask(row)
        self._attempts.interrupted_by = left.interrupted_by
        if left.cancel_by and not left.interrupted_by:
            self._interrupted(left.cancel_by)
        self._asked_by.update({left.interrupted_by, left.cancel_by} - TWICE)  # the request may still lie there
        new: list[Attempt] = []
        for row in left.running:
            if self._conductor.state.task[row] is not RUNNING:
                continue
            self._admission.occupy(row, types_of(self._conductor.execution.specs[row]))
            if reason := left.verdict(row, self._conductor.state):
                self._admission.end(row)
                self._advance(protocol.Failed(row, reason))
            else:
                self._record.line(REPEATED, row=row)
                self._report.repeated(row)
                self._prepare(row, new)
        if new and not self._record.commit():
            self._journal_lost()
        for attempt in new:
            self._begin(attempt)

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
