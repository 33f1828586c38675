"""What Embank does with SQLite database files: online backup, check, and making room for another one.

https://www.sqlite.org/backup.html · https://www.sqlite.org/howtocorrupt.html (section 1.4: a database and
its journals belong together)
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from embank.plugins import Json
from embank_plugins.local import LocalError, printable
from embank_plugins.local.stream import CANCELLED, NEW_FILE

WAIT = 30  # seconds for a lock that another process holds
STEP = 2048  # pages between two looks at whether the execution was cancelled
STEPS = 1_000_000  # of SQLite's virtual machine, likewise
JOURNALS = ("-journal", "-wal", "-shm")
IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
NEEDS_WRITING = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)  # to recover a journal, or to read a WAL


def back_up(source: str, copy: str, cancelled: Callable[[], bool]) -> None:
    """A consistent copy of a database that other processes may be writing to. Raises LocalError.

    All of it is read in one transaction, so that writers can neither make it a mixture nor restart it.
    """

    def look(status: int, remaining: int, total: int) -> None:
        if cancelled():
            raise LocalError(CANCELLED)

    clear_away(copy)
    os.close(os.open(copy, NEW_FILE, 0o600))
    try:
        with closing(_snapshot(source)) as database, closing(_open(copy, "mode=rw")) as target:
            target.execute("PRAGMA synchronous = OFF")
            database.backup(target, pages=STEP, progress=look)
    except sqlite3.Error as error:
        raise LocalError(f"SQLite cannot read {source}: {error}") from error
    with Path(copy).open("rb") as file:
        os.fsync(file.fileno())


def describe(path: str, cancelled: Callable[[], bool]) -> dict[str, Json]:
    """What SQLite says of a database that nobody writes to. Raises LocalError when it is not sound."""
    try:
        with closing(_open(path, "mode=ro&immutable=1")) as database:
            database.set_progress_handler(lambda: int(cancelled()), STEPS)
            return _facts(database)
    except sqlite3.Error as error:
        if _code(error) == sqlite3.SQLITE_INTERRUPT:
            raise LocalError(CANCELLED) from error
        raise LocalError(f"the database is damaged: {error}") from error


def _facts(database: sqlite3.Connection) -> dict[str, Json]:
    found = [str(row[0]) for row in database.execute("PRAGMA integrity_check(3)")]
    if found != ["ok"]:
        raise LocalError(f"the database is damaged: {printable('; '.join(found))}")
    facts = {
        pragma: database.execute(f"PRAGMA {pragma}").fetchone()[0]
        for pragma in ("page_size", "page_count", "user_version", "application_id")
    }
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()
    return {**facts, "tables": tables, "integrity_check": "ok"}


def make_room(path: str) -> None:
    """Leave no journal beside the path, where another database is about to be put: SQLite would replay it.

    Raises LocalError when a process is using the database that is there now.
    """
    if Path(path).is_file():
        try:
            with closing(_open(path, "mode=rw")) as database:
                database.execute("PRAGMA busy_timeout = 5000")
                database.execute("BEGIN EXCLUSIVE")
                database.execute("ROLLBACK")
        except sqlite3.DatabaseError as error:
            if _code(error) in IN_USE:
                raise LocalError(f"{path} is in use: stop what uses it") from error
        else:
            # The last connection to a database takes its write-ahead log away.
            if Path(path + "-wal").exists():
                raise LocalError(f"{path} is in use: stop what uses it")
    for suffix in JOURNALS:
        Path(path + suffix).unlink(missing_ok=True)


def clear_away(path: str) -> None:
    """Remove a copy and whatever SQLite made beside it."""
    for suffix in ("", *JOURNALS):
        Path(path + suffix).unlink(missing_ok=True)


def _open(path: str, how: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(os.fsencode(path))}?{how}", uri=True, timeout=WAIT, isolation_level=None)


def _snapshot(path: str) -> sqlite3.Connection:
    """A connection in a read transaction; read-only, unless the database cannot be read without writing."""
    try:
        return _begin(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if _code(error) not in NEEDS_WRITING:
            raise
        return _begin(path, "mode=rw")


def _begin(path: str, how: str) -> sqlite3.Connection:
    database = _open(path, how)
    try:
        database.execute("BEGIN")
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        database.close()
        raise
    return database


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
