"""A Mistral of the tests' own: engine, executor and API in one process, with sqlite, on a port of the loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from kit.mistral.api import Api
from kit.mistral.environment import PROGRAMS, PYTHON, need_mistral
from kit.ports import free_port

PATIENCE = 120  # seconds; it takes three on an idle machine
# Mistral's own defaults, but for what one process, no Keystone and impatient tests need.
CONFIGURATION = """\
[DEFAULT]
transport_url = fake://
[database]
connection = sqlite:///{home}/mistral.sqlite
sqlite_synchronous = false
[pecan]
auth_enable = {authenticates}
[api]
host = 127.0.0.1
port = {port}
# the default costs 100 ms and more for every task of a workflow; clients can then ask for no validation
validation_mode = enabled
"""
# Its own account; the service creates trusts with it. Timeouts tell it that an executor is gone (docs/mistral.md).
KEYSTONE = """\
[action_heartbeat]
check_interval = 0
[keystone_authtoken]
www_authenticate_uri = {account.auth_url}
auth_url = {account.auth_url}
auth_type = password
username = {account.user}
password = {account.password}
project_name = {account.project}
user_domain_name = Default
project_domain_name = Default
"""


@dataclass(frozen=True)
class Account:
    """Mistral's account at a Keystone, and tokens for those who ask it (`Server.request`)."""

    auth_url: str
    user: str
    password: str
    project: str
    token: Callable[[], str]


class Server(Api):
    """A Mistral. Executors read provider files from `providers`, again when they change.

    `log` has what all of its parts say, across restarts. With an `account` it wants to be asked with tokens.
    `environment` is added to that of its executors.
    """

    def __init__(self, home: Path, account: Account | None = None, environment: Mapping[str, str] = {}) -> None:
        port = free_port()
        super().__init__(f"http://127.0.0.1:{port}/v2", account.token if account else None)
        self.home = home
        self.log = home / "log"
        self.providers = home / "providers.d"
        self.providers.mkdir()
        self.configuration = home / "mistral.conf"
        text = CONFIGURATION.format(home=home, port=port, authenticates=account is not None)
        self.configuration.write_text(text + (KEYSTONE.format(account=account) if account else ""))
        own = {"EMBANK_PROVIDER_CONFIG_DIR": str(self.providers), "PYTHONUNBUFFERED": "1"}
        self._environment = {**os.environ, **own, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running process, or the last one."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and return when an action has really run."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [PYTHON, PROGRAMS / "mistral_server.py", self.configuration, str(os.getpid())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home, env=self._environment,
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while not self.runs_actions():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                pytest.fail(f"Mistral did not start:\n{self.last_lines(20)}", pytrace=False)
            time.sleep(0.05)

    def stop(self, *, kill: bool = False) -> None:
        """End it. `kill`: without any warning, as a machine that loses power."""
        if self._process and self._process.poll() is None:
            self._process.kill() if kill else self._process.terminate()
            self._process.wait()

    def restart(self, *, kill: bool = False) -> None:
        """Stop and start it. It keeps its database and its port; actions that ran are lost."""
        self.stop(kill=kill)
        self.start()

    def last_lines(self, count: int) -> str:
        """Of the log."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 200 * count))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-count:])


@contextlib.contextmanager
def start_mistral(account: Account | None = None, environment: Mapping[str, str] = {}) -> Iterator[Server]:
    """A running server, and nothing left of it afterwards. Fails in one line when Mistral is not installed."""
    need_mistral()
    home = Path(tempfile.mkdtemp(prefix="embank-mistral-"))
    server = Server(home, account, environment)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home)
