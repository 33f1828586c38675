"""The real OpenStack that tests use: `shared_cloud(directory)`, one for all processes of a run of tests."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from kit.openstack.accounts import log_in
from kit.openstack.environment import ROOT
from kit.openstack.site import REGION

END = 120  # s; the cloud takes some to end
LAST = 2000  # characters of what its process says


class CloudFailed(Exception):
    """It was not started, or did not do what was asked for. The message says why."""


class Cloud:
    """A cloud that runs already, with an administrator of the same name and password. Not ours to stop."""

    region = REGION
    goes = False  # with all that is in it, so that nobody has to clear up

    def __init__(self, auth_url: str) -> None:
        self.auth_url = auth_url

    @cached_property
    def admin(self) -> Any:
        """A connection as the administrator."""
        return log_in(self.auth_url, self.region)

    def stop(self, *names: str) -> None:
        """Ask services, by their names in programs.py, to end, and wait for that."""
        self._ask("stop", *names)

    def kill(self, *names: str) -> None:
        """The same without any warning, as a machine that loses power."""
        self._ask("kill", *names)

    def start(self, *names: str) -> None:
        """Start what does not run, and wait until it does its work."""
        self._ask("start", *names)

    def sql(self, script: str) -> None:
        """Change what is in the databases, as the services would with many more requests."""
        self._ask("sql", script)

    def errors(self) -> list[str]:
        """The errors in its logs since this was last asked. They are elsewhere."""
        return []

    def _ask(self, do: str, *arguments: str) -> None:
        pytest.skip("a cloud that runs already is left alone")


class OwnCloud(Cloud):
    """One of the tests' own, which is in a process of its own (host.py)."""

    goes = True

    def __init__(self, where: dict[str, str]) -> None:
        super().__init__(where["auth_url"])
        self._logs = Path(where["logs"])
        self._read: dict[Path, int] = {}
        self._door = socket.socket(socket.AF_UNIX)
        self._door.connect(where["door"])
        self._answers = self._door.makefile("rb")

    def leave(self) -> None:
        """It ends with the last one who leaves, who waits for that."""
        self._door.shutdown(socket.SHUT_WR)
        self._door.settimeout(END)
        self._answers.read()
        self._answers.close()
        self._door.close()

    def errors(self) -> list[str]:
        """Those of all tests that run at the same time."""
        found = []
        for log in sorted(self._logs.glob("*.log")):
            with log.open("rb") as file:
                file.seek(self._read.get(log, 0))
                lines = file.read().decode(errors="replace").splitlines()
                self._read[log] = file.tell()
            found += [f"{log.stem}: {line}" for line in lines if " ERROR " in line]
        return found

    def _ask(self, do: str, *arguments: str) -> None:
        self._door.sendall(json.dumps({"do": do, "with": arguments}).encode() + b"\n")
        if error := json.loads(self._answers.readline())["error"]:
            raise CloudFailed(error)


@contextlib.contextmanager
def shared_cloud(directory: Path) -> Iterator[OwnCloud]:
    """That of all processes which name this directory. The first one starts it; it ends with the last, however that
    ends. Raises CloudFailed.
    """
    with (directory / "cloud.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            cloud = _join(directory)
        except OSError:  # not there yet, or not any more
            _launch(directory)
            cloud = _join(directory)
    try:
        yield cloud
    finally:
        cloud.leave()


def _join(directory: Path) -> OwnCloud:
    where = json.loads((directory / "cloud.json").read_text())
    if error := where.get("error"):
        raise CloudFailed(error)
    return OwnCloud(where)


def _launch(directory: Path) -> None:
    """Start it, and write down where it is, or why it is not."""
    paths = [str(ROOT / "tests"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    with (directory / "cloud.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "kit.openstack.host"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True,
        )  # fmt: skip
    assert process.stdout is not None
    with process.stdout as said:
        line = said.readline().decode()
    end = (directory / "cloud.log").read_text(errors="replace")[-LAST:]
    (directory / "cloud.json").write_text(line or json.dumps({"error": f"the cloud's process ended:\n{end}"}))
