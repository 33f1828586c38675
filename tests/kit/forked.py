"""`embank` in processes that need not import it first: each is forked from one that has, by multiprocessing.

Two thirds of a short command are imports, and the tests with services run hundreds of commands.
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
from pathlib import Path

from embank.cli.main import main

OWN = ("EMBANK_", "OS_")  # variables that are not to reach it from outside
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["kit.imported"])
_lock = threading.Lock()  # multiprocessing looks after all children whenever one is started, in whichever thread


class Running:
    """A process of `embank`, which has begun."""

    def __init__(self, place: Path, arguments: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self.arguments = arguments
        self._said = Path(tempfile.mkdtemp(prefix="embank-said-"))
        kept = {key: value for key, value in os.environ.items() if not key.startswith(OWN)}
        with _lock:
            self._process = _forks.Process(
                target=_embank, args=(place, arguments, {**kept, **environment}, self._said), daemon=True
            )
            self._process.start()

    def wait(self, patience: float = 300) -> subprocess.CompletedProcess[str]:
        """Until its end, at which it has to come."""
        deadline = time.monotonic() + patience
        while (code := self._exit_code()) is None:
            if time.monotonic() > deadline:
                self._process.kill()
                raise AssertionError(f"embank {' '.join(self.arguments)} does not end: {self._output()}")
            time.sleep(0.02)
        return subprocess.CompletedProcess(["embank", *self.arguments], code, *self._output())

    def _exit_code(self) -> int | None:
        with _lock:
            return self._process.exitcode

    def _output(self) -> tuple[str, str]:
        out, err = ((self._said / name).read_text() for name in ("out", "err"))
        shutil.rmtree(self._said)
        return out, err


def embank(place: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it in a directory to its end."""
    return Running(place, arguments, environment).wait()


def _embank(place: Path, arguments: tuple[str, ...], environment: Mapping[str, str], said: Path) -> None:
    """What the entry point does, in a process as a shell would start it."""
    os.chdir(place)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    for number, file in enumerate((Path(os.devnull), said / "out", said / "err")):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
    sys.argv = ["embank", *arguments]
    sys.exit(main())
