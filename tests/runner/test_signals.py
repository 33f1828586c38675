"""Ctrl-C, in real processes: once in order, twice at once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"


class Program:
    """freeze.py, and what it wrote down."""

    def __init__(self, log: Path, mode: str) -> None:
        self.log = log
        command = [sys.executable, str(PROGRAMS / "freeze.py"), str(PROGRAMS / "freeze.yaml"), str(log), mode]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait_for(self, line: str) -> None:
        for _ in range(6000):
            if self.log.exists() and line in self.log.read_text().splitlines():
                return
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.01)
        raise AssertionError(f"it never said {line!r}")

    def wait_for_stderr(self, word: str) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if word in line:
                return
        raise AssertionError(f"it never said {word!r}")

    def end(self) -> tuple[int, list[str], str]:
        out, _ = self.process.communicate(timeout=60)
        return self.process.returncode, self.log.read_text().splitlines(), out


@pytest.fixture
def program(tmp_path: Path) -> Iterator[list[Program]]:
    started: list[Program] = []
    yield started
    for each in started:
        each.process.kill()
        each.process.communicate()


@pytest.mark.parametrize("mode", ["pending", "plain"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_once_stops_in_order(tmp_path: Path, program: list[Program], mode: str, number: signal.Signals) -> None:
    program.append(Program(tmp_path / "log", mode))
    program[0].wait_for("waiting")
    program[0].process.send_signal(number)
    code, log, out = program[0].end()
    assert code == 130
    # the generator was closed, nothing else of the plan was started, the closer ran
    assert log == [
        "start embank.begin",
        "end embank.begin",
        "start embank.activity pre",
        "end embank.activity pre",
        "start embank.activity parallel",
        "waiting",
        "closed",
        "start embank.cleanup post",
        "end embank.cleanup post",
        "start embank.complete error",
        "end embank.complete error",
    ]
    assert "INTERRUPTED" in out
    assert "STILL OPEN" not in out
    assert "App#a (a):" in out  # its freeze window


def test_twice_stops_at_once_and_says_what_stays_open(tmp_path: Path, program: list[Program]) -> None:
    program.append(Program(tmp_path / "log", "stuck"))
    program[0].wait_for("waiting")
    program[0].process.send_signal(signal.SIGINT)
    program[0].wait_for_stderr("interrupted (SIGINT)")
    program[0].process.send_signal(signal.SIGINT)
    code, log, out = program[0].end()
    assert code == 130
    assert log[-1] == "waiting"  # no closer ran
    assert "still running when it was stopped at once:\n    activities/a_parallel" in out
    assert "STILL OPEN" in out
    assert "App#a (a): pre was started, post did not succeed" in out
