"""Pure work on several processors: each process does its share, and the results come back together."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

T = TypeVar("T")


def processors() -> int:
    """How many there are for this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_shares(work: Callable[[int, int], list[T]], shares: int) -> list[T]:
    """`work(share, shares)` for every share from 0, the first here, the others in processes of their own. The results
    come share by share.

    The processes are forked: whatever `work` uses is there. It must not start threads or change anything outside.
    """
    context = multiprocessing.get_context("fork")
    pipes = [context.Pipe(duplex=False) for _ in range(1, shares)]
    children = [
        context.Process(target=_child, args=(work, share, shares, end), daemon=True)
        for share, (_, end) in enumerate(pipes, 1)
    ]
    for child in children:
        child.start()
    for _, end in pipes:
        end.close()
    results = work(0, shares)
    for (result, _), child in zip(pipes, children, strict=True):
        results += result.recv()
        child.join()
    return results


def _child(work: Callable[[int, int], list[T]], share: int, shares: int, end: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the first process, and that one the others
    end.send(work(share, shares))
