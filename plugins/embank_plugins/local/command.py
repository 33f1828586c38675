"""Run one command of the operator's, as steps of a polled activity.

No shell. The command gets a session and process group of its own, nothing to read, and a few variables that
say what it is for. When its time is up, or the activity is given up, the whole group is ended: a freeze that
was abandoned must not freeze anything later on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from embank.plugins import Poll
from embank_plugins.local import LocalError, printable

TAIL = 4096  # bytes of output that are kept for an error message
GRACE = 2.0  # seconds between SIGTERM and SIGKILL
FIRST_POLL, LAST_POLL = 0.01, 0.25  # seconds


def run(label: str, command: Sequence[str], variables: Mapping[str, str], timeout: float) -> Iterator[Poll]:
    """Run the command to its end, yielding while it runs. Raises LocalError, with the last line it printed."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **variables},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise LocalError(f"the {label} command {command[0]!r} cannot be started: {_reason(error)}") from error
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
        process.stdout.close()


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
