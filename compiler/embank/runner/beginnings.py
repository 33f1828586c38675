"""Begins what is ready: intent before effect.

    offered ──► admitted ──► `begun` recorded ──► one write to the disk ──► the first step, in a worker

What cannot be written down is not begun, except what a failure calls for: closers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from embank.conductor.admission import Admission, types_of
from embank.conductor.protocol import Begun, Event, Failed
from embank.conductor.resuming import Outstanding
from embank.conductor.states import READY, RUNNING
from embank.journal.entries import REPEATED
from embank.reasons import short
from embank.runner.attempt import Attempt
from embank.runner.attempts import Attempts
from embank.runner.session import Session
from embank.runner.workers import Pool


class Beginnings:
    """What the conductor wants begun, until it is an attempt. Events go to `advance`."""

    def __init__(
        self,
        session: Session,
        admission: Admission,
        pool: Pool,
        attempts: Attempts,
        advance: Callable[[Event], None],
        journal_lost: Callable[[], None],
    ) -> None:
        self._execution = session.execution
        self._state = session.conductor.state
        self._report = session.reporter
        self._record = session.recorder
        self._admission = admission
        self._pool = pool
        self._attempts = attempts
        self._advance = advance
        self._journal_lost = journal_lost

    def offer(self, order: tuple[int, ...], row: int) -> None:
        """A task is ready: it begins when there is room, the smallest `order` first."""
        self._admission.offer(order, row, types_of(self._execution.specs[row]))

    def begin_ready(self) -> None:
        """Begin ready tasks while a worker is free. Polls that are due go first: they are begun already."""
        new: list[Attempt] = []
        while self._pool.under_way + len(new) < self._pool.size and (row := self._admission.take()) is not None:
            if self._state.task[row] is not READY:
                self._admission.end(row)  # withdrawn meanwhile
                continue
            self._report.started(row)
            self._advance(Begun(row))
            new += self._prepared(row)
        if new:
            self._begin(new)
        else:
            self._record.flush()

    def repeat(self, left: Outstanding) -> None:
        """Begin again what had begun and not ended when another runner left off, or say why it fails instead."""
        new: list[Attempt] = []
        for row in left.running:
            if self._state.task[row] is not RUNNING:
                continue
            self._admission.occupy(row, types_of(self._execution.specs[row]))
            if reason := left.verdict(row, self._state):
                self._fail(row, reason)
            else:
                self._record.line(REPEATED, row=row)
                self._report.repeated(row)
                new += self._prepared(row)
        if new:
            self._begin(new)

    def _prepared(self, row: int) -> Iterable[Attempt]:
        """The attempt of a task that runs now. Or it fails, for want of a value, and there is none."""
        try:
            return [self._attempts.make(row, self._execution.job(row))]
        except ValueError as error:
            self._fail(row, short(str(error)))
            return []

    def _begin(self, new: Iterable[Attempt]) -> None:
        """One write to the disk for all of them: what is begun is in the journal before it is done. Without a journal
        nothing is begun, except what a failure calls for: closers (decision JOURNAL-2).
        """
        if not self._record.commit():
            self._journal_lost()
        for attempt in new:
            if self._record.failed and not self._state.rescue[attempt.row]:
                self._fail(attempt.row, f"not started: {self._record.failed}")
            else:
                self._attempts.begin(attempt)

    def _fail(self, row: int, reason: str) -> None:
        self._admission.end(row)
        self._advance(Failed(row, reason))
