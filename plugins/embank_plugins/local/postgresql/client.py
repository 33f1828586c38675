"""PostgreSQL's own client programs, as streams. No password is ever in an argument or in a message."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from embank_plugins.local import LocalError, printable
from embank_plugins.local.postgresql.section import Database, write_connection
from embank_plugins.local.stream import PIECE

DEBIAN = Path("/usr/lib/postgresql")
LOCK_WAIT = (
    "60s"  # a dump must not hang for ever behind somebody's lock, least of all while the application is frozen
)
LINES = 3  # of what a program said, in an error message


class Client:
    """The programs, for one server. Every method raises LocalError with what the program said."""

    def __init__(self, database: Database, bin_dir: str, password_file: str) -> None:
        self._connection = dict(database.connection)
        self._bin_dir = bin_dir
        # Nothing of PostgreSQL's from our own environment: only what the operator configured counts.
        self._environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        self._environment |= {"LC_ALL": "C.UTF-8", "PGCONNECT_TIMEOUT": "10", "PGAPPNAME": "embank"}
        if password_file:
            self._environment["PGPASSFILE"] = password_file

    def version(self) -> str:
        """The version of pg_dump."""
        return self._feed("pg_dump", ["--version"], ()).decode().strip()

    def dump(self) -> Iterator[bytes]:
        """The database in pg_dump's custom format, as of one moment."""
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                self._command(
                    "pg_dump",
                    "--format=custom",
                    f"--lock-wait-timeout={LOCK_WAIT}",
                    *self._to(self._connection["dbname"]),
                ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self._environment,
            )
            assert process.stdout is not None
            try:
                while piece := process.stdout.read(PIECE):
                    yield piece
                _check("pg_dump", process.wait(), errors)
            finally:
                process.stdout.close()
                _end(process)

    def count_entries(self, archive: Iterable[bytes]) -> int:
        """How many entries the table of contents has. Reads no more of the archive than that."""
        listing = self._feed("pg_restore", ["--list"], archive)
        return sum(1 for line in listing.splitlines() if line and not line.startswith(b";"))

    def decode(self, archive: Iterable[bytes]) -> None:
        """Read the whole archive as a restore would, without a server."""
        self._feed("pg_restore", [f"--file={os.devnull}"], archive, whole=True)

    def restore(self, archive: Iterable[bytes], database: str, options: Sequence[str]) -> None:
        """Restore into a database that is there and empty."""
        self._feed("pg_restore", ["--exit-on-error", *options, *self._to(database)], archive, whole=True)

    def sql(self, database: str, script: str) -> str:
        """Run SQL, statement by statement; what it prints, without headers."""
        options = ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1", "--file=-"]
        statements = f"SET client_encoding = 'UTF8';\n{script}"
        return self._feed("psql", [*options, *self._to(database)], [statements.encode()]).decode().strip()

    def _to(self, database: str) -> list[str]:
        return ["--no-password", f"--dbname={write_connection({**self._connection, 'dbname': database})}"]

    def _command(self, name: str, *arguments: str) -> list[str]:
        if self._bin_dir:
            return [str(Path(self._bin_dir) / name), *arguments]
        installed = sorted(DEBIAN.glob(f"*/bin/{name}"), key=_version)
        found = str(installed[-1]) if installed else shutil.which(name)
        if not found:
            raise LocalError(f"{name} is not installed: install PostgreSQL's client, or set bin_dir")
        return [found, *arguments]

    def _feed(self, name: str, arguments: Sequence[str], chunks: Iterable[bytes], *, whole: bool = False) -> bytes:
        """Give a program its input, and return its output. `whole`: all of the input counts, even unread parts."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            try:
                process = subprocess.Popen(
                    self._command(name, *arguments),
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=errors,
                    env=self._environment,
                )
            except OSError as error:
                raise LocalError(f"{name} cannot be started: {error.strerror}") from error
            assert process.stdin is not None
            rest = iter(chunks)
            try:
                with suppress(BrokenPipeError):
                    for chunk in rest:
                        process.stdin.write(chunk)
                with suppress(BrokenPipeError):
                    process.stdin.close()
                _check(name, process.wait(), errors)
            finally:
                _end(process)
            if whole:
                for _ in rest:  # the bank checks what is read to its end
                    pass
            output.seek(0)
            return output.read()


def _check(name: str, code: int, errors: IO[bytes]) -> None:
    if code:
        errors.seek(0)
        lines = [printable(line.strip()) for line in errors.read()[-8192:].splitlines() if line.strip()]
        raise LocalError(f"{name} failed ({code}): {' | '.join(lines[-LINES:]) or 'it said nothing'}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.parts[-3].split(".") if part.isdigit())
