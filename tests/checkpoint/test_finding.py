"""A checkpoint is begun by one execution, and found by its id or the beginning of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from embank import plugins
from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.errors import (
    CheckpointExists,
    CheckpointMissing,
)
from embank.checkpoint.facts import Facts
from embank.checkpoint.records.status import Status
from embank.errors import ExitCode, UsageError
from embank.model import Resource
from embank_plugins.banks.filesystem.bank import FilesystemBank

Begin = Callable[..., Checkpoint]
VOLUME = Resource("Test::Volume", "v1", "disk")


def test_it_is_what_plugins_are_promised(checkpoint: Checkpoint) -> None:
    promised: plugins.Checkpoint = checkpoint
    assert promised.id == "cp-1"


class TestBeginning:
    def test_the_facts(self, checkpoint: Checkpoint, checkpoints: Checkpoints) -> None:
        assert checkpoint.facts.created == "2026-11-23T12:00:00.000Z"
        assert checkpoints.open("cp-1").facts == checkpoint.facts
        assert (checkpoint.facts.plan, checkpoint.facts.provider, checkpoint.facts.execution) == (
            "nightly",
            "provider-1",
            "run-1",
        )
        assert checkpoint.status().status is Status.PROTECTING

    def test_the_same_execution_may_begin_again(self, checkpoint: Checkpoint, begin: Begin, clock: object) -> None:
        again = begin()
        assert again.facts == checkpoint.facts
        assert again.section(VOLUME).load() == {"size": 3}

    def test_another_execution_may_not(self, checkpoint: Checkpoint, begin: Begin) -> None:
        with pytest.raises(CheckpointExists, match="run-1"):
            begin(execution="run-2")

    def test_of_two_executions_one_begins(self, checkpoints: Checkpoints) -> None:
        barrier = Barrier(6)

        def attempt(number: int) -> bool:
            barrier.wait()
            try:
                checkpoints.create("cp", Facts("plan", "provider", f"run-{number}"))
            except CheckpointExists:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            won = list(pool.map(attempt, range(6)))
        assert won.count(True) == 1
        assert checkpoints.open("cp").facts.execution == f"run-{won.index(True)}"

    @pytest.mark.parametrize("id", ["", "..", "a/b", "x" * 65])
    def test_ids_that_are_none(self, checkpoints: Checkpoints, id: str) -> None:
        for attempt in (lambda: checkpoints.create(id, Facts("p", "p", "e")), lambda: checkpoints.open(id)):
            with pytest.raises(UsageError):
                attempt()


class TestFinding:
    def test_missing(self, begin: Begin, checkpoints: Checkpoints) -> None:
        begin("nightly-1")
        with pytest.raises(CheckpointMissing, match="did you mean 'nightly-1'") as caught:
            checkpoints.open("nighty-1")
        assert caught.value.exit_code is ExitCode.USAGE
        with pytest.raises(CheckpointMissing, match="no checkpoint"):
            checkpoints.resolve("zzz")

    def test_in_no_bank_at_all(self, checkpoints: Checkpoints) -> None:
        assert list(checkpoints.ids()) == []
        assert list(checkpoints.infos()) == []
        with pytest.raises(CheckpointMissing):
            checkpoints.open("cp-1")

    def test_by_the_beginning_of_its_id(self, begin: Begin, checkpoints: Checkpoints) -> None:
        for id in ("4f1c", "4f1c-a", "90ab"):
            begin(id)
        assert checkpoints.resolve("9") == "90ab"
        assert checkpoints.resolve("4f1c") == "4f1c"
        with pytest.raises(CheckpointMissing, match="several checkpoints begin with '4f': 4f1c, 4f1c-a"):
            checkpoints.resolve("4f")

    def test_ids_that_begin_alike(self, begin: Begin, checkpoints: Checkpoints) -> None:
        ids = ["a", "a-", "a.b", "a0", "ab", "b"]
        for id in ids:
            begin(id)
        assert sorted(checkpoints.ids()) == ids
        assert sorted(checkpoints.ids("a.")) == ["a.b"]

    def test_what_is_no_checkpoint_is_not_listed(
        self, begin: Begin, checkpoints: Checkpoints, bank: FilesystemBank
    ) -> None:
        begin()
        bank.put("checkpoints/not an id/x", [b""])
        bank.put("elsewhere", [b""])
        assert list(checkpoints.ids()) == ["cp-1"]

    def test_the_newest_first(self, begin: Begin, checkpoints: Checkpoints, clock: object) -> None:
        for id in ("old", "middle", "new"):
            begin(id, plan=id)
            clock.turn(hours=1)  # type: ignore[attr-defined]
        infos = checkpoints.infos()
        assert [info.id for info in infos] == ["new", "middle", "old"]
        assert [info.facts.plan for info in infos if info.facts] == ["new", "middle", "old"]
        assert all(info.status.status is Status.PROTECTING and info.size > 0 for info in infos)

    def test_a_listing_survives_damage(self, begin: Begin, checkpoints: Checkpoints, bank: FilesystemBank) -> None:
        begin("good")
        begin("bad")
        bank.put("checkpoints/bad/facts", [b'{"format": 99}'])
        bank.put("checkpoints/bad/status/00000002", [b"nonsense"])
        bank.put("checkpoints/bad/leases/00000001", [b"nonsense"])
        bank.put("checkpoints/bad/manifest/complete", [b"nonsense"])
        bank.put("checkpoints/remains/resources/x/y/information", [b"{}"])
        infos = {info.id: info for info in checkpoints.infos()}
        assert infos["bad"].facts is None
        assert infos["bad"].status.status is Status.ERROR
        assert infos["bad"].lease is not None  # whose it is nobody can say: it keeps others out, and prune away
        assert infos["bad"].lease.owner == "(unknown)"
        assert infos["good"].status.status is Status.PROTECTING
        assert infos["remains"].status.status is Status.ERROR
        assert "no record of its status" in infos["remains"].status.reason
