"""A real Mistral of the tests' own: engine, executor and API in one process, with sqlite, on a port of the loopback.

`start_mistral()` gives a running `Server`, `start_oracle()` Mistral's parser alone; tests/mistral/conftest.py has
them as the session fixtures `mistral` and `oracle`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
PYTHON = HERE.parents[1] / ".venv-mistral" / "bin" / "python"
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


class Server:
    """A Mistral. `url` is what clients want; executors read provider files from `providers`, again when they change.

    `log` has what all of its parts say, across restarts. With an `account` it wants to be asked with tokens.
    """

    def __init__(self, home: Path, account: Account | None = None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.home = home
        self.url = f"http://127.0.0.1:{port}/v2"
        self.log = home / "log"
        self.providers = home / "providers.d"
        self.providers.mkdir()
        self.configuration = home / "mistral.conf"
        text = CONFIGURATION.format(home=home, port=port, authenticates=account is not None)
        self.configuration.write_text(text + (KEYSTONE.format(account=account) if account else ""))
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running process, or the last one."""
        assert self._process is not None
        return self._process.pid

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start it, and return when an action has really run. `environment` is added to that of its executors."""
        variables = {"EMBANK_PROVIDER_CONFIG_DIR": str(self.providers), "PYTHONUNBUFFERED": "1"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [PYTHON, HERE / "mistral_server.py", self.configuration, str(os.getpid())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home,
                env={**os.environ, **variables, **(environment or {})},
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while not self._runs_actions(deadline):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                pytest.fail(f"Mistral did not start:\n{self.last_lines(20)}", pytrace=False)
            time.sleep(0.05)

    def stop(self, *, kill: bool = False) -> None:
        """End it. `kill`: without any warning, as a machine that loses power."""
        if self._process and self._process.poll() is None:
            self._process.kill() if kill else self._process.terminate()
            self._process.wait()

    def restart(self, environment: Mapping[str, str] | None = None, *, kill: bool = False) -> None:
        """Stop and start it. It keeps its database and its port; actions that ran are lost."""
        self.stop(kill=kill)
        self.start(environment)

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Talk to the API without a client library: `request("GET", "/executions")`. JSON in and out."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if self._account:
            headers["X-Auth-Token"] = self._account.token()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers, method=method)) as answer:
            return json.loads(answer.read() or b"null")

    def upload(self, text: str, namespace: str = "") -> Any:
        """Create the workflows of a file, without Mistral's validation. What the API says of each."""
        url = f"{self.url}/workflows?namespace={namespace}&skip_validation"
        asked = urllib.request.Request(url, text.encode(), {"Content-Type": "text/plain"}, method="POST")
        with urllib.request.urlopen(asked) as answer:
            return json.loads(answer.read())["workflows"]

    def last_lines(self, count: int) -> str:
        """Of the log."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 200 * count))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-count:])

    def _runs_actions(self, deadline: float) -> bool:
        """Whether executors do what the API is asked for; the API answers earlier than they listen."""
        try:
            action = {"name": "std.echo", "input": json.dumps({"output": "up"}), "params": '{"save_result": true}'}
            path = f"/action_executions/{self.request('POST', '/action_executions', action)['id']}"
            while self.request("GET", path)["state"] == "RUNNING" and time.monotonic() < deadline:
                time.sleep(0.02)
            return bool(self.request("GET", path)["state"] == "SUCCESS")
        except (urllib.error.URLError, ConnectionError, KeyError):
            return False


class Oracle:
    """Mistral's parser, in a process that stays: `ask(text)` what it makes of a workflow file (mistral_oracle.py)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, text: str) -> Any:
        """{"refused": reason}, or {"workflows": {name: {"vars": values, "tasks": {name: input}}}}."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@contextlib.contextmanager
def start_oracle() -> Iterator[Oracle]:
    """The parser, until the end of the block. Fails in one line when Mistral is not installed."""
    _need_mistral()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    # Its end of stdin is its end; it also ends when this process is killed.
    with subprocess.Popen([PYTHON, HERE / "mistral_oracle.py"], text=True, **pipes) as process:
        yield Oracle(process)


@contextlib.contextmanager
def start_mistral(account: Account | None = None) -> Iterator[Server]:
    """A running server, and nothing left of it afterwards. Fails in one line when Mistral is not installed."""
    _need_mistral()
    home = Path(tempfile.mkdtemp(prefix="embank-mistral-"))
    server = Server(home, account)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home)


def _need_mistral() -> None:
    if not PYTHON.exists():
        pytest.fail("there is no Mistral: run `make services`", pytrace=False)
