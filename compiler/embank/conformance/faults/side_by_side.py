"""Several pieces of work that mostly wait, each in a process of its own."""

from __future__ import annotations

import multiprocessing.connection
import traceback
from collections.abc import Callable, Sequence

import pytest


def side_by_side(work: Sequence[Callable[[], None]]) -> None:
    """Do all of it, in forked processes. Fails as the first one fails, with its traceback."""
    if len(work) == 1:
        work[0]()
        return
    fork = multiprocessing.get_context("fork")
    pipes = [fork.Pipe(duplex=False) for _ in work]
    processes = [
        fork.Process(target=_tell, args=(each, writing)) for each, (_, writing) in zip(work, pipes, strict=True)
    ]
    for process, (_, writing) in zip(processes, pipes, strict=True):
        process.start()
        writing.close()
    told = [_told(reading) for reading, _ in pipes]
    for process in processes:
        process.join()
    for text in told:
        if text:
            pytest.fail(text, pytrace=False)


def _tell(work: Callable[[], None], writing: multiprocessing.connection.Connection) -> None:
    try:
        work()
        writing.send("")
    except BaseException as error:
        writing.send("".join(traceback.format_exception(error)))


def _told(reading: multiprocessing.connection.Connection) -> str:
    try:
        return str(reading.recv())
    except EOFError:
        return "a process of this test ended before its work did"
