"""A Mistral as sites have it: one engine, an API, executors; RabbitMQ between them, PostgreSQL below.

`start_cluster()` gives a running `Cluster`; its executors can be killed and started one by one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.mistral.api import Api
from kit.mistral.environment import PYTHON, need_mistral
from kit.ports import free_port
from kit.postgresql import start_postgresql
from kit.rabbitmq import start_rabbitmq

PATIENCE = 180  # s
MANAGE = "mistral.db.sqlalchemy.migration.cli"
SERVER = "mistral.cmd.launch"
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


class Cluster(Api):
    """A running Mistral. Executors read provider files from `providers`."""

    def __init__(self, home: Path, broker: str, database: str) -> None:
        port = free_port()
        super().__init__(f"http://127.0.0.1:{port}/v2")
        self.home = home
        self.providers = home / "providers.d"
        self.providers.mkdir()
        self.configuration = home / "mistral.conf"
        self.configuration.write_text(CONFIGURATION.format(broker=broker, database=database, port=port))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def create(self) -> None:
        """Its tables."""
        for command in (["upgrade", "head"], ["populate"]):
            done = subprocess.run(
                [PYTHON, "-m", MANAGE, "--config-file", self.configuration, *command],
                capture_output=True, text=True, check=False, cwd=self.home,
            )  # fmt: skip
            assert not done.returncode, done.stderr[-2000:]

    def start(self, executors: int = 2) -> None:
        for name in ("engine", "api", *(f"executor-{number}" for number in range(1, executors + 1))):
            self.launch(name)
        deadline = time.monotonic() + PATIENCE
        while not self.runs_actions():
            if time.monotonic() > deadline:
                pytest.fail(f"Mistral did not start:\n{self.last_lines('engine')}", pytrace=False)
            time.sleep(0.2)

    def launch(self, name: str) -> None:
        """Start a process: "engine", "api", "executor-1", …"""
        environment = {**os.environ, "EMBANK_PROVIDER_CONFIG_DIR": str(self.providers)}
        part = name.partition("-")[0]
        with (self.home / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [PYTHON, "-m", SERVER, "--config-file", self.configuration, "--server", part],
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

    def last_lines(self, name: str, count: int = 30) -> str:
        return "\n".join((self.home / f"{name}.log").read_text(errors="replace").splitlines()[-count:])


@contextlib.contextmanager
def start_cluster() -> Iterator[Cluster]:
    """A running cluster with two executors, and nothing left of it afterwards."""
    need_mistral()
    with start_rabbitmq(wait=False) as broker, start_postgresql() as database:
        database.sql("CREATE ROLE mistral LOGIN PASSWORD 'mistral'")
        database.sql("CREATE DATABASE mistral OWNER mistral")
        home = Path(tempfile.mkdtemp(prefix="embank-cluster-"))
        cluster = Cluster(home, broker.url, f"mistral:mistral@127.0.0.1:{database.port}/mistral")
        try:
            cluster.create()
            broker.wait()
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
            shutil.rmtree(home)
