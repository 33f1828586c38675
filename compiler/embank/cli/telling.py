"""What a person sees of an execution, and is asked: progress, events, the summary; may a paused task go on?"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from embank.cli.output.writing import give_up_output
from embank.errors import UsageError
from embank.plaintext import plain

if TYPE_CHECKING:
    from embank.reporting.detached import Detached
    from embank.reporting.events import Listener
    from embank.reporting.summary import Summary


YES = ("y", "yes")
STALLED = 2.0  # s after which a terminal that takes no output is not waited for
_QUESTION = threading.Lock()  # one at a time: an answer belongs to the question that was asked last


@contextmanager
def progress() -> Iterator[Detached]:
    """What shows it on stderr."""
    from embank.reporting.detached import Detached
    from embank.reporting.live import progress_on

    streams = sys.stdout, sys.stderr
    progress = Detached(progress_on(sys.stderr))
    try:
        yield progress
    finally:
        progress.close(STALLED)
        sys.stdout, sys.stderr = streams  # rich takes them, and cannot give them back on a terminal that stalls


def tell(summary: Summary, arguments: argparse.Namespace) -> None:
    """Print a summary on stdout; on stderr when stdout is taken, because the events go there."""
    from embank.journal.directory import state_directory
    from embank.reporting.summary_text import summary_text

    state = state_directory(arguments.state_dir).path
    out = sys.stderr if arguments.events == "-" else sys.stdout
    try:
        out.writelines(f"{line}\n" for line in summary_text(summary, state))
        sys.stdout.flush()
    except OSError as error:  # what was done is done, whether or not anybody can read about it
        give_up_output(error)


@contextmanager
def events_to(target: str | None) -> Iterator[Sequence[Listener]]:
    """The listener that `--events` asks for. Raises UsageError when the file cannot be written. Events that are lost
    later (a full disk) change nothing about the execution.
    """
    from embank.reporting.detached import Detached
    from embank.reporting.events import EventWriter

    if target is None:
        yield ()
    elif target == "-":
        writer = Detached(EventWriter(sys.stdout))
        try:
            yield (writer,)
        finally:
            writer.close()
    else:
        try:
            stream = Path(target).open("w", encoding="utf-8")  # noqa: SIM115  # closed below
        except OSError as error:
            raise UsageError(f"cannot write {target}: {error.strerror or error}") from error
        writer = Detached(EventWriter(stream))
        try:
            yield (writer,)
        finally:
            writer.close()
            try:
                stream.close()
            except OSError as error:
                sys.stderr.write(f"embank: {target} is not complete: {error.strerror or error}\n")


def show(text: str) -> None:
    """Whatever it is, on stderr."""
    sys.stderr.write(text)


def confirm(progress: Detached, task: str) -> bool:
    """Ask. Read without a buffer: Python cannot exit while a thread waits in one."""
    with _QUESTION:
        progress.catch_up(STALLED)  # the live display has to be out of the way
        sys.stderr.write(f"{plain(task)} waits (pause-before). Start it? [y/N] ")
        sys.stderr.flush()
        return os.read(sys.stdin.fileno(), 1024).decode(errors="replace").strip().lower() in YES
