"""A Mistral as sites have it: one engine, an API, executors; RabbitMQ between them, PostgreSQL below.

`start_cluster()` gives a running `Cluster`; its executors can be killed and started one by one.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
BIN = HERE.parents[1] / ".venv-mistral" / "bin"
PATIENCE = 180  # s
CONFIGURATION = """\
[DEFAULT]
transport_url = {broker}
rpc_response_timeout = 60
[database]
connection = postgresql+psycopg2://{database}
[pecan]
auth_enable = false
[api]
host = 127.0.0.1
port = {port}
validation_mode = enabled
[cron_trigger]
enabled = false
[action_heartbeat]
# an executor that is gone is noticed within seconds
check_interval = 2
max_missed_heartbeats = 3
first_heartbeat_timeout = 20
"""


class Cluster:
    """A running Mistral. Executors read provider files from `providers`."""

    def __init__(self, home: Path, broker: str, database: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.home = home
        self.url = f"http://127.0.0.1:{port}/v2"
        self.providers = home / "providers.d"
        self.providers.mkdir()
        self.configuration = home / "mistral.conf"
        self.configuration.write_text(CONFIGURATION.format(broker=broker, database=database, port=port))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, executors: int = 2) -> None:
        for command in (["upgrade", "head"], ["populate"]):
            done = subprocess.run(
                [BIN / "mistral-db-manage", "--config-file", self.configuration, *command],
                capture_output=True, text=True, check=False, cwd=self.home,
            )  # fmt: skip
            assert not done.returncode, done.stderr[-2000:]
        for name in ("engine", "api", *(f"executor-{number}" for number in range(1, executors + 1))):
            self.launch(name)
        deadline = time.monotonic() + PATIENCE
        while not self._runs_actions():
            if time.monotonic() > deadline:
                pytest.fail(f"Mistral did not start:\n{self.last_lines('engine')}", pytrace=False)
            time.sleep(0.2)

    def launch(self, name: str) -> None:
        """Start a process: "engine", "api", "executor-1", …"""
        environment = {**os.environ, "EMBANK_PROVIDER_CONFIG_DIR": str(self.providers)}
        part = name.partition("-")[0]
        with (self.home / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [BIN / "mistral-server", "--config-file", self.configuration, "--server", part],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home, env=environment,
                start_new_session=True,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        """Without any warning, with all its children, as a machine that loses power."""
        os.killpg(self.processes[name].pid, 9)
        self.processes[name].wait()

    def stop(self) -> None:
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)  # they have no state of their own, and take their time to end
            process.wait()

    def request(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers, method=method)) as answer:
            return json.loads(answer.read() or b"null")

    def last_lines(self, name: str, count: int = 30) -> str:
        return "\n".join((self.home / f"{name}.log").read_text(errors="replace").splitlines()[-count:])

    def _runs_actions(self) -> bool:
        try:
            action = {"name": "std.echo", "input": '{"output": "up"}', "params": '{"save_result": true}'}
            path = f"/action_executions/{self.request('POST', '/action_executions', action)['id']}"
            deadline = time.monotonic() + 10
            while (state := self.request("GET", path)["state"]) == "RUNNING" and time.monotonic() < deadline:
                time.sleep(0.05)
            return bool(state == "SUCCESS")
        except (urllib.error.URLError, ConnectionError, KeyError):
            return False


@contextlib.contextmanager
def start_cluster() -> Iterator[Cluster]:
    """A running cluster with two executors, and nothing left of it afterwards."""
    if not BIN.exists():
        pytest.fail("there is no Mistral: run `make services`", pytrace=False)
    rabbitmq = runpy.run_path(str(HERE / "rabbitmq.py"))
    postgresql = runpy.run_path(str(HERE / "postgresql.py"))
    with rabbitmq["start_rabbitmq"]() as broker, postgresql["start_postgresql"]() as database:
        database.sql("CREATE ROLE mistral LOGIN PASSWORD 'mistral'")
        database.sql("CREATE DATABASE mistral OWNER mistral")
        home = Path(tempfile.mkdtemp(prefix="embank-cluster-"))
        cluster = Cluster(home, broker.url, f"mistral:mistral@127.0.0.1:{database.port}/mistral")
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
            shutil.rmtree(home)
