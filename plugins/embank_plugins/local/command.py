"""Run one command of the operator's, as steps of a polled activity.

No shell looks at it. The command gets a session and process group of its own, nothing to read, and a few variables
that say what it is for. When its time is up, the activity is given up, or we are killed, the whole group is ended: a
freeze that was abandoned must not freeze anything later on.
"""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from embank.plugins import Poll
from embank_plugins.local import LocalError, printable

TAIL = 4096  # bytes of output that are kept for an error message
GRACE = 2.0  # seconds between SIGTERM and SIGKILL
FIRST_POLL, LAST_POLL = 0.01, 0.25  # seconds
# Becomes the command, and leaves behind a watcher, which is nobody's child. It reads from us: a line means that all
# is well; no line, that we are dead, and then it ends the group, itself included.
WATCHED = (
    "/bin/sh",
    "-c",
    'exec 3<&0 </dev/null; ( (read -r line <&3 || kill -s KILL -- "-$$") >/dev/null 2>&1 & ); exec "$@" 3<&-',
    "embank",
)


def run(label: str, command: Sequence[str], variables: Mapping[str, str], timeout: float) -> Iterator[Poll]:
    """Run the command to its end, yielding while it runs. Raises LocalError, with the last line it printed."""
    try:
        _check_program(command[0])
        process = subprocess.Popen(
            [*WATCHED, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **variables},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise LocalError(f"the {label} command {command[0]!r} cannot be started: {_reason(error)}") from error
    assert process.stdin is not None
    assert process.stdout is not None
    tail = _Tail(process.stdout.fileno())
    deadline = time.monotonic() + timeout
    pause = FIRST_POLL
    try:
        while process.poll() is None:
            if time.monotonic() > deadline:
                raise LocalError(f"the {label} command did not end within {timeout:g} s{tail.last_line()}")
            pause = FIRST_POLL if tail.drain() else min(pause * 2, LAST_POLL)
            yield Poll(after=pause)
        if process.returncode:
            how = f"exited with {process.returncode}" if process.returncode > 0 else _signal(-process.returncode)
            raise LocalError(f"the {label} command {how}{tail.last_line()}")
    finally:
        if process.poll() is None:
            _end(process)
        with suppress(BrokenPipeError):
            process.stdin.write(b"\n")
            process.stdin.close()
        process.stdout.close()


def _check_program(path: str) -> None:
    """Raise what starting it would raise."""
    if stat.S_ISDIR(Path(path).stat().st_mode) or not os.access(path, os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


class _Tail:
    """The end of what a command prints. Reading never waits: a daemon it started may keep the pipe open."""

    def __init__(self, pipe: int) -> None:
        os.set_blocking(pipe, False)
        self._pipe, self._kept = pipe, b""

    def drain(self) -> bool:
        """Read what is there, a MiB at most; True when there was something."""
        found = False
        with suppress(BlockingIOError):
            for _ in range(16):
                data = os.read(self._pipe, 1 << 16)
                if not data:
                    break
                self._kept = (self._kept + data)[-TAIL:]
                found = True
        return found

    def last_line(self) -> str:
        """ ": " and the last line that has something on it; "" when there is none."""
        self.drain()
        lines = [line for line in self._kept.decode("utf-8", "replace").splitlines() if line.strip()]
        return f": {printable(lines[-1].strip()[:500])}" if lines else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    # SIGKILL in any case: a member of the group may outlive its leader's answer to SIGTERM.
    for number, grace in ((signal.SIGTERM, GRACE), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace)


def _signal(number: int) -> str:
    try:
        return f"was ended by {signal.Signals(number).name}"
    except ValueError:
        return f"was ended by signal {number}"


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else str(error)) or str(error)
