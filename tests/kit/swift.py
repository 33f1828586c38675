"""A Swift of the tests' own, without Keystone and without a cloud: `start_swift()` gives a running `Swift`.

It takes seconds, and has both of Swift's doors: its own (accounts of tempauth) and S3's (s3api).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.openstack.environment import ENVIRONMENT, PROGRAMS
from kit.ports import free_port

PATIENCE = 60  # s; it takes three on an idle machine


class Swift:
    """`auth_url`, `user` and `key` are for Swift's own clients, `s3_url`, `user` and `key` for those of S3."""

    user, key = "test:tester", "testing"  # as in swift_server.py
    reader, reader_key = "test:reader", "reading"  # may do nothing
    max_file_size = 20 << 20

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.home = home
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def auth_url(self) -> str:
        return f"{self.url}/auth/v1.0"

    @property
    def pid(self) -> int:
        """Of the running process, or the last one."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and return when it answers. It keeps its port and what it has stored."""
        arguments = [str(PROGRAMS / "swift_server.py"), str(self.home), str(self.port), str(os.getpid())]
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [ENVIRONMENT / "bin" / "python", "-W", "ignore", *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home,
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                pytest.fail(f"Swift did not start:\n{(self.home / 'log').read_text()[-2000:]}", pytrace=False)
            time.sleep(0.05)

    def stop(self) -> None:
        """At once; requests under way get no answer."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def wait(self) -> None:
        """Until it has ended, for whatever reason."""
        assert self._process is not None
        self._process.wait()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthcheck", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


@contextlib.contextmanager
def start_swift() -> Iterator[Swift]:
    """A running one, and nothing left of it afterwards. Fails in one line when Swift is not installed."""
    if not (ENVIRONMENT / "bin" / "swift-proxy-server").exists():
        pytest.fail("there is no Swift: run `make services`", pytrace=False)
    home = Path(tempfile.mkdtemp(prefix="embank-swift-"))
    swift = Swift(home)
    try:
        swift.start()
        yield swift
    finally:
        swift.stop()
        shutil.rmtree(home, ignore_errors=True)
