"""Keeping what an engine says of an execution beside the runner's own ones, in the same form."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from embank.document import Document
from embank.errors import EmbankError, ExitCode, UsageError
from embank.journal.directory import ExecutionDirectory, ExecutionMissing, StateDirectory
from embank.journal.entries import EXECUTION
from embank.journal.file import Journal, JournalDamaged
from embank.journal.heading import Heading, bare_heading, read_heading
from embank.mistral.api.seen import Seen
from embank.mistral.retelling import Line
from embank.mistral.translate import translate

MISTRAL = "mistral"
SAFE = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,63}")  # an id that may be the name of a directory


class ImportRefused(EmbankError):
    """What is kept under the id of the execution is not an earlier import of it."""

    exit_code = ExitCode.LOCKED


def import_execution(
    state: StateDirectory, document: Document, source: bytes, seen: Seen, *, url: str = "", namespace: str = ""
) -> ExecutionDirectory:
    """Keep an execution of a document, whose text is `source`, in the place of what was imported of it before.

    Raises UsageError, JournalFailed, ImportRefused, ExecutionLocked; then what was there is as it was.
    """
    if not SAFE.fullmatch(seen.execution):
        raise UsageError(f"the engine gives its execution the id {seen.execution!r}, which cannot be kept")
    try:
        lines = translate(document, seen)
    except ValueError as error:
        raise UsageError(f"{document.file}: {error}") from error
    heading = _heading(document, source, seen, url, namespace)
    try:
        state.make()
        with tempfile.TemporaryDirectory(dir=state.path, prefix="importing-") as place:
            staging = StateDirectory(Path(place))
            made = staging.create(seen.execution, source)
            _write(made, heading, seen, lines)
            directory = state.directory(seen.execution)
            _put(made.path, directory, Path(place) / "before")
    except OSError as error:
        raise UsageError(
            f"the execution cannot be kept in {state.path}: {error.strerror or error}; name another directory with "
            "--state-dir"
        ) from error
    return directory


def imported(directory: ExecutionDirectory) -> Heading | None:
    """The heading of a kept execution that an engine executes; None for one of the runner, or that is damaged."""
    try:
        heading = read_heading(directory.read().entries, str(directory.journal))
    except (ExecutionMissing, JournalDamaged):
        return None
    return heading if heading.engine else None


def _put(made: Path, directory: ExecutionDirectory, before: Path) -> None:
    """Rename what was made to its place. Who has the lock of what is there keeps it from being replaced."""
    with ExitStack() as stack:
        if directory.path.exists():
            stack.enter_context(directory.locked())
            if imported(directory) is None:
                raise ImportRefused(
                    f"what is kept in {directory.path} was not imported from an engine: it stays as it is. "
                    "Import into another directory with --state-dir"
                )
            directory.path.rename(before)
        try:
            made.rename(directory.path)
        except OSError:
            if before.exists():
                before.rename(directory.path)
            raise


def _write(directory: ExecutionDirectory, heading: Heading, seen: Seen, lines: Sequence[Line]) -> None:
    journal = Journal(directory.journal)
    try:
        journal.append(seen.started.isoformat(timespec="microseconds"), EXECUTION, heading.to_json())
        for at, event, values in lines:
            journal.append(at.isoformat(timespec="microseconds"), event, values)
        journal.commit()
    finally:
        journal.close()


def _heading(document: Document, source: bytes, seen: Seen, url: str, namespace: str) -> Heading:
    return replace(
        bare_heading(document, seen.execution),
        sha256=hashlib.sha256(source).hexdigest(),
        parallel=1,
        engine=MISTRAL,
        engine_url=_without_password(url),
        engine_namespace=namespace,
    )


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
