"""What stops an execution from outside: signals, and the file by which `embank cancel` asks."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import cast

from embank.runner.runner import Runner

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, a polite kill, a terminal that went away
CANCEL = "embank cancel"
LOOK_EVERY = 0.2  # s between two looks for a request to cancel


@contextmanager
def signals_to(runner: Runner, *, keep: bool) -> Iterator[None]:
    """Let signals interrupt the runner. Only the main thread of a process gets any. `keep`: nothing else is to be
    done in this process, so that a signal that comes after the end should not end it before its last word.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    # No Python function: one is itself interrupted by the next signal, and a flood of them nests too deep
    # (decision RUN-6).
    interrupt = cast("Callable[[int, FrameType | None], None]", runner.inbox.put)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:  # what is ignored (nohup) stays so; but a shell's `&` alone must not disarm Ctrl-C
        if before[number] is not signal.SIG_IGN or number == signal.SIGINT:
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        if not keep:
            for number, handler in before.items():
                signal.signal(number, handler or signal.SIG_DFL)


@contextmanager
def requests_to(runner: Runner, file: Path | None) -> Iterator[None]:
    """Let somebody else cancel the execution, who need not be able to send this process a signal (decision RUN-3)."""
    if file is None:
        yield
        return
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_EVERY):
            with suppress(OSError):  # what cannot be looked at now may be later
                if file.exists():
                    runner.interrupt(CANCEL)
                    return

    threading.Thread(target=watch, name="embank-requests", daemon=True).start()
    try:
        yield
    finally:
        over.set()
