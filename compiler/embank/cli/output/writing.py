"""Writing an artefact: to standard output, or to a file that is whole or untouched."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from errno import EIO, ENOSPC, EPIPE
from pathlib import Path
from typing import TextIO

from embank.errors import ExitCode, UsageError

# What becomes of a command that cannot write its output.
OUTPUT = {EPIPE: ExitCode.INTERRUPTED, EIO: ExitCode.INTERRUPTED, ENOSPC: ExitCode.USAGE}


def write_artefact(target: str, chunks: Iterable[str]) -> None:
    """Write the text to a file ("-": standard output). A file appears complete, or stays as it was.

    Raises UsageError when the file cannot be written.
    """
    if target == "-":
        # an artefact is UTF-8 wherever it goes; the terminal's encoding is not its business
        out = sys.stdout.buffer
        for chunk in chunks:
            out.write(chunk.encode())
        out.flush()
        return
    path = Path(target)
    if path.is_dir():
        raise UsageError(f"{target} is a directory; -o takes the name of a file")
    try:
        _replace(path, chunks)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror or error}") from error


def lost_output(error: OSError) -> ExitCode:
    """The exit code of a command that cannot write its output: its reader (`… | head`) or the terminal went away, or
    the disk is full. Says so, if anybody can hear it.
    """
    give_up_output(error)
    return OUTPUT.get(error.errno or 0, ExitCode.USAGE)


def give_up_output(error: OSError) -> None:
    """Nobody takes our output (a full disk, a reader that went away): say so, and write to /dev/null from here on,
    so that Python, which flushes when it exits, does not fail once more.
    """
    to_nowhere(sys.stdout)
    if isinstance(error, BrokenPipeError):
        to_nowhere(sys.stderr)
        return
    try:
        sys.stderr.write(f"embank: cannot write the output: {error.strerror or error}\n")
        sys.stderr.flush()
    except OSError:  # a terminal that went away takes both with it
        to_nowhere(sys.stderr)


def to_nowhere(stream: TextIO) -> None:
    """Let what a standard stream still holds, and what is written to it from here on, disappear."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def mind_terminals() -> Callable[[object], None]:
    """A function to be called again and again: it lets standard streams whose terminal has gone away lead nowhere.
    Otherwise whoever prints something, such as a plugin that thaws, would fail.
    """
    terminals = [stream for stream in (sys.stdout, sys.stderr) if stream.isatty()]

    def look(_: object) -> None:
        for stream in terminals[:]:
            if not os.isatty(stream.fileno()):
                terminals.remove(stream)
                to_nowhere(stream)

    return look


def _replace(path: Path, chunks: Iterable[str]) -> None:
    if path.exists() and not path.is_file():  # a pipe or a terminal cannot be replaced, or resolved
        with path.open("w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(chunks)
        return
    path = path.resolve()  # through a symbolic link, to the file that people mean
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            stream.writelines(chunks)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(_mode(path))  # mkstemp's 0600 is not what a shared artefact has
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _mode(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
