"""The journal of an execution: one JSON object a line, only ever appended to.

    {"n": 7, "at": "2026-11-23T08:15:02.120031+00:00", "event": "begun", "row": 3, …, "sum": "9f0c12ab"}

`n` counts the lines from 1 and `sum`, always last, is the CRC-32 of what stands before it on the line: a line
that was changed, lost, doubled or moved is noticed. What a crash tore off at the end is dropped, damage before
that refused. `embank.journal.entries` says which events there are.
"""

from __future__ import annotations

import errno
import json
import os
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from embank.errors import EmbankError, ExitCode
from embank.model import Json

SUM = b', "sum": "'
BEGIN, HEAD = b'{"n": ', b'{"n": 1, '  # of every line, and of the first one


class JournalDamaged(EmbankError):
    """A line in the middle of a journal is not as it was written."""

    exit_code = ExitCode.PROBLEMS


class JournalFailed(EmbankError):
    """The journal cannot be written."""

    exit_code = ExitCode.FAILED


@dataclass(frozen=True, slots=True)
class Contents:
    """What a journal says. `size` bytes are sound, `torn` bytes behind them are not.

    `damage` says where and how, when it is more than a crash in the middle of writing leaves.
    """

    entries: tuple[Mapping[str, Json], ...]
    size: int
    torn: int
    damage: str = ""


def read_journal(path: Path) -> Contents:
    """Read a journal as far as it is sound. Raises OSError."""
    entries: list[Mapping[str, Json]] = []
    data = path.read_bytes()
    start = 0
    while (end := data.find(b"\n", start)) >= 0:
        entry = sound(data[start:end])
        if entry is None or entry.get("n") != len(entries) + 1:
            break
        entries.append(entry)
        start = end + 1
    rest = data[start:]
    wrong = _damage(rest, len(entries) + 1)
    return Contents(tuple(entries), start, len(rest), wrong and f"{path}:{len(entries) + 1}: {wrong}")


def cut_off(path: Path, contents: Contents, count: int, damage: str) -> Contents:
    """Only the first `count` lines. Raises OSError."""
    lines = path.read_bytes()[: contents.size].splitlines(keepends=True)
    size = sum(map(len, lines[:count]))
    torn = contents.size + contents.torn - size
    return Contents(contents.entries[:count], size, torn, damage)


def _damage(rest: bytes, number: int) -> str:
    """What is wrong with what follows the sound lines, up to line `number`; "" when a crash can have left it."""
    start = rest.find(BEGIN)
    while start >= 0:
        end = rest.find(b"\n", start)
        entry = sound(rest[start:] if end < 0 else rest[start:end])
        if entry is not None and not (start == 0 and end < 0 and entry.get("n") == number):  # that is but its end
            return "this line is not as it was written, or is not there; sound lines follow it"
        start = rest.find(BEGIN, start + 1)
    if number == 1 and not (rest.startswith(HEAD) or HEAD.startswith(rest)):
        return "there is not one line that is as it was written"
    return ""


def sound(line: bytes) -> Mapping[str, Json] | None:
    """The object on a line, without its end; None when its checksum does not fit."""
    body, found, tail = line.rpartition(SUM)
    if not found or tail != b'%08x"}' % zlib.crc32(body):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


class Journal:
    """An open journal. Lines are kept until they are written: a full disk that gets room again loses nothing."""

    def __init__(self, path: Path, *, written: Contents | None = None) -> None:
        """Open a new journal, or go on behind what is `written`. Raises JournalFailed."""
        self.path = path
        self._size = written.size if written else 0
        self._count = len(written.entries) if written else 0
        self._pending: list[bytes] = []
        flags = os.O_WRONLY | os.O_CLOEXEC | (0 if written else os.O_CREAT | os.O_EXCL)
        try:
            self._fd = os.open(path, flags, 0o600)
            if written and written.torn:
                os.ftruncate(self._fd, self._size)
        except OSError as error:
            raise _failed(path, error) from error

    def append(self, at: str, event: str, values: Mapping[str, Json]) -> None:
        """Add a line; `flush` or `commit` writes it."""
        self._count += 1
        body = json.dumps({"n": self._count, "at": at, "event": event, **values}).encode()[:-1]
        self._pending.append(b'%s%s%08x"}\n' % (body, SUM, zlib.crc32(body)))

    def flush(self) -> None:
        """Hand the lines to the operating system: they survive the end of this process. Raises JournalFailed."""
        if not self._pending:
            return
        data = b"".join(self._pending)
        try:
            if os.pwrite(self._fd, data, self._size) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._fd, self._size)  # no half line, so that a later attempt can go on
            raise _failed(self.path, error) from error
        self._size += len(data)
        self._pending.clear()

    def commit(self) -> None:
        """Hand the lines to the disk: they survive the end of this machine. Raises JournalFailed."""
        self.flush()
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise _failed(self.path, error) from error

    def close(self) -> None:
        """Close the file. What could not be written is lost."""
        os.close(self._fd)


def _failed(path: Path, error: OSError) -> JournalFailed:
    return JournalFailed(f"the journal {path} cannot be written: {error.strerror or error}")
