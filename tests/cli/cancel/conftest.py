"""Executions that are stopped, as a person or a machine does it: real processes, signals, terminals.

Two boxes, `inner` in `outer`, are frozen, copied and thawed. What a box does meanwhile a test says by a word in a
file: see `boxes.py`, a third party's plugin and bank.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.checkpoints import Checkpoints
from embank.clock import SystemClock
from embank.journal.directory import ExecutionDirectory
from embank.journal.kept import read_kept
from embank.journal.standing import glance
from embank.reporting.summary_text import summary_text
from kit import forked
from kit.banks import open_bank

EMBANK = Path(sys.executable).parent / "embank"
BOXES = Path(__file__).parent / "programs" / "boxes.py"
PROVIDER = """
[provider]
name = boxes
id = 6f0d6f0e-8a55-4f60-9a0b-0f6a3f8b9c01
description = Boxes that freeze
bank = karbor.protections.box-bank
plugin = karbor.protections.box
[boxes]
world = $here/../world
[filesystem_bank]
path = $here/../bank
"""
GRAPH = """
version: 1
resources:
- {type: Test::Box, id: outer, dependents: [{type: Test::Box, id: inner}]}
- {type: Test::Box, id: inner}
"""
PLAN = """
version: 1
name: boxes
provider: boxes
resources: [{under: {type: Test::Box, id: outer}}]
"""
PATIENCE = 120  # s; only a test that fails waits so long


class Process:
    """A command that runs, and what it prints."""

    def __init__(self, popen: subprocess.Popen[str], home: Path, number: int) -> None:
        self.popen = popen
        self._out, self._err = home / f"out{number}", home / f"err{number}"

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def says(self, text: str) -> None:
        """Wait until it has said this on stderr."""
        wait_for(lambda: text in self.err, lambda: f"it never said {text!r}: {self.err}", self.popen)

    def signal(self, number: signal.Signals) -> None:
        self.popen.send_signal(number)

    def end(self) -> int:
        """Wait for its end: the exit code."""
        return self.popen.wait(PATIENCE)


class Terminal:
    """A terminal that a process can have for itself, with somebody who looks and types."""

    def __init__(self) -> None:
        self.main, self.other = pty.openpty()
        fcntl.ioctl(self.other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.before = termios.tcgetattr(self.other)
        self.shown = ""
        self._closed = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def options(self) -> dict[str, Any]:
        """Those of Popen for a process that has this terminal."""
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), self.other)
        return {**streams, "before": lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)}

    def type(self, text: str) -> None:
        os.write(self.main, text.encode())

    def shows(self, text: str, times: int = 1) -> None:
        """Wait until it has shown this."""
        deadline = time.monotonic() + PATIENCE
        while self.shown.count(text) < times:
            assert time.monotonic() < deadline, f"it never showed {text!r}: {self.shown}"
            time.sleep(0.01)

    def close(self) -> None:
        """Close the window."""
        if not self._closed.is_set():
            self._closed.set()
            self._reader.join(PATIENCE)
            os.close(self.main)
            os.close(self.other)

    def is_sane(self) -> bool:
        """Whether it has its cursor, and echoes, as before. For when the process has ended."""
        end = self.shown.rfind("\x1b[?25h"), self.shown.rfind("\x1b[?25l")
        return end[0] >= end[1] and termios.tcgetattr(self.other) == self.before

    def _read(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while not self._closed.is_set():
            if select.select([self.main], [], [], 0.05)[0]:
                self.shown += decoder.decode(os.read(self.main, 65536))


def heeding(before: Callable[[], object] | None) -> Callable[[], None]:
    """In the new process: let Ctrl-C count, though a shell that runs the tests in the background has it ignored."""

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if before:
            before()

    return prepare


class World:
    """A directory with a compiled workflow, `boxes.yaml`; what happens there, and who does it."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.home = home
        self.environment = environment
        self.started: list[Process] = []
        (home / "world").mkdir()

    def let(self, box: str, phase: str, mode: str) -> None:
        """Say what a box does in a phase: a word that boxes.py knows."""
        (self.home / "world" / f"{box}.{phase}").write_text(mode)

    def stall(self, *words: str) -> None:
        """Let the bank stall in calls that have these words in them."""
        (self.home / "world" / "stall").write_text(" ".join(words))

    def go_on(self) -> None:
        """Let the bank work again."""
        (self.home / "world" / "stall").unlink()

    def edit(self, *changes: tuple[str, str]) -> None:
        """Change the workflow file, as a person would."""
        file = self.home / "boxes.yaml"
        text = file.read_text()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        file.write_text(text)

    def start(self, *arguments: str, before: Callable[[], object] | None = None, **options: Any) -> Process:
        """Start `embank …` here, with the options of Popen. `before` is done in the new process."""
        number = len(self.started)
        out, err = (self.home / f"{name}{number}" for name in ("out", "err"))
        with out.open("wb") as stdout, err.open("wb") as stderr:
            given = {"stdout": stdout, "stderr": stderr, "stdin": subprocess.DEVNULL, **options}
            popen = subprocess.Popen(
                [EMBANK, *arguments], cwd=self.home, env=self.environment, start_new_session=True,
                preexec_fn=heeding(before), **given,
            )  # fmt: skip
        self.started.append(Process(popen, self.home, number))
        return self.started[-1]

    def run(self, *options: str, **more: Any) -> Process:
        """Start `embank run` of the workflow."""
        return self.start("run", "boxes.yaml", "--grace", "1", *options, **more)

    def embank(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`embank …` from its begin to its end."""
        return forked.embank(self.home, *arguments, PYTHONPATH=self.environment["PYTHONPATH"])

    @property
    def log(self) -> list[str]:
        """What the boxes did."""
        file = self.home / "world" / "log"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def frozen(self) -> set[str]:
        """The boxes that are frozen."""
        return {file.name.removeprefix("frozen-") for file in (self.home / "world").glob("frozen-*")}

    def until(self, line: str) -> None:
        """Wait until a box of the first process has done this."""
        wait_for(lambda: line in self.log, lambda: f"no {line!r} in {self.log}", self.started[0].popen)

    def until_times(self, line: str, times: int, process: Process) -> None:
        """Wait until the boxes of a process have done this so many times, all in all."""
        wait_for(lambda: self.log.count(line) == times, lambda: f"{times} {line!r} in {self.log}?", process.popen)

    @property
    def execution(self) -> str:
        """The id of the only execution."""
        (found,) = (self.home / ".embank" / "executions").iterdir()
        return found.name

    @property
    def checkpoint(self) -> Checkpoint:
        """The only checkpoint."""
        bank = open_bank(self.home / "bank")
        return Checkpoints(bank).open(self.execution)

    @property
    def state(self) -> str:
        """How the journal says that the execution stands."""
        return str(glance(ExecutionDirectory(self.home / ".embank" / "executions" / self.execution)).state)

    def settled(self, process: Process, status: str, frozen: Iterable[str] = ()) -> None:
        """What a process has said at the end is what the journal says, and what is so."""
        assert self.frozen == set(frozen)
        if status:
            assert self.checkpoint.status().status == status
            assert self.checkpoint.leases.current() is None, "the lease is given back"
        directory = ExecutionDirectory(self.home / ".embank" / "executions" / self.execution)
        found = read_kept(directory, SystemClock())
        kept = [bare(line) for line in summary_text(found.summary(SystemClock()))]
        said = [bare(line) for line in process.out.splitlines() if not line.startswith("  warning: ")]
        assert kept == said
        for box in ("outer", "inner"):
            assert (f"{box}):" in process.out.partition("STILL OPEN")[2].partition("held open")[0]) == (box in frozen)

    def kill_all(self) -> None:
        for process in self.started:
            process.popen.kill()
            process.popen.wait()
        for line in self.log:
            if line.startswith("child "):
                os.kill(int(line.split()[1]), signal.SIGKILL)


def bare(line: str) -> str:
    """A line of a summary without what differs between two looks: times, and which copy of the workflow is named."""
    line = re.sub(r"\d+ min \d+ s|\d+(\.\d+)? s", "T", line)
    return re.sub(r"\[[^\[]*\.yaml:", "[", line).replace(" ", "")


def wait_for(condition: Callable[[], bool], why: Callable[[], str], popen: subprocess.Popen[str]) -> None:
    """Wait; a process that ends first, or a long time, is a failure."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        ended = popen.poll() is not None
        assert condition() or not (ended or time.monotonic() > deadline), why()
        time.sleep(0.01)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A directory with everything that a test's own is copied from, and the environment."""
    home = tmp_path_factory.mktemp("boxes")
    site = tmp_path_factory.mktemp("site")
    information = site / "boxes-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: boxes\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[karbor.protections]\nbox = boxes:BoxPlugin\nbox-bank = boxes:BoxBank\n"
    )
    shutil.copy(BOXES, site)
    (home / "providers.d").mkdir()
    (home / "providers.d" / "boxes.conf").write_text(PROVIDER)
    (home / "plan.yaml").write_text(PLAN)
    (home / "resources.yaml").write_text(GRAPH)
    known = ("EMBANK_", "OS_", "NO_COLOR", "FORCE_COLOR", "CI", "LINES", "COLUMNS")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(known)}
    environment |= {"PYTHONPATH": str(site), "TERM": "xterm-256color"}
    command = ["compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "boxes.yaml"]
    assert forked.embank(home, *command, PYTHONPATH=str(site)).returncode == 0
    return home, environment


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    terminal.close()


@pytest.fixture
def world(compiled: tuple[Path, dict[str, str]], tmp_path: Path) -> Iterator[World]:
    source, environment = compiled
    home = tmp_path / "here"
    shutil.copytree(source, home)
    world = World(home, environment)
    yield world
    world.kill_all()
