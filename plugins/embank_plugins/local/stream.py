"""Streams of bytes between files, commands and the bank."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from embank_plugins.local import LocalError

if TYPE_CHECKING:
    from embank.plugins import Context

PIECE = 1 << 20
CANCELLED = "given up, because the execution was cancelled"
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def unless_cancelled(context: Context, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks. Raises LocalError between two of them once the execution was cancelled."""
    for chunk in chunks:
        if context.cancelled:
            raise LocalError(CANCELLED)
        yield chunk


def read_pieces(path: str) -> Iterator[bytes]:
    """A file's bytes, a MiB at a time."""
    with Path(path).open("rb", buffering=0) as file:
        while piece := file.read(PIECE):
            yield piece


def write_pieces(path: str, chunks: Iterable[bytes]) -> None:
    """Write a new file that only its owner may read, and see that it is on the disk."""
    with os.fdopen(os.open(path, NEW_FILE, 0o600), "wb", buffering=PIECE) as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
