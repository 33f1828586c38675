"""A RabbitMQ broker of the tests' own: Debian's package, everything in a directory, ports of the loopback.

`start_rabbitmq()` gives a running `Broker`; `url` is what oslo.messaging wants.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.accounts import not_root
from kit.ports import free_port

PROGRAMS = Path("/usr/lib/rabbitmq/bin")
PATIENCE = 120  # s


class Broker:
    """A running broker, with a port mapper of its own that ends with it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port, distribution, mapper = free_port(), free_port(), free_port()
        self.url = f"rabbit://guest:guest@127.0.0.1:{self.port}/"
        (home / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port}\n")
        (home / "enabled_plugins").write_text("[].\n")
        for name in ("mnesia", "log"):
            (home / name).mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "RABBITMQ_NODENAME": f"embank{self.port}@localhost",
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(mapper),
        }
        self._account = not_root("rabbitmq")
        if self._account:
            for path in (home, *home.iterdir()):
                shutil.chown(path, "rabbitmq", "rabbitmq")
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start it, and do not wait. It ends with the thread that calls this, whatever becomes of that."""
        with (self.home / "out").open("wb") as out:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", PROGRAMS / "rabbitmq-server"],
                env=self.environment, cwd=self.home, stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True, **self._account,
            )  # fmt: skip

    def wait(self) -> None:
        """Until it answers."""
        assert self._process is not None
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.1)
        pytest.fail(f"RabbitMQ did not start:\n{(self.home / 'out').read_text()[-2000:]}", pytrace=False)

    def stop(self) -> None:
        if self._process is None:
            return
        self._control(PROGRAMS / "rabbitmqctl", "-q", "stop")
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._control("epmd", "-kill")  # it refuses while it knows of a node

    def _control(self, *command: object) -> None:
        subprocess.run(
            list(map(str, command)), env=self.environment, cwd=self.home, capture_output=True, check=False,
            timeout=60, **self._account,
        )  # fmt: skip


@contextlib.contextmanager
def start_rabbitmq(*, wait: bool = True) -> Iterator[Broker]:
    """A broker that runs, or soon will, and nothing left of it afterwards. Fails in one line when RabbitMQ is not
    installed.
    """
    if not (PROGRAMS / "rabbitmq-server").exists():
        pytest.fail("RabbitMQ is not installed: run `make services` (apt-get install rabbitmq-server)", pytrace=False)
    home = Path(tempfile.mkdtemp(prefix="embank-mq-"))
    broker = Broker(home)
    try:
        broker.launch()
        if wait:
            broker.wait()
        yield broker
    finally:
        broker.stop()
        shutil.rmtree(home)
