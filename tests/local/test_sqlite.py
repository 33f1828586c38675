"""Local::SQLite: databases that processes write to, that are damaged, locked or in the way."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from embank.conformance.driver import Driver, KitContext
from embank.plugins import Operation, Resource
from embank_plugins.local import LocalError
from embank_plugins.local.sqlite.file import back_up, make_room
from embank_plugins.local.sqlite.plugin import SQLitePlugin

RESOURCE = Resource("Local::SQLite", "orders", "Orders")
# Every transaction adds a row to both tables: a copy is consistent when they have the same rows.
# It pauses between two: with a rollback journal SQLite lets a writer without any starve all readers.
WRITER = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
number = 0
while True:
    number += 1
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO a (data) VALUES (randomblob(2000))")
    database.execute("INSERT INTO b (data) VALUES (randomblob(2000))")
    database.execute("COMMIT")
    time.sleep(0.001)
    if number == 20:
        print("writing", flush=True)
"""


def create(path: Path, mode: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA journal_mode = {mode}")
        database.execute("PRAGMA user_version = 7")
        database.execute("CREATE TABLE a (id INTEGER PRIMARY KEY, data BLOB)")
        database.execute("CREATE TABLE b (id INTEGER PRIMARY KEY, data BLOB)")
        for table in ("a", "b"):
            rows = [(os.urandom(3000),) for _ in range(500)]
            database.executemany(f"INSERT INTO {table} (data) VALUES (?)", rows)
        database.commit()


@contextmanager
def writer(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that writes to the database all the while."""
    with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"writing\n"
            yield process
        finally:
            process.kill()


def rows(path: Path) -> tuple[int, int, int]:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        both = database.execute("SELECT count(*) FROM a JOIN b USING (id)").fetchone()[0]
        return both, *(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("a", "b"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "a shop #1 %41?é").mkdir()
    return tmp_path / "a shop #1 %41?é" / "orders.sqlite"


@pytest.fixture
def plugin(path: Path, configure: Any) -> SQLitePlugin:
    return configure(
        SQLitePlugin, f'[local_sqlite]\ndatabase = orders "{path}" Orders\nrestore_root = $here/restored'
    )


@pytest.mark.parametrize("mode", ["WAL", "DELETE", "TRUNCATE", "PERSIST"])
def test_a_database_that_is_written_to_is_copied_as_of_one_moment(
    path: Path, plugin: SQLitePlugin, drive: Any, mode: str
) -> None:
    create(path, mode)
    driver: Driver = drive(plugin, RESOURCE)
    with writer(path):
        checkpoint = driver.protect()
    path.unlink()  # and leave the journals, as careless people do
    driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
    both, a, b = rows(path)
    assert both == a == b
    assert a >= 520
    assert sorted(each.name for each in path.parent.iterdir()) == [path.name]


def test_what_is_saved(path: Path, plugin: SQLitePlugin, drive: Any) -> None:
    create(path, "DELETE")
    path.chmod(0o640)
    saved = drive(plugin, RESOURCE).protect().section(RESOURCE).load()
    assert saved["bytes"] == saved["page_size"] * saved["page_count"] == path.stat().st_size
    assert (saved["user_version"], saved["tables"], saved["integrity_check"]) == (7, 2, "ok")
    assert saved["mode"] == 0o640


def test_mode_and_owner_come_back(path: Path, plugin: SQLitePlugin, drive: Any) -> None:
    create(path, "WAL")
    path.chmod(0o640)
    if not os.geteuid():
        os.chown(path, 12, 34)
    before = path.stat()
    driver = drive(plugin, RESOURCE)
    checkpoint = driver.protect()
    path.unlink()
    driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_a_journal_of_the_lost_database_is_not_replayed(path: Path, plugin: SQLitePlugin, drive: Any) -> None:
    """A writer was killed: its write-ahead log is full of pages that belong to the database that is lost."""
    create(path, "WAL")
    driver = drive(plugin, RESOURCE)
    checkpoint = driver.protect()
    before = rows(path)
    with writer(path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    log = Path(f"{path}-wal")
    assert log.stat().st_size > 0
    path.unlink()
    driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
    assert not log.exists()
    assert rows(path) == before


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_database_in_use_is_not_replaced(path: Path, plugin: SQLitePlugin, drive: Any, mode: str) -> None:
    create(path, mode)
    driver = drive(plugin, RESOURCE, restore={"existing": "replace"})
    checkpoint = driver.protect()
    with closing(sqlite3.connect(path, isolation_level=None)) as user:
        user.execute("BEGIN" if mode == "WAL" else "BEGIN IMMEDIATE")
        user.execute("SELECT count(*) FROM a").fetchone()
        with pytest.raises(LocalError, match="is in use: stop what uses it"):
            driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
        user.execute("ROLLBACK")
        user.execute("INSERT INTO a (data) VALUES ('still mine')")
    assert rows(path) == (500, 501, 500)


def test_a_damaged_database_is_replaced(path: Path, plugin: SQLitePlugin, drive: Any) -> None:
    create(path, "WAL")
    driver = drive(plugin, RESOURCE, restore={"existing": "replace"})
    checkpoint = driver.protect()
    path.write_bytes(b"this is no database any more" * 100)
    driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
    assert rows(path) == (500, 500, 500)


def test_a_damaged_database_is_not_protected(path: Path, plugin: SQLitePlugin, drive: Any) -> None:
    create(path, "DELETE")
    content = bytearray(path.read_bytes())
    page = len(content) // 2 // 4096 * 4096
    content[page : page + 200] = b"\xff" * 200
    path.write_bytes(content)
    driver = drive(plugin, RESOURCE)
    checkpoint = driver.begin()
    with pytest.raises(LocalError, match="the database is damaged"):
        driver.run(Operation.PROTECT, checkpoint)
    assert list(checkpoint.section(RESOURCE).names()) == []
    driver.close(Operation.PROTECT, checkpoint)
    assert [each.name for each in path.parent.iterdir()] == [path.name], "the staging copy is gone"


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "unable to open"), (b"no database" * 100, "not a database"), (b"", "")],
)
def test_files_that_are_no_databases(
    path: Path, plugin: SQLitePlugin, drive: Any, content: bytes | None, message: str
) -> None:
    """An empty file is an empty database, says SQLite."""
    if content is not None:
        path.write_bytes(content)
    driver = drive(plugin, RESOURCE)
    checkpoint = driver.begin()
    if message:
        with pytest.raises(LocalError, match=message):
            driver.run(Operation.PROTECT, checkpoint)
    else:
        driver.run(Operation.PROTECT, checkpoint)
        assert checkpoint.section(RESOURCE).load()["tables"] == 0
    driver.close(Operation.PROTECT, checkpoint)
    assert [each.name for each in path.parent.iterdir()] == ([path.name] if content is not None else [])


def test_a_copy_stops_when_the_execution_is_cancelled(path: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE a (data BLOB)")
        database.executemany("INSERT INTO a VALUES (?)", [(bytes(1 << 20),) for _ in range(30)])
        database.commit()
    looks = iter([False, True])
    with pytest.raises(LocalError, match="cancelled"):
        back_up(str(path), str(tmp_path / "copy"), lambda: next(looks))


def test_staging_can_be_elsewhere(path: Path, configure: Any, drive: Any, tmp_path: Path) -> None:
    create(path, "DELETE")
    (tmp_path / "staging").mkdir()
    text = f'[local_sqlite]\ndatabase = orders "{path}" Orders\nstaging = $here/staging'
    driver = drive(configure(SQLitePlugin, text), RESOURCE)
    checkpoint = driver.begin("checkpoint-1")
    driver.call(Operation.PROTECT, "ready", checkpoint, KitContext(checkpoint, Operation.PROTECT))
    (copy,) = (tmp_path / "staging").iterdir()
    assert copy.name.startswith(".embank-checkpoint-1-")
    assert copy.stat().st_mode & 0o777 == 0o600
    driver.close(Operation.PROTECT, checkpoint)
    assert not list((tmp_path / "staging").iterdir())
    with pytest.raises(LocalError, match="not there any more: protect it again"):
        driver.call(Operation.PROTECT, "parallel", checkpoint, KitContext(checkpoint, Operation.PROTECT))


def test_restoring_elsewhere(path: Path, plugin: SQLitePlugin, drive: Any, tmp_path: Path) -> None:
    create(path, "WAL")
    target = tmp_path / "restored" / "copy.sqlite"
    driver = drive(plugin, RESOURCE, restore={"target": str(target)})
    checkpoint = driver.protect()
    context = driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
    assert context.restored(RESOURCE) == {"path": str(target)}
    assert rows(target) == rows(path) == (500, 500, 500)
    with pytest.raises(LocalError, match="exists"):
        driver.run(Operation.RESTORE, driver.again(checkpoint, "another restore"))
    outside = drive(plugin, RESOURCE, restore={"target": str(tmp_path / "elsewhere.sqlite")})
    with pytest.raises(LocalError, match="not allowed"):
        outside.run(Operation.RESTORE, outside.again(checkpoint, "third restore"))


def test_a_directory_in_the_way_is_left_alone(path: Path, plugin: SQLitePlugin, drive: Any) -> None:
    create(path, "WAL")
    driver = drive(plugin, RESOURCE, restore={"existing": "replace"})
    checkpoint = driver.protect()
    path.unlink()
    (path / "with").mkdir(parents=True)
    with pytest.raises(LocalError, match="something else"):
        driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
    assert (path / "with").is_dir()


def test_room_is_made_for_a_database_that_is_not_open(path: Path) -> None:
    """What a clean close leaves, and what a crash leaves, both go; the database itself stays."""
    create(path, "WAL")
    with writer(path) as process:
        process.kill()
        process.wait()
    count = rows_without_closing(path)
    make_room(str(path))
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert rows(path)[0] == count


COUNT = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1])
print(database.execute("SELECT count(*) FROM a").fetchone()[0], flush=True)
os._exit(0)
"""


def rows_without_closing(path: Path) -> int:
    """In a process that just ends, so that the write-ahead log stays."""
    return int(subprocess.run([sys.executable, "-c", COUNT, path], check=True, capture_output=True).stdout)
