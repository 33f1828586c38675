"""Our own plugins under faults: an application with a directory and a database below it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
from oslo_config import cfg

from embank.conformance.driver import Subject
from embank.conformance.faults.claims import Trial, check
from embank.conformance.faults.faulty_bank import Fault, FaultyBank, Kind
from embank.conformance.faults.kit import FaultAtEveryCall, FaultConformance, Lab
from embank.conformance.faults.memory_bank import MemoryBank
from embank.conformance.faults.run import PLAIN, Site
from embank.errors import ExitCode
from embank.model import Policy
from embank.plugins import Operation, Resource
from embank_plugins.local.application.plugin import ApplicationPlugin
from embank_plugins.local.directory.plugin import DirectoryPlugin
from embank_plugins.local.sqlite.plugin import SQLitePlugin

REPLACE = {Operation.RESTORE: {"existing": "replace"}}


def configured(kind: type[Any], here: Path, text: str) -> Any:
    file = here / f"{kind.__name__}.conf"
    file.write_text(text)
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.StrOpt("here", default=str(here)))
    for section, options in kind.options().items():
        conf.register_opts(options, group=section)
    conf([], default_config_files=[str(file)])
    return kind(conf)


def directory(here: Path) -> Subject:
    file = here / "files" / "deep" / "receipt"
    data = os.urandom(9000)
    file.parent.mkdir(parents=True)
    file.write_bytes(data)

    def compare() -> None:
        assert file.read_bytes() == data

    plugin = configured(DirectoryPlugin, here, "[local_directory]\ndirectory = files $here/files Files")
    resource = Resource("Local::Directory", "files", "Files")
    return Subject(plugin, resource, lambda: rmtree(here / "files"), compare, REPLACE)


def database(here: Path) -> Subject:
    path = here / "orders.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE orders (item TEXT)")
        connection.execute("INSERT INTO orders VALUES ('a cake')")
        connection.commit()

    def compare() -> None:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            assert connection.execute("SELECT item FROM orders").fetchall() == [("a cake",)]

    plugin = configured(SQLitePlugin, here, "[local_sqlite]\ndatabase = orders $here/orders.sqlite Orders")
    return Subject(plugin, Resource("Local::SQLite", "orders", "Orders"), path.unlink, compare, REPLACE)


def shop(here: Path) -> Subject:
    """Frozen while there is a file `frozen`, stopped while there is a file `stopped`."""
    here.mkdir()
    below = (directory(here), database(here))
    usual = set(here.iterdir()) | {here / "ApplicationPlugin.conf"}

    def assert_released() -> None:
        left = set(here.iterdir()) - usual
        assert not left, f"frozen, stopped, or staged: {sorted(path.name for path in left)}"

    commands = {"freeze": "touch $here/frozen", "thaw": "rm -f $here/frozen"}
    commands |= {"stop": "touch $here/stopped", "start": "rm -f $here/stopped"}
    lines = [f"{verb} = shop /bin/{command}" for verb, command in commands.items()]
    plugin = configured(
        ApplicationPlugin, here, "\n".join(["[local_application]", "application = shop Shop", *lines])
    )
    resource = Resource("Local::Application", "shop", "Shop")
    return Subject(plugin, resource, lambda: None, lambda: None, assert_released=assert_released, dependents=below)


class Shop:
    @pytest.fixture
    def subjects(self, tmp_path: Path) -> Sequence[Subject]:
        return [shop(tmp_path / f"shop-{number}") for number in range(12)]


@pytest.mark.nightly
def test_a_bank_that_hangs_for_ever_keeps_nothing_frozen(tmp_path: Path) -> None:
    """From the moment in which the application is frozen: closers wait for an answer only so long."""
    lab = Lab(Site(shop(tmp_path / "shop")), MemoryBank, PLAIN)
    notes = [call for call in lab.calls(Operation.PROTECT) if call.method == "put" and "/notes/" in call.key]
    bank = FaultyBank(MemoryBank(), Fault(Kind.STALL, notes[-1].number + 3, times=None, seconds=3600))
    outcome = lab.site.run(Operation.PROTECT, bank, "trial", policy=Policy(timeout=8))
    assert [call.number for call in bank.struck]
    assert not bank.waited_in_vain
    assert outcome.exit_code is ExitCode.FAILED
    check(Trial(lab.site, Operation.PROTECT, bank.bank, "trial", outcome))


@pytest.mark.nightly
class TestAllFaults(Shop, FaultConformance):
    """Everything."""


class TestSomeFaults(Shop, FaultAtEveryCall):
    """What there is time for at every change."""

    @pytest.fixture
    def subjects(self, tmp_path: Path) -> Sequence[Subject]:
        return [shop(tmp_path / f"shop-{number}") for number in range(4)]

    @pytest.fixture(params=[Operation.PROTECT, Operation.DELETE])
    def operation(self, request: pytest.FixtureRequest) -> Operation:
        return Operation(request.param)

    @pytest.fixture(params=[Kind.FAIL])
    def kind(self, request: pytest.FixtureRequest) -> Kind:
        return Kind(request.param)
