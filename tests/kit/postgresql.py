"""A PostgreSQL server of the tests' own: Debian's package, a new cluster, a port of the loopback.

`start_postgresql()` gives a running `Server`; its `sql` runs SQL, its `dump` shows a whole database as text. TCP
connections need the password, which is in `password_file`.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Unpack

import pytest

from kit.accounts import Account, not_root
from kit.ports import free_port

PASSWORD = "correct horse: battery\\staple"
USER = "embank"
SETTINGS = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "listen_addresses=127.0.0.1")


class Server:
    """A running server. Its superuser is `embank`."""

    def __init__(self, programs: Path, home: Path) -> None:
        self.programs = programs
        self.home = home
        self.port = 0
        self.password_file = home / "pgpass"
        self._account = not_root("postgres")
        self._process: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        secret = self.home / "password"
        secret.write_text(PASSWORD)
        if self._account:  # PostgreSQL refuses to run as root
            for path in (self.home, secret):
                shutil.chown(path, "postgres", "postgres")
        self._run(
            "initdb", "--pgdata", self.home / "data", "--username", USER, "--pwfile", secret, "--encoding=UTF8",
            "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync", **self._account,
        )  # fmt: skip

    def start(self) -> None:
        self.port = free_port()
        escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
        self.password_file.write_text(f"127.0.0.1:{self.port}:*:{USER}:{escaped}\n")
        self.password_file.chmod(0o600)
        where: list[Path | str] = ["-D", self.home / "data", "-k", self.home, "-p", str(self.port)]
        options = [word for setting in SETTINGS for word in ("-c", setting)]
        with (self.home / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [self.programs / "postgres", *where, *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **self._account,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while self._process.poll() is None and time.monotonic() < deadline:
            ready = subprocess.run(
                [self.programs / "pg_isready", "-q", "-h", self.home, "-p", str(self.port)], check=False
            )
            if not ready.returncode:
                return
            time.sleep(0.05)
        pytest.fail(f"PostgreSQL did not start: {(self.home / 'log').read_text()[-2000:]}", pytrace=False)

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # "fast shutdown": sessions are ended
            self._process.wait()

    def connection(self, database: str) -> str:
        """For a provider's configuration: over TCP, without the password."""
        return f"host=127.0.0.1 port={self.port} user={USER} dbname={database}"

    def session(self, database: str) -> list[str]:
        """The command line of psql, over the socket."""
        address = ["-h", str(self.home), "-p", str(self.port), "-U", USER, "-d", database]
        return [str(self.programs / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", *address]

    def sql(self, script: str, database: str = "postgres") -> str:
        done = subprocess.run(self.session(database), input=script, text=True, capture_output=True, check=False)
        assert not done.returncode, done.stderr
        return done.stdout.strip()

    def dump(self, database: str) -> str:
        """All of a database, its settings and grants included, as the text of a script."""
        address = ["-h", self.home, "-p", str(self.port), "-U", USER]
        text = self._run("pg_dump", *address, "--create", database)
        # Newer versions put a random word into each script.
        return "\n".join(line for line in text.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))

    def databases(self) -> list[str]:
        return self.sql("SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1").splitlines()

    def _run(self, program: str, *arguments: object, **account: Unpack[Account]) -> str:
        command = [str(self.programs / program), *map(str, arguments)]
        done = subprocess.run(command, text=True, capture_output=True, cwd="/", check=False, **account)
        assert not done.returncode, f"{program}: {done.stderr}"
        return str(done.stdout)


@contextlib.contextmanager
def start_postgresql() -> Iterator[Server]:
    """A running server, and nothing left of it afterwards. Fails in one line when PostgreSQL is not installed."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not installed:
        pytest.fail("PostgreSQL is not installed: run `make services` (apt-get install postgresql)", pytrace=False)
    home = Path(tempfile.mkdtemp(prefix="embank-pg-"))  # a short path: sockets have at most 107 characters
    server = Server(installed[-1].parent, home)
    try:
        server.create()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home)
