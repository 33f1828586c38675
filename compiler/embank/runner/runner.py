"""The runner: a thin shell of threads and clocks around the conductor.

One thread, the caller's, owns everything: it feeds the conductor, keeps the timers, writes the journal and tells
the listeners. Workers only step activities. A pending activity is an entry in the heap of timers and holds no thread.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Mapping, Sequence
from queue import Empty, SimpleQueue

from embank.clock import Timers
from embank.conductor import protocol
from embank.conductor.admission import Admission
from embank.conductor.resuming import JOURNAL_LOST, Outstanding
from embank.conductor.states import FlowState
from embank.errors import ExitCode
from embank.model import Json
from embank.reasons import short
from embank.runner.attempts import Attempts, Timer
from embank.runner.beginnings import Beginnings
from embank.runner.session import Session
from embank.runner.workers import Answered, Interruption, Message, Perform, Pool, Stepped, Told

LONGEST_NAP = 0.5  # s
TWICE = frozenset(("SIGINT", "SIGTERM"))  # stop at once the second time; others just say it again (decision RUN-7)


class Runner:
    """Runs one execution. `run` returns the state of the main workflow, or None when it was stopped at once."""

    def __init__(self, session: Session, perform: Perform, limits: Mapping[str, int]) -> None:
        self.inbox: SimpleQueue[Message] = SimpleQueue()
        self.codes: dict[int, ExitCode] = {}  # of the tasks whose actions failed
        self._conductor = session.conductor
        self._report = session.reporter
        self._record = session.recorder
        self._clock = session.clock
        self._options = session.options
        self._timers: Timers[Timer] = Timers()
        self._pool = Pool(session.options.parallel, perform, self.inbox)
        admission = Admission(limits)
        self._attempts = Attempts(session, self._pool, admission, self._timers, self._advance)
        self._beginnings = Beginnings(
            session, admission, self._pool, self._attempts, self._advance, self._journal_lost
        )
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
                self._beginnings.begin_ready()
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
        self._report.interrupted(by, self._attempts.count, self._options.grace)
        if not self.interrupted_by:
            self._attempts.interrupted_by = by
            self._advance(protocol.Cancelled(), by=by, grace=self._options.grace)

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
                self._beginnings.offer(effect.order, effect.row)
            elif isinstance(effect, protocol.Changed):
                self._report.changed(effect.row, effect.state)
            elif isinstance(effect, protocol.Wait):
                due = protocol.Due(effect.row, effect.attempt, effect.timer)
                self._timers.add(self._clock.monotonic() + effect.seconds, due)
            elif isinstance(effect, protocol.TimeOut):
                self._attempts.time_out(effect.row)
            elif isinstance(effect, protocol.Interrupt):
                self._attempts.interrupt(effect.row)
            elif isinstance(effect, protocol.Pause):
                self._ask(effect.row)
            else:
                self._finished = effect.state

    def _journal_lost(self) -> None:
        """What cannot be recorded must not go on: nobody could take it up. Closers run all the same."""
        if not self.interrupted_by:
            self._interrupted(JOURNAL_LOST)

    def _take_up(self, left: Outstanding) -> None:
        """Go on where another runner left off."""
        now = self._clock.monotonic()
        for row in left.ready:
            self._beginnings.offer(self._conductor.execution.order(row), row)
        for when, due in left.timers:
            self._timers.add(max(now, when), due)
        for row in left.asked:
            self._ask(row)
        self._attempts.interrupted_by = left.interrupted_by
        if left.cancel_by and not left.interrupted_by:
            self._interrupted(left.cancel_by)
        self._asked_by.update({left.interrupted_by, left.cancel_by} - TWICE)  # the request may still lie there
        self._beginnings.repeat(left)

    def _ask(self, row: int) -> None:
        """Ask in a thread of its own: what runs is polled meanwhile. Nobody to ask, or no answer, is a no."""
        self._report.paused(row)
        confirm, path = self._options.confirm, self._conductor.execution.path(row)

        def question() -> None:
            go_on = False
            try:
                go_on = confirm is not None and confirm(path)
            finally:
                self.inbox.put(Answered(row, go_on))

        threading.Thread(target=question, name="embank-question", daemon=True).start()
