"""Erasing leaves nothing; damage is called damage."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.errors import (
    CheckpointError,
    Damaged,
    StatusRefused,
)
from embank.checkpoint.records.status import Status
from embank.model import Phase, Resource
from embank.plugins import BankError
from embank_plugins.banks.filesystem.bank import FilesystemBank

Begin = Callable[..., Checkpoint]
Keys = Callable[..., list[str]]
SERVER = Resource("Test::Server", "s1", "web")


class TestErasing:
    def test_leaves_nothing(
        self, available: Checkpoint, checkpoints: Checkpoints, bank: FilesystemBank, keys: Keys
    ) -> None:
        available.mark_started("run-1", SERVER.key, Phase.PRE)
        available.record_restored("run-2", SERVER, {})
        size = sum(info.size for info in bank.list())
        available.move(Status.DELETING, execution="run-3")
        count = len(keys(bank))
        erased = available.erase()
        assert erased.objects == count
        assert erased.size > size
        assert keys(bank) == []
        assert list(checkpoints.ids()) == []

    def test_takes_the_right_status(self, available: Checkpoint) -> None:
        with pytest.raises(StatusRefused, match="only a deleting one"):
            available.erase()
        assert list(available.verify()) == []

    def test_spares_its_neighbours(
        self, begin: Begin, checkpoints: Checkpoints, bank: FilesystemBank, keys: Keys
    ) -> None:
        for id in ("cp", "cp-1", "cp.1", "cp0"):
            begin(id).section(SERVER).save({})
        others = [key for key in keys(bank) if not key.startswith("checkpoints/cp/")]
        doomed = checkpoints.open("cp")
        doomed.move(Status.DELETING)
        doomed.erase()
        assert keys(bank) == others

    def test_remains_without_a_status_can_be_erased(
        self, checkpoints: Checkpoints, bank: FilesystemBank, keys: Keys
    ) -> None:
        bank.put("checkpoints/cp-9/resources/late/one", [b"x"])
        remains = checkpoints.open("cp-9", "run-2")
        remains.move(Status.DELETING)
        remains.erase()
        assert keys(bank) == []

    def test_somebody_who_still_writes_is_noticed(self, available: Checkpoint, bank: FilesystemBank) -> None:
        available.move(Status.DELETING)

        class Haunted(FilesystemBank):
            """An abandoned worker puts a segment each time that something is deleted."""

            def delete(self, key: str) -> None:
                super().delete(key)
                super().put("checkpoints/cp-1/aaa", [b"boo"])

        with pytest.raises(CheckpointError, match="still writing"):
            Checkpoints(Haunted(bank.conf)).open("cp-1").erase()

    def test_a_bank_that_vanishes(self, available: Checkpoint, bank: FilesystemBank) -> None:
        available.move(Status.DELETING)
        bank.path.rename(bank.path.with_name("unmounted"))
        with pytest.raises(BankError, match="vanished"):
            available.erase()


@pytest.mark.parametrize(
    ("key", "data", "look"),
    [
        ("facts", b'{"format": 1, "plan": 5, "provider": "", "execution": ""}', lambda found: found.facts),
        ("facts", b'{"format": 1, "colour": "red"}', lambda found: found.facts),
        ("facts", b'{"format": 2}', lambda found: found.facts),
        ("status/last", b"{}", lambda found: found.status()),
        ("executions/run-2/operation/00000001", b"{}", lambda found: found.operations()),
        ("executions/run-2/operation/00000001", b'{"at": 1, "execution": 2}', lambda found: found.operations()),
        ("executions/run-1/brackets/T/i/pre/00000001", b"{}", lambda found: found.open_brackets("run-1")),
        ("executions/run-1/brackets/T/i/pre/00000001", b"[]", lambda found: found.open_brackets("run-1")),
        ("executions/run-1/restored/Test::Server/s1", b"5", lambda found: found.restored("run-1", SERVER)),
        ("resources/Test::Server/s1/data/x/y", b"", lambda found: found.section(SERVER).read("x").__next__()),
    ],
)
def test_damage_is_called_damage(
    checkpoint: Checkpoint, bank: FilesystemBank, key: str, data: bytes, look: Callable[[Checkpoint], object]
) -> None:
    bank.put(f"checkpoints/cp-1/{key}", [data])
    with pytest.raises(Damaged):
        look(checkpoint)


def test_a_person_finds_an_explanation_beside_the_data(
    available: Checkpoint, bank: FilesystemBank, keys: Keys
) -> None:
    text = (bank.path / "checkpoints/cp-1/README.object").read_text()
    assert "To restore by hand" in text
    for name in ("facts", "graph", "resources", "manifest", "status"):
        assert name in text
        assert any(key.startswith(f"checkpoints/cp-1/{name}") for key in keys(bank))
