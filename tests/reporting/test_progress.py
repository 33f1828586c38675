"""Progress: plain lines in a pipe, a live tree on a real (pseudo) terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs" / "progress.py"
ACTIVE = re.compile(r"\x1b\[5m|\x1b\]0;|\x07")  # what the names and messages try to send


def on_a_terminal(count: int, rows: int = 24, **environment: str) -> str:
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 100, 0, 0))
    # LINES and COLUMNS would overrule the size of our terminal
    overruling = ("NO_COLOR", "FORCE_COLOR", "CI", "LINES", "COLUMNS")
    clean = {key: value for key, value in os.environ.items() if key not in overruling}
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), str(count)],
        stderr=other,
        stdout=other,
        stdin=other,
        env={**clean, "TERM": "xterm-256color", **environment},
    )
    os.close(other)
    parts = []
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        parts.append(part)
    os.close(main)
    assert process.wait(60) == 0
    return b"".join(parts).decode()


def test_a_terminal_gets_a_live_tree() -> None:
    shown = on_a_terminal(5)
    assert ACTIVE.search(shown) is None
    assert "\x1b[?25l" in shown  # a live display: the cursor was hidden …
    assert shown.rstrip().endswith("\x1b[2K") or "\x1b[?25h" in shown  # … and given back
    assert "of 5 done" in shown
    assert "t3" in shown
    assert "75%" in shown
    assert "[bold]half\\x1b[5m" in shown  # as it is: neither markup nor an escape
    assert "FAILED    all/t1: RuntimeError: the disk [red]is full\\x1b]0;title\\x07" in shown
    assert "\x1b[31m" in shown


def test_many_tasks_fit_the_terminal() -> None:
    shown = on_a_terminal(300, rows=12)
    assert re.search(r"… and \d+ more running", shown)
    # between two cursor movements there is never more than fits
    frames = re.split(r"\x1b\[2K|\x1b\[1A", shown)
    assert max(frame.count("\n") for frame in frames) <= 14


def test_no_color() -> None:
    shown = on_a_terminal(3, NO_COLOR="1")
    assert "of 3 done" in shown
    assert re.search(r"\x1b\[\d*(;\d+)*(3\d|9\d)m", shown) is None


def test_a_dumb_terminal_and_a_pipe_get_lines() -> None:
    assert "\x1b" not in on_a_terminal(3, TERM="dumb")
    done = subprocess.run([sys.executable, str(PROGRAM), "3"], capture_output=True, text=True, check=True)
    lines = [line.split(" ", 1)[1] for line in done.stderr.splitlines()]
    assert lines[0] == "main: 3 tasks, execution e"
    assert "started   all/t1: Copy it." in lines
    assert "FAILED    all/t1: RuntimeError: the disk [red]is full\\x1b]0;title\\x07" in lines
    assert lines[-1] == "finished: ERROR"
    assert done.stderr.isprintable() or ACTIVE.search(done.stderr) is None
    assert done.stdout == ""


@pytest.mark.parametrize("count", [250])
def test_many_tasks_are_counted_in_a_pipe(count: int) -> None:
    command = [sys.executable, str(PROGRAM), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "started" not in done.stderr
    assert "FAILED    all/t1" in done.stderr
