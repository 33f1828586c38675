"""The processes of the tests' OpenStack: what runs, and how it is started and stopped.

`programs(site)` is the table, by name; `Processes` starts and stops them, and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit.rabbitmq import start_rabbitmq  # noqa: F401  # run_path

HERE = Path(__file__).resolve().parent
PATIENCE = 180  # s
END = 20  # s, until a program that was asked to end is killed
LAST = 15  # lines of a log, when a program did not start

Site = Any


class NotStarted(Exception):
    """A program ended or did not answer; the message has the end of its log."""


@dataclass(frozen=True)
class Program:
    """A process. `url` answers when it is up, with whatever; without one it is up when the cloud says so."""

    command: tuple[object, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    url: str = ""


def programs(site: Site) -> dict[str, Program]:
    """All but MariaDB and RabbitMQ, in the order in which they are started."""
    run = site.environment / "bin"
    cinder = ("--config-file", site.home / "cinder" / "cinder.conf")
    nova = ("--config-file", site.home / "nova" / "nova.conf")

    def api(name: str, module: str, *arguments: object, **environment: object) -> Program:
        command = (run / "python", HERE / "openstack_wsgi.py", name, site.ports[name], module, *arguments)
        url = f"http://127.0.0.1:{site.ports[name]}/"
        return Program(command, {key: str(value) for key, value in environment.items()}, url)

    swift = (run / "python", HERE / "swift_server.py", site.home / "swift", site.ports["swift-proxy"], os.getpid())
    return {
        "keystone": api(
            "keystone", "keystone.wsgi.api", OS_KEYSTONE_CONFIG_FILES=site.home / "keystone" / "keystone.conf"
        ),
        "swift-proxy": Program(swift, url=f"http://127.0.0.1:{site.ports['swift-proxy']}/healthcheck"),
        "glance": api(
            "glance",
            "glance.wsgi.api",
            OS_GLANCE_CONFIG_FILES=site.home / "glance" / "glance-api.conf",
            OS_GLANCE_CONFIG_DIR=site.home / "glance",
        ),
        "placement": api("placement", "placement.wsgi.api", OS_PLACEMENT_CONFIG_DIR=site.home / "placement"),
        "neutron": api(
            "neutron",
            "neutron.wsgi.api",
            OS_NEUTRON_CONFIG_DIR=site.home / "neutron",
            OS_NEUTRON_CONFIG_FILES="neutron.conf",
            PYTHONPATH=site.home / "site",
        ),
        "cinder-api": api("cinder-api", "cinder.wsgi.api", *cinder),
        "nova-api": api(
            "nova-api",
            "nova.wsgi.osapi_compute",
            OS_NOVA_CONFIG_DIR=site.home / "nova",
            OS_NOVA_CONFIG_FILES=f"{site.environment}/etc/nova/api-paste.ini;nova.conf",
        ),
        "cinder-scheduler": Program((run / "cinder-scheduler", *cinder)),
        "cinder-volume": Program((run / "cinder-volume", *cinder)),
        "cinder-backup": Program((run / "cinder-backup", *cinder)),
        "nova-conductor": Program((run / "nova-conductor", *nova)),
        "nova-scheduler": Program((run / "nova-scheduler", *nova)),
        "nova-compute": Program(
            (run / "python", HERE / "openstack_compute.py", *nova), {"EMBANK_VOLUMES": str(site.volumes)}
        ),
    }


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


@contextlib.contextmanager
def start_database(processes: Processes) -> Iterator[None]:
    """MariaDB, with the data that are in the directory or new ones, until the end of the block."""
    data = processes.site.home / "mysql"
    account = () if os.geteuid() else ("--user=root",)
    if not data.exists():
        processes.run(
            "mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
            "--skip-test-db", *account,
        )  # fmt: skip
    processes.launch(
        "mariadb",
        Program(
            (
                "mariadbd", "--no-defaults", *account, f"--datadir={data}", f"--socket={processes.site.socket}",
                "--skip-networking", "--max-connections=500", "--character-set-server=utf8mb4", "--skip-log-bin",
                "--performance-schema=off", "--innodb-log-file-size=16M", "--innodb-buffer-pool-size=128M",
                "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-flush-method=nosync",
            )
        ),
    )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                sql(processes, "SELECT 1")
                break
            except NotStarted:
                processes.check("mariadb")
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.1)
        yield
    finally:
        processes.end("mariadb")


def sql(processes: Processes, script: str) -> None:
    """Run SQL as root."""
    processes.run("mariadb", "--no-defaults", f"--socket={processes.site.socket}", "--user=root", text=script)
