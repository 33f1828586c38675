"""Executions that are kept: begun with a journal, read again, taken up where their runner left off."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from embank.document import Document
from embank.inputs.workflow import parse_workflow
from embank.run.clock import Clock
from embank.run.closers_again import closed_in, merged
from embank.run.entries import EXECUTION
from embank.run.events import Listener
from embank.run.executions import ExecutionDirectory, ExecutionMissing, StateDirectory
from embank.run.heading import Heading, read_heading
from embank.run.journal import Contents, Journal, JournalDamaged
from embank.run.local import Record
from embank.run.replay import Replayed, replay
from embank.run.summary import Summary, Times, summarise

DAMAGED = ".damaged"  # what a journal that was mended is kept as


@contextmanager
def kept(state: StateDirectory, heading: Heading, workflow: bytes, clock: Clock) -> Iterator[Record]:
    """Keep a new execution of a workflow file. Raises UsageError, JournalFailed before anything is done."""
    directory = state.create(heading.execution, workflow)
    with directory.locked():
        journal = Journal(directory.journal)
        try:
            journal.append(clock.now().isoformat(timespec="microseconds"), EXECUTION, heading.to_json())
            journal.commit()
            yield Record(journal, directory.cancel)
        finally:
            journal.close()


@dataclass(frozen=True)
class KeptExecution:
    """An execution as it is kept. `damage`: where its journal is damaged, when it was read only up to there."""

    directory: ExecutionDirectory
    heading: Heading
    contents: Contents
    document: Document
    replayed: Replayed

    @property
    def finished(self) -> bool:
        """Whether it has ended: there is nothing to take up."""
        return self.replayed.finished is not None

    @property
    def left_off(self) -> str:
        """How its journal ends: "SUCCESS", "ERROR", or "" when it has not ended."""
        return str(self.replayed.finished or "")

    def summary(self, clock: Clock) -> Summary:
        """What is to be said of it. One that has not ended counts as stopped, until its last line."""
        part = self.replayed
        if part.before is None:
            return _summary(part, part.end, clock)
        first, again = _summary(part.before, part.started, clock), _summary(part, part.end, clock)
        return merged(first, again, set(closed_in(part.conductor.execution)))

    @contextmanager
    def opened(self) -> Iterator[Record]:
        """Go on writing its journal. The caller holds the lock. What is damaged is kept beside it."""
        directory = self.directory
        if self.contents.damage:
            shutil.copyfile(directory.journal, directory.journal.with_suffix(DAMAGED))
        journal = Journal(directory.journal, written=self.contents)
        try:
            yield Record(journal, directory.cancel)
        finally:
            journal.close()


def read_kept(
    directory: ExecutionDirectory, clock: Clock, listeners: Sequence[Listener] = (), *, damaged: bool = False
) -> KeptExecution:
    """Read an execution; `damaged`: as far as its journal is sound. Raises ExecutionMissing, JournalDamaged."""
    contents = directory.read()
    if contents.damage and not damaged:
        raise JournalDamaged(
            f"{contents.damage}; nobody can tell what was done after that. `embank cancel {directory.id}` "
            "closes what its checkpoint says is open, and ends it"
        )
    heading = read_heading(contents.entries, str(directory.journal))
    try:
        data = directory.workflow.read_bytes()
    except OSError as error:
        raise ExecutionMissing(f"{directory.workflow} cannot be read: {error.strerror or error}") from error
    checked = parse_workflow(data, str(directory.workflow))
    if hashlib.sha256(data).hexdigest() != heading.sha256 or checked.value is None:
        raise JournalDamaged(
            f"{directory.workflow} is not the workflow that the execution began with: restore that file (its sha256 "
            f"is {heading.sha256}), or close what is open by hand"
        )
    replayed = replay(checked.value, contents.entries, clock, listeners)
    return KeptExecution(directory, heading, contents, checked.value, replayed)


def _summary(replayed: Replayed, end: datetime, clock: Clock) -> Summary:
    reporter = replayed.reporter
    ago = (clock.now() - end).total_seconds()
    times = Times(replayed.zero, clock.monotonic() - ago, reporter.first_start, reporter.last_start, reporter.end)
    return summarise(
        replayed.conductor.execution,
        times,
        state=str(replayed.finished or "INTERRUPTED"),
        started=replayed.started,
        codes=replayed.codes,
        interrupted=bool(replayed.interrupted_by),
        warnings=reporter.warnings,
    )


def source_changed(heading: Heading) -> bool:
    """Whether the file that was executed reads differently now, or is gone."""
    with suppress(OSError, ValueError), open(heading.file, "rb") as file:  # noqa: PTH123  # a name, maybe "-"
        return hashlib.file_digest(file, "sha256").hexdigest() != heading.sha256
    return False
