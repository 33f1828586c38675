"""The processes of the tests' OpenStack: how they are started and stopped, and nothing else."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kit.openstack.site import Site

PATIENCE = 180  # s
END = 20  # s, until a program that was asked to end is killed
LAST = 15  # lines of a log, when a program did not start


class NotStarted(Exception):
    """A program ended or did not answer; the message has the end of its log."""


@dataclass(frozen=True)
class Program:
    """A process. `url` answers when it is up, with whatever; without one it is up when the cloud says so."""

    command: tuple[object, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    url: str = ""


class Processes:
    """Those that were started here, by name. Each has a session of its own, and ends with this process."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.logs = site.home / "log"
        self.logs.mkdir(exist_ok=True)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("OS_", "EMBANK_"))},
            "PATH": os.pathsep.join([str(site.home / "bin"), str(site.environment / "bin"), os.environ["PATH"]]),
            "PYTHONUNBUFFERED": "1",
            "LC_ALL": "C.UTF-8",
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def launch(self, name: str, program: Program) -> None:
        """Start it, and do not wait."""
        with (self.logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *map(str, program.command)],
                env={**self.environment, **program.environment}, cwd=self.site.home, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def wait(self, name: str, program: Program) -> None:
        """Until it answers. Raises NotStarted."""
        deadline = time.monotonic() + PATIENCE
        while not _answers(program.url):
            self.check(name)
            if time.monotonic() > deadline:
                raise NotStarted(f"{name} does not answer:\n{self.last_lines(name)}")
            time.sleep(0.1)

    def check(self, *names: str) -> None:
        """Raises NotStarted when one of them, or any, has ended."""
        for name in names or self.running:
            if self.running[name].poll() is not None:
                raise NotStarted(f"{name} ended:\n{self.last_lines(name)}")

    def end(self, *names: str, kill: bool = False) -> None:
        """Stop them with all their children, at the same time. `kill`: as a machine that loses power."""
        ending = {name: self.running.pop(name) for name in names if name in self.running}
        for process in ending.values():
            _signal(process, signal.SIGKILL if kill else signal.SIGTERM)
        deadline = time.monotonic() + END
        for process in ending.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0, deadline - time.monotonic()))
            _signal(process, signal.SIGKILL)  # what is left of its group, too
            process.wait()

    def run(self, *command: object, text: str = "") -> None:
        """A program that ends by itself, such as a migration. Raises NotStarted when it fails."""
        words = list(map(str, command))
        done = subprocess.run(
            words, env=self.environment, cwd=self.site.home, input=text, capture_output=True, text=True, check=False
        )
        if done.returncode:
            output = "\n".join((done.stdout + done.stderr).splitlines()[-LAST:])
            raise NotStarted(f"{Path(words[0]).name} failed:\n{output}")

    def last_lines(self, name: str) -> str:
        """Of its log."""
        return "\n".join((self.logs / f"{name}.log").read_text(errors="replace").splitlines()[-LAST:])


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError as error:
        error.close()
    except OSError:
        return False
    return True
