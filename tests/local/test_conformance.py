"""The local plugins pass the kit that third parties inherit."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest

from embank.conformance.driver import Driver
from embank.conformance.plugin import RESOURCE_IDS, ProtectionPluginConformance, Subject
from embank.conformance.restarts import KillingDriver
from embank.plugins import Bank, Operation, Phase, Resource
from embank_plugins.local.application.plugin import ApplicationPlugin
from embank_plugins.local.directory.plugin import DirectoryPlugin
from embank_plugins.local.sqlite.plugin import SQLitePlugin
from kit.ids import IDS

REPLACE = {Operation.RESTORE: {"existing": "replace"}}


class Conformance(ProtectionPluginConformance):
    @pytest.fixture(params=IDS)
    def resource_id(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)


class RestoresBeside(Conformance):
    """Their restores touch what is there only when their own copy is complete beside it."""

    def test_a_killed_restore_leaves_nothing(self, subject: Subject, bank: Bank, steps: Iterator[int]) -> None:
        """It was not repeated, and its checkpoint is deleted. The original was there all the while."""

        def check(driver: KillingDriver, phase: Phase) -> None:
            plain = Driver(subject, bank)
            checkpoint = plain.protect()
            driver.abandon(Operation.RESTORE, phase, driver.again(checkpoint, "restore"))
            plain.erase(checkpoint)

        self.for_each(Operation.RESTORE, subject, bank, steps, check)


class TestDirectory(RestoresBeside):
    protect: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def subject(self, resource_id: str, tmp_path: Path, configure: Any, as_word: Any, describe_tree: Any) -> Subject:
        files = tmp_path / "shop" / "some files"
        (files / "deep" / "er").mkdir(parents=True)
        (files / "deep" / "data").write_bytes(os.urandom(300_000))
        os.link(files / "deep" / "data", files / "same")
        (files / "deep" / "er" / "link").symlink_to("../nowhere")
        (files / "deep").chmod(0o2750)
        before = describe_tree(files)

        def compare() -> None:
            assert describe_tree(files) == before
            assert list(files.parent.iterdir()) == [files], "no half-restored directory is left"

        text = f'[local_directory]\ndirectory = {as_word(resource_id)} "$here/shop/some files" "Some files"'
        resource = Resource("Local::Directory", resource_id, "Some files")
        parameters = {**REPLACE, Operation.PROTECT: self.protect}
        return Subject(configure(DirectoryPlugin, text), resource, lambda: shutil.rmtree(files), compare, parameters)


class TestDirectoryWithinFreeze(TestDirectory):
    protect: ClassVar[dict[str, Any]] = {"within_freeze": True, "on_change": "fail"}

    @pytest.fixture
    def steps(self) -> Iterator[int]:
        """A few: what differs is when it is copied, not how."""
        return iter((5, 20, 35))


class TestSQLite(RestoresBeside):
    staging: ClassVar[str] = ""

    @pytest.fixture
    def subject(self, resource_id: str, tmp_path: Path, configure: Any, as_word: Any) -> Subject:
        path = tmp_path / "shop" / "orders.sqlite"
        path.parent.mkdir()
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA user_version = 7")
            database.execute("CREATE TABLE orders (number INTEGER PRIMARY KEY, item BLOB)")
            database.executemany("INSERT INTO orders (item) VALUES (?)", [(os.urandom(5000),) for _ in range(40)])
            database.commit()
        before = dump(path)
        files = sorted(path.parent.iterdir())

        def compare() -> None:
            assert dump(path) == before
            assert sorted(path.parent.iterdir()) == files, "no staging copy is left"
            assert list((tmp_path / "staging").iterdir()) == []

        text = f"[local_sqlite]\ndatabase = {as_word(resource_id)} $here/shop/orders.sqlite Orders\n{self.staging}"
        (tmp_path / "staging").mkdir()
        resource = Resource("Local::SQLite", resource_id, "Orders")
        return Subject(configure(SQLitePlugin, text), resource, path.unlink, compare, REPLACE)


class TestSQLiteStaged(TestSQLite):
    staging: ClassVar[str] = "staging = $here/staging"

    @pytest.fixture(params=[RESOURCE_IDS[2]])
    def resource_id(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def steps(self) -> Iterator[int]:
        """A few: what differs is where it is copied to, not how."""
        return iter((4, 12, 30))


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())


class TestApplication(Conformance):
    @pytest.fixture
    def subject(self, resource_id: str, tmp_path: Path, configure: Any, as_word: Any) -> Subject:
        frozen, stopped = tmp_path / "frozen", tmp_path / "stopped"
        key = as_word(resource_id)
        text = (
            f"[local_application]\napplication = {key} Shop\n"
            f"freeze = {key} /bin/touch {frozen}\nthaw = {key} /bin/rm -f {frozen}\n"
            f"stop = {key} /bin/touch {stopped}\nstart = {key} /bin/rm -f {stopped}\n"
        )

        def compare() -> None:
            assert not frozen.exists()
            assert not stopped.exists()

        resource = Resource("Local::Application", resource_id, "Shop")
        return Subject(configure(ApplicationPlugin, text), resource, lambda: None, compare)
