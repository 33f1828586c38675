"""Kill a run of an activity at any step that it takes: at each call to the bank (and in the middle of what it
streams), at each yield, and before each file, process or connection of its own that it touches.

    killed(lambda step: …, 7)      runs it in a process that ends with SIGKILL at its seventh step
    dropped(lambda step: …, 7)     runs it in a thread that never goes on after its seventh step
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from embank.plugins import Bank, ObjectInfo

# Python's audit events that say that something is about to change, or to be asked of somebody else.
OUTSIDE = frozenset(
    (
        *(f"os.{name}" for name in ("chmod", "chown", "link", "mkdir", "remove", "removexattr", "rename", "rmdir")),
        *(f"os.{name}" for name in ("setxattr", "symlink", "truncate", "utime", "posix_spawn", "exec", "system")),
        *("subprocess.Popen", "sqlite3.connect", "socket.connect", "socket.sendmsg", "socket.sendto", "ctypes.dlsym"),
    )
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
WITH_PROCESSES = "+"
RESTART = (
    0.1  # seconds; a process that a killed one has started notices it within so long, and nobody restarts faster
)


class Steps:
    """Counts the steps of one run; at the `last` one it calls `die(what)`, which does not return."""

    def __init__(self, last: int, die: Callable[[str], None]) -> None:
        self.last = last
        self.count = 0
        self.processes = False  # has started some
        self._die = die
        self._quiet = True  # the steps of the kit and of the bank itself are not the activity's

    def __call__(self, what: str) -> None:
        """The run is at a step."""
        self.count += 1
        if self.count == self.last:
            self._die(what)

    @contextmanager
    def counting(self, counting: bool) -> Iterator[None]:
        """Within this block, what `audit` hears counts, or does not."""
        before, self._quiet = self._quiet, not counting
        try:
            yield
        finally:
            self._quiet = before

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """For `sys.addaudithook`."""
        if self._quiet or not (event in OUTSIDE or (event == "open" and _writes(arguments))):
            return
        self.processes |= event in ("subprocess.Popen", "os.posix_spawn")
        with self.counting(False):
            self(f"before {event}({', '.join(f'{argument!r:.100}' for argument in arguments[:2])})")


def _writes(arguments: tuple[Any, ...]) -> bool:
    """Whether an `open` may leave something. A directory is opened for writing only to make a file without a name."""
    path, _, flags = arguments
    if isinstance(path, int) or not isinstance(flags, int) or not flags & WRITING:
        return False
    return not Path(os.fsdecode(path)).is_dir()


class SteppedBank(Bank):
    """A bank whose every call is a step, and every piece of what it streams."""

    def __init__(self, bank: Bank, steps: Steps) -> None:
        super().__init__(bank.conf)
        self._bank = bank
        self._steps = steps

    def put(self, key: str, chunks: Iterable[bytes], *, if_absent: bool = False) -> ObjectInfo:
        """Steps: before it, in it when it has a chunk in hand, after it."""
        self._steps(f"before put {key}")
        with self._steps.counting(False):
            info = self._bank.put(key, self._taken(iter(chunks), key), if_absent=if_absent)
        self._steps(f"after put {key}")
        return info

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Steps: before it, and when more is asked for: what was given is used by then."""
        self._steps(f"before get {key}")
        chunks = self._bank.get(key, start=start, end=end)
        while True:
            with self._steps.counting(False):
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk
            self._steps(f"in get {key}")

    def list(self, prefix: str = "", *, marker: str = "", limit: int = 1000) -> Sequence[ObjectInfo]:
        """A step: before it."""
        self._steps(f"before list {prefix}")
        with self._steps.counting(False):
            return self._bank.list(prefix, marker=marker, limit=limit)

    def delete(self, key: str) -> None:
        """Steps: before it and after it."""
        self._steps(f"before delete {key}")
        with self._steps.counting(False):
            self._bank.delete(key)
        self._steps(f"after delete {key}")

    def stat(self, key: str) -> ObjectInfo | None:
        """A step: before it."""
        self._steps(f"before stat {key}")
        with self._steps.counting(False):
            return self._bank.stat(key)

    def check(self) -> None:
        """No step: activities do not call it."""
        self._bank.check()

    def _taken(self, chunks: Iterator[bytes], key: str) -> Iterator[bytes]:
        while True:
            with self._steps.counting(True):  # the chunks are the activity's own work
                chunk = next(chunks, None)
            if chunk is None:
                return
            self._steps(f"in put {key}")
            yield chunk


def killed(work: Callable[[Steps], None], last: int) -> str:
    """Do `work` in a process of its own, and kill it at its `last` step; which one that was, "" when it ended before.

    Raises AssertionError, with its traceback, when it failed before.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _in_the_child(work, last, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        text = said.read().decode()
    with_processes, text = text.startswith(WITH_PROCESSES), text.removeprefix(WITH_PROCESSES)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), f"in a process of its own it ended with {code}:\n{text}"
    if with_processes:
        time.sleep(RESTART)
    return text


def _in_the_child(work: Callable[[Steps], None], last: int, writing: int) -> None:
    def die(what: str) -> None:
        said = WITH_PROCESSES * steps.processes + what
        os.write(writing, said.encode(errors="backslashreplace"))
        os.kill(os.getpid(), signal.SIGKILL)

    code = 1
    try:
        sys.dont_write_bytecode = True  # an import is no step
        steps = Steps(last, die)
        sys.addaudithook(steps.audit)
        work(steps)
        code = 0
    except BaseException:
        with os.fdopen(writing, "w", errors="backslashreplace") as said:
            said.write(traceback.format_exc())
    finally:
        os._exit(code)


def dropped(work: Callable[[Steps], None], last: int) -> str:
    """Do `work` in a thread, and never let it go on after its `last` step; as `killed` for a world in memory."""
    outcome: queue.SimpleQueue[str | BaseException] = queue.SimpleQueue()

    def die(what: str) -> None:
        outcome.put(what)
        threading.Event().wait()  # for ever: not even its `finally` runs

    def run() -> None:
        try:
            work(Steps(last, die))
            outcome.put("")
        except BaseException as error:
            outcome.put(error)

    threading.Thread(target=run, daemon=True).start()
    what = outcome.get()
    if isinstance(what, BaseException):
        raise what
    return what
