"""`embank` in processes that need not import it first: each is forked from one that has, by multiprocessing.

Two thirds of a short command are imports, and the tests run hundreds of commands. What differs from a process that a
shell starts is Python's own end: functions registered with `atexit` are not called, and no thread is waited for.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from multiprocessing import forkserver
from pathlib import Path

from embank.cli.main import main
from kit.permissions import without_override

OWN = ("EMBANK_", "OS_")  # variables that are not to reach it from outside
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["kit.imported"])
_lock = threading.Lock()  # multiprocessing looks after all children whenever one is started, in whichever thread


class Running:
    """A process of `embank`, which has begun."""

    def __init__(
        self, place: Path, arguments: tuple[str, ...], environment: Mapping[str, str], stdin: str = ""
    ) -> None:
        self.arguments = arguments
        self._said = Path(tempfile.mkdtemp(prefix="embank-said-"))
        (self._said / "in").write_text(stdin)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(OWN)}
        with _lock:
            _ensure_running()
            self._process = _forks.Process(
                target=_embank, args=(place, arguments, {**kept, **environment}, self._said)
            )
            self._process.start()

    def wait(self, patience: float = 300) -> subprocess.CompletedProcess[str]:
        """Until its end, at which it has to come."""
        deadline = time.monotonic() + patience
        while (code := self._exit_code()) is None:
            if time.monotonic() > deadline:
                self._process.kill()
                raise AssertionError(f"embank {' '.join(self.arguments)} does not end: {self._output()}")
            time.sleep(0.005)
        return subprocess.CompletedProcess(["embank", *self.arguments], code, *self._output())

    def _exit_code(self) -> int | None:
        with _lock:
            return self._process.exitcode

    def _output(self) -> tuple[str, str]:
        out, err = ((self._said / name).read_text() for name in ("out", "err"))
        shutil.rmtree(self._said)
        return out, err


def embank(
    place: Path, *arguments: str | Path, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run it in a directory to its end."""
    return Running(place, tuple(map(str, arguments)), environment, stdin).wait()


def _ensure_running() -> None:
    """Start the server of the forks; before Python 3.14 it does not take over our path, and would import nothing."""
    path = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    try:
        forkserver.ensure_running()
    finally:
        if path is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = path


def _embank(place: Path, arguments: tuple[str, ...], environment: Mapping[str, str], said: Path) -> None:
    """What the entry point does, in a process as a shell would start it; root has no more rights than others."""
    os.chdir(place)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    for number, name in enumerate(("in", "out", "err")):
        os.dup2(os.open(said / name, os.O_RDWR | os.O_CREAT), number)
    sys.stdin = os.fdopen(0, closefd=False)  # multiprocessing has put another in its place
    sys.argv = ["embank", *arguments]
    without_override()
    sys.exit(main())
