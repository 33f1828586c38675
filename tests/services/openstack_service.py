"""A real OpenStack of the tests' own, on ports of the loopback: `start_openstack()` gives running `Services`.

What it has before its first start takes minutes to make. It is kept beside the environment, and copied for each run.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import hashlib
import os
import random
import runpy
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from keystoneauth1.exceptions import ClientException
from openstack.exceptions import SDKException

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE.parents[1] / ".venv-openstack"
NEEDED = ("mariadbd", "mariadb-install-db", "mariadb", "qemu-img", "setpriv")
# What the saved state depends on.
MAKES_STATE = ("openstack-requirements.txt", "openstack_configuration.py", "openstack_accounts.py")
KEPT = ("mysql", "keystone/fernet", "keystone/credential")
DIRECTORIES = (
    "cinder/conversion", "cinder/mounts", "glance/images", "glance/staging", "glance/tasks", "log", "nova/instances"
)  # fmt: skip
BELOW_EPHEMERAL = range(20000, 32000)  # ports that the kernel gives to nobody

_configuration = runpy.run_path(str(HERE / "openstack_configuration.py"))
_processes = runpy.run_path(str(HERE / "openstack_processes.py"))
_accounts = runpy.run_path(str(HERE / "openstack_accounts.py"))
NotStarted = _processes["NotStarted"]
REGION = _configuration["REGION"]
AGENTS = {
    "block_storage": ("cinder-scheduler", "cinder-volume", "cinder-backup"),
    "compute": ("nova-conductor", "nova-scheduler", "nova-compute"),
}


class Unusable(Exception):
    """Something is missing here. The message is one line and says what to do."""


class Running:
    """A cloud that runs already, with an administrator of the same name and password. Not ours to stop."""

    region = REGION

    def __init__(self, auth_url: str) -> None:
        self.auth_url = auth_url
        self.admin = _accounts["log_in"](auth_url, REGION)

    def stop(self, *names: str) -> NoReturn:
        """Skips the test."""
        pytest.skip("a cloud that runs already is left alone")

    start = kill = sql = stop

    def errors(self) -> list[str]:
        """Its logs are elsewhere."""
        return []


class Services:
    """The running cloud. Names of services: see `programs` in openstack_processes.py."""

    region = REGION

    def __init__(self, site: Any, processes: Any) -> None:
        self.site = site
        self.logs: Path = processes.logs
        self.auth_url: str = site.url("keystone")
        self.admin = _accounts["log_in"](self.auth_url, REGION)
        self._processes = processes
        self._read: dict[Path, int] = {}
        self._programs = _processes["programs"](site)

    def start(self, *names: str, wait_for: Callable[[], None] = lambda: None) -> None:
        """Start these, or all, and wait until they do their work. Raises NotStarted.

        `wait_for`: what only the services without an API need.
        """
        begin = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        chosen = {name: self._programs[name] for name in names or self._programs}
        apis = {name: program for name, program in chosen.items() if program.url}
        for name, program in apis.items():
            self._processes.launch(name, program)
        for name, program in apis.items():
            self._processes.wait(name, program)
        wait_for()
        agents = [name for name in chosen if name not in apis]
        for name in agents:  # they ask the APIs
            self._processes.launch(name, chosen[name])
        deadline = time.monotonic() + _processes["PATIENCE"]
        while late := [name for name in agents if not self._works(name, begin)]:
            self._processes.check(*chosen)
            if time.monotonic() > deadline:
                raise NotStarted(f"{late[0]} does nothing:\n{self._processes.last_lines(late[0])}")
            time.sleep(0.3)

    def stop(self, *names: str) -> None:
        """Ask them to end, and wait for that."""
        self._processes.end(*names)

    def kill(self, *names: str) -> None:
        """Without any warning, as a machine that loses power."""
        self._processes.end(*names, kill=True)

    def sql(self, script: str) -> None:
        """Change what is in the databases, as the services would with many more requests."""
        _processes["sql"](self._processes, script)

    def errors(self) -> list[str]:
        """The errors in all logs since this was last asked."""
        found = []
        for log in sorted(self.logs.glob("*.log")):
            with log.open("rb") as file:
                file.seek(self._read.get(log, 0))
                lines = file.read().decode(errors="replace").splitlines()
                self._read[log] = file.tell()
            found += [f"{log.stem}: {line}" for line in lines if " ERROR " in line]
        return found

    def _works(self, name: str, begin: datetime.datetime) -> bool:
        """Whether it has said so since then."""
        with contextlib.suppress(SDKException):  # such as when Cinder's scheduler does not listen yet
            for service, agents in AGENTS.items():
                if name in agents:
                    found = [each for each in getattr(self.admin, service).services() if each.binary == name]
                    if not any(each.state == "up" and _time(each.updated_at) > begin for each in found):
                        return False
            if name == "cinder-volume":
                return any(True for _ in self.admin.block_storage.backend_pools())
            if name == "nova-compute":
                return any(True for _ in self.admin.compute.hypervisors())
            return True
        return False


def _time(text: str | None) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text) if text else datetime.datetime.min


@contextlib.contextmanager
def start_openstack() -> Iterator[Services]:
    """The cloud, and nothing left of it afterwards. Raises Unusable when it cannot be started here."""
    check_needs()
    saved = ENVIRONMENT / f"state-{digest()}"
    services = None
    with contextlib.ExitStack() as stack:
        if saved.exists():
            try:
                services = stack.enter_context(_started(saved))
            except (NotStarted, OSError, SDKException, ClientException) as error:
                say(f"the saved state is of no use ({str(error).splitlines()[0]})")
                shutil.rmtree(saved, ignore_errors=True)
        if services is None:
            make(saved)
            services = stack.enter_context(_started(saved))
        yield services


def make(saved: Path) -> None:
    """Make the saved state, unless another run of tests has done it meanwhile: they take turns."""
    with (ENVIRONMENT / "state.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if saved.exists():
            return
        for old in ENVIRONMENT.glob("state-*"):
            shutil.rmtree(old, ignore_errors=True)
        say("making the tests' OpenStack, which takes two minutes the first time")
        with _scratch() as home:
            prepare(home)
            keep(home, saved)


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A directory that goes afterwards, with a short path: sockets have at most 107 characters."""
    home = Path(tempfile.mkdtemp(prefix="embank-os-"))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def _started(saved: Path) -> Iterator[Services]:
    """All services, with a copy of the saved state."""
    with _scratch() as home, _processes["start_rabbitmq"](wait=False) as broker:
        for name in KEPT:
            shutil.copytree(saved / name, home / name)
        site = new_site(home, broker.url)
        write_files(site)
        processes = _processes["Processes"](site)
        with _processes["start_database"](processes):
            services = Services(site, processes)
            try:
                _processes["sql"](processes, _accounts["move_catalogue"](catalogue(site)))
                services.start(wait_for=broker.wait)
                yield services
            finally:
                services.kill(*processes.running.keys() - {"mariadb"})  # nothing of it is kept


def prepare(home: Path) -> None:
    """Make what the cloud has before its first start."""
    site = new_site(home, "rabbit://guest:guest@127.0.0.1:1/")
    write_files(site)
    processes = _processes["Processes"](site)
    with _processes["start_database"](processes):
        names = _configuration["DATABASES"]
        _processes["sql"](processes, "".join(f"CREATE DATABASE {name} CHARACTER SET utf8mb4;\n" for name in names))
        _accounts["create_schemas"](site, processes.run, REGION)
        services = Services(site, processes)
        try:
            services.start("keystone")
            _accounts["create_accounts"](services.admin, REGION, catalogue(site))
        finally:
            services.stop("keystone")


def keep(home: Path, saved: Path) -> None:
    """Save what `prepare` has made. A directory of that name is complete."""
    partial = saved.with_name(f"partial-{os.getpid()}")
    for name in KEPT:
        shutil.copytree(home / name, partial / name)
    partial.rename(saved)


def new_site(home: Path, broker: str) -> Any:
    """With ports that nobody uses."""
    names = list(_configuration["CATALOGUE"])
    ports: dict[str, int] = {}
    while len(ports) < len(names):
        port = random.choice(BELOW_EPHEMERAL)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            ports[names[len(ports)]] = port
    return _configuration["Site"](home, ENVIRONMENT, home / "mysql.sock", ports, broker)


def write_files(site: Any) -> None:
    """All configuration, and the directories that nobody makes."""
    for path, text in _configuration["files"](site).items():
        file = site.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if path.startswith("bin/"):
            file.chmod(0o755)
    for path in DIRECTORIES:
        (site.home / path).mkdir(parents=True)
    shutil.copy(HERE / "openstack_ports.py", site.home / "site")


def catalogue(site: Any) -> dict[str, tuple[str, str]]:
    """Name: type and URL of each service."""
    return {name: (kind, site.url(name)) for name, (kind, _) in _configuration["CATALOGUE"].items()}


def say(text: str) -> None:
    """To whoever waits for the tests."""
    sys.__stderr__.write(f"\n{text} …\n")


def check_needs() -> None:
    """Raises Unusable."""
    if not (ENVIRONMENT / ".ready").exists():
        raise Unusable("there is no OpenStack: run `make services`")
    if os.geteuid():
        raise Unusable(
            "the tests with OpenStack need root: Cinder does so much as root that it does not start without"
        )
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        packages = "mariadb-server-core mariadb-client-core qemu-utils rabbitmq-server util-linux"
        raise Unusable(f"the tests need {', '.join(missing)}: run `make services` (apt-get install {packages})")


def digest() -> str:
    """Of what a saved state was made with."""
    version = subprocess.run(["mariadbd", "--version"], capture_output=True, check=True).stdout
    parts = [version, *((HERE / name).read_bytes() for name in MAKES_STATE)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]
