"""Executions that are kept: begun with a journal, read again, taken up where their runner left off."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime

from embank.clock import Clock
from embank.conductor.execution import Execution
from embank.conductor.resuming import is_interruption
from embank.document import Document
from embank.errors import UsageError
from embank.inputs.workflow import parse_workflow
from embank.journal.closers_again import closed_in, merged
from embank.journal.directory import ExecutionDirectory, ExecutionMissing, Record, StateDirectory
from embank.journal.entries import EXECUTION, FINISHED
from embank.journal.file import Contents, Journal, JournalDamaged, JournalFailed, cut_off
from embank.journal.heading import Heading, bare_heading, read_heading
from embank.journal.recorder import Recorder
from embank.journal.replay import JournalMisfit, Replayed, replay
from embank.model import Json
from embank.reporting.events import Listener
from embank.reporting.summary import Summary, Times, summarise

DAMAGED = ".damaged"  # what a journal that was mended is kept as


class NotBegun(UsageError):
    """Its runner left off before anything was done."""


@contextmanager
def kept(state: StateDirectory, heading: Heading, workflow: bytes, clock: Clock) -> Iterator[Record]:
    """Keep a new execution of a workflow file. Raises UsageError, JournalFailed before anything is done."""
    directory = state.create(heading.execution, workflow)
    with directory.locked():
        journal = Journal(directory.journal)
        try:
            journal.append(clock.now().isoformat(timespec="microseconds"), EXECUTION, heading.to_json())
            journal.commit()
            yield Record(journal, directory)
        finally:
            journal.close()


@dataclass(frozen=True)
class KeptExecution:
    """An execution as it is kept. When its journal is damaged (`contents.damage`) it was read only up to there."""

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
    def says_so(self) -> bool:
        """Whether its journal has a last line: its runner may have left off just before that."""
        return bool(self.contents.entries) and self.contents.entries[-1]["event"] == FINISHED

    @property
    def left_off(self) -> str:
        """How its journal ends: "SUCCESS", "ERROR", or "" when it has not ended."""
        return str(self.replayed.finished or "")

    def summary(self, clock: Clock) -> Summary:
        """What is to be said of it. One that has not ended counts as stopped, until its last line."""
        return replace(_summary_of_parts(self.replayed, self.replayed.end, clock), engine=self.heading.engine)

    def also_before(self, summary: Summary, execution: Execution, clock: Clock) -> Summary:
        """What is to be said when the last part of it, which was taken up, has ended with this summary."""
        part = self.replayed
        if part.before is None:
            return summary
        before = _summary_of_parts(part.before, part.started, clock)
        return merged(before, summary, set(closed_in(execution)))

    def complete(self, summary: Summary, clock: Clock) -> None:
        """Write the last line of its journal, which is all that its runner had left to do. Raises JournalFailed."""
        with self.opened(clock) as record:
            recorder = Recorder(self.replayed.conductor.execution, record.journal, clock)
            recorder.line(FINISHED, state=summary.state, exit_code=int(summary.exit_code))
            record.journal.commit()

    @contextmanager
    def opened(self, clock: Clock) -> Iterator[Record]:
        """Go on writing its journal; one that is damaged is kept beside it. The caller holds the lock. Raises
        JournalFailed.
        """
        directory = self.directory
        if self.contents.damage:
            try:
                shutil.copyfile(directory.journal, directory.journal.with_suffix(DAMAGED))
            except OSError as error:
                raise JournalFailed(f"the damaged journal cannot be kept: {error.strerror or error}") from error
        journal = Journal(directory.journal, written=self.contents)
        recorder = Recorder(self.replayed.conductor.execution, journal, clock)
        if not self.contents.entries:
            recorder.line(EXECUTION, **self.heading.to_json())
        for event in self.replayed.assumed:
            recorder.event(event, assumed=True)
        try:
            yield Record(journal, directory)
        finally:
            journal.close()


def read_kept(
    directory: ExecutionDirectory,
    clock: Clock,
    listeners: Sequence[Listener] = (),
    *,
    damaged: bool = False,
    closing: bool = False,
) -> KeptExecution:
    """Read an execution; `damaged`: as far as its journal is sound. `closing`: the same, and it is taken as begun
    whatever is left of its journal: closers ask the checkpoint, and not the journal, what is open.

    Raises ExecutionMissing, NotBegun, JournalDamaged.
    """
    contents = directory.read()
    if not contents.entries and not contents.damage:
        raise NotBegun(
            f"the execution {directory.id} had not begun when its runner left off: nothing was done, and nothing is "
            "open. Run its workflow again"
        )
    if contents.damage and not (damaged or closing):
        raise JournalDamaged(
            f"{contents.damage}; nobody can tell what was done after that. `{directory.command('cancel')}` closes "
            "what its checkpoint says is open, and ends it"
        )
    document, sha256 = _workflow(directory)
    if contents.entries:
        heading = read_heading(contents.entries, str(directory.journal))
        if heading.sha256 != sha256:
            raise JournalDamaged(
                f"{directory.workflow} is not the workflow that the execution began with: restore that file (its "
                f"sha256 is {heading.sha256}), or close what is open by hand"
            )
    elif closing:
        heading = bare_heading(document, directory.id)
    else:
        raise JournalDamaged(contents.damage)
    try:
        replayed = _replayed(document, heading, contents, clock, listeners, closing)
    except JournalMisfit as error:
        if not closing or error.number < 2:
            raise
        contents = cut_off(directory.journal, contents, error.number - 1, f"{directory.journal}: {error}")
        replayed = _replayed(document, heading, contents, clock, (), closing)
    return KeptExecution(directory, heading, contents, document, replayed)


def _workflow(directory: ExecutionDirectory) -> tuple[Document, str]:
    """The workflow as it was copied, and its digest."""
    try:
        data = directory.workflow.read_bytes()
    except OSError as error:
        raise ExecutionMissing(
            f"{directory.workflow} cannot be read: {error.strerror or error}. It is a copy of the workflow that was "
            "executed: put that file there again, or close what is open by hand"
        ) from error
    checked = parse_workflow(data, str(directory.workflow))
    if checked.value is None:
        raise JournalDamaged(
            f"{directory.workflow} is no workflow any more: it was a copy of the workflow that was executed. Put "
            "that file there again, or close what is open by hand"
        )
    return checked.value, hashlib.sha256(data).hexdigest()


def _replayed(
    document: Document,
    heading: Heading,
    contents: Contents,
    clock: Clock,
    listeners: Sequence[Listener],
    closing: bool,
) -> Replayed:
    first: Mapping[str, Json] = {"n": 1, "at": clock.now().isoformat(), "event": EXECUTION, **heading.to_json()}
    entries = contents.entries or (first,)
    return replay(document, entries, clock, listeners, assume_begun=closing and bool(contents.damage))


def _summary_of_parts(part: Replayed, end: datetime, clock: Clock) -> Summary:
    own = _summary(part, end, clock)
    if part.before is None:
        return own
    before = _summary_of_parts(part.before, part.started, clock)
    return merged(before, own, set(closed_in(part.conductor.execution)))


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
        interrupted=is_interruption(replayed.interrupted_by),
        warnings=reporter.warnings,
    )


def source_changed(heading: Heading) -> bool:
    """Whether the file that was executed reads differently now, or is gone."""
    with suppress(OSError, ValueError), open(heading.file, "rb") as file:  # noqa: PTH123  # a name, maybe "-"
        return hashlib.file_digest(file, "sha256").hexdigest() != heading.sha256
    return False
