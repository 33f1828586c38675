"""Writes what happens into the journal of the execution, if it has one, and remembers whether that works."""

from __future__ import annotations

from embank.clock import Clock
from embank.conductor.execution import Execution
from embank.conductor.protocol import Event
from embank.journal.entries import MESSAGE, TIMED_OUT, values_of
from embank.journal.file import Journal, JournalFailed
from embank.model import Json


class Recorder:
    """`failed` says why the journal could not be written once. `complete`: everything is in it now, all the same."""

    def __init__(self, execution: Execution, journal: Journal | None, clock: Clock) -> None:
        self.failed = ""
        self.complete = True
        self._execution = execution
        self._journal = journal
        self._clock = clock

    def event(self, event: Event, **more: Json) -> None:
        """An event that the conductor is about to be given."""
        if self._journal:
            name, values = values_of(event)
            row = values.get("row")
            task = {} if row is None else {"task": self._execution.path(row)}
            self.line(name, **values, **task, **more)

    def message(self, row: int, text: str) -> None:
        """What was said about a task."""
        self.line(MESSAGE, row=row, text=text)

    def timed_out(self, row: int, *, stuck: bool) -> None:
        """An attempt took too long; `stuck`: its worker was abandoned."""
        self.line(TIMED_OUT, row=row, stuck=stuck)

    def line(self, name: str, **values: Json) -> None:
        """Any line."""
        if self._journal:
            self._journal.append(self._clock.now().isoformat(timespec="microseconds"), name, values)

    def flush(self) -> None:
        """Write what was recorded, so that it survives this process."""
        self._write(durably=False)

    def commit(self) -> bool:
        """Write it so that it survives this machine, before anything is done that it announces."""
        return self._write(durably=True)

    def _write(self, *, durably: bool) -> bool:
        self.complete = False
        try:
            if self._journal and durably:
                self._journal.commit()
            elif self._journal:
                self._journal.flush()
            self.complete = True
        except JournalFailed as error:
            self.failed = str(error)
        return not self.failed
