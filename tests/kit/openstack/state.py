"""What the tests' OpenStack has before its first start. It takes minutes to make, so it is kept beside the
environment, for all checkouts, and copied for each run (decision PROJECT-2).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from kit.openstack.accounts import create_accounts, create_schemas
from kit.openstack.configuration import files
from kit.openstack.database import sql, start_database
from kit.openstack.environment import ENVIRONMENT, PROGRAMS, Unusable, check_needs
from kit.openstack.processes import NotStarted, Processes
from kit.openstack.services import Services
from kit.openstack.site import DATABASES, REGION, Site, new_site

HERE = Path(__file__).parent
# What it depends on.
MAKES_STATE = (
    PROGRAMS / "openstack-requirements.txt",
    *(HERE / f"{name}.py" for name in ("accounts", "configuration")),
)
KEPT = ("mysql", "keystone/fernet", "keystone/credential")
DIRECTORIES = (
    "cinder/conversion", "cinder/mounts", "glance/images", "glance/staging", "glance/tasks", "log", "nova/instances"
)  # fmt: skip
OLD = 14 * 86400  # s since somebody used it last; checkouts may differ
PREFIX = "embank-os-"  # short: sockets have at most 107 characters


def saved_state() -> Path:
    """Its directory, which is made when it is not there. Checkouts take turns; what has the name is complete."""
    saved = ENVIRONMENT / f"state-{_digest()}"
    with _locked(fcntl.LOCK_EX):
        if not saved.exists():
            sys.stderr.write("making the tests' OpenStack, which takes two minutes the first time …\n")
            with scratch() as home:
                _prepare(home)
                _keep(home, saved)
        os.utime(saved)
        for other in ENVIRONMENT.glob("state-*"):
            if time.time() - other.stat().st_mtime > OLD:
                shutil.rmtree(other)
    return saved


def forget(saved: Path) -> None:
    """It is of no use."""
    with _locked(fcntl.LOCK_EX):
        shutil.rmtree(saved, ignore_errors=True)


def copy(saved: Path, home: Path) -> None:
    """Begin with it there."""
    with _locked(fcntl.LOCK_SH):
        for name in KEPT:
            shutil.copytree(saved / name, home / name)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A directory that goes afterwards."""
    home = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def write_files(site: Site) -> None:
    """All configuration, and the directories that nobody makes."""
    for path, text in files(site).items():
        file = site.home / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if path.startswith("bin/"):
            file.chmod(0o755)
    for path in DIRECTORIES:
        (site.home / path).mkdir(parents=True)
    shutil.copy(PROGRAMS / "openstack_ports.py", site.home / "site")


@contextlib.contextmanager
def _locked(how: int) -> Iterator[None]:
    """Against the other checkouts that use it."""
    with (ENVIRONMENT / "state.lock").open("w") as lock:
        fcntl.flock(lock, how)
        yield


def _prepare(home: Path) -> None:
    site = new_site(home, ENVIRONMENT, "rabbit://guest:guest@127.0.0.1:1/")
    write_files(site)
    processes = Processes(site)
    with start_database(processes):
        sql(processes, "".join(f"CREATE DATABASE {name} CHARACTER SET utf8mb4;\n" for name in DATABASES))
        create_schemas(site, processes.run, REGION)
        services = Services(site, processes)
        try:
            services.start("keystone")
            create_accounts(services.admin, REGION, site.catalogue)
        finally:
            services.stop("keystone")


def _keep(home: Path, saved: Path) -> None:
    partial = saved.with_name("partial")
    shutil.rmtree(partial, ignore_errors=True)
    for name in KEPT:
        shutil.copytree(home / name, partial / name)
    partial.rename(saved)


def _digest() -> str:
    """Of what it is made with."""
    version = subprocess.run(["mariadbd", "--version"], capture_output=True, check=True).stdout
    parts = [version, *(file.read_bytes() for file in MAKES_STATE)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


if __name__ == "__main__":  # so that people see what they wait for, and no test has to
    try:
        check_needs()
        saved_state()
    except (Unusable, NotStarted) as error:
        sys.exit(str(error))
