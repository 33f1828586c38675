"""The status: a table of steps, no lost update, and no word of available without a manifest."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.errors import (
    Incomplete,
    StatusRefused,
)
from embank.checkpoint.records.status import FOLLOWS, Status
from embank.plugins import ObjectInfo
from embank_plugins.banks.filesystem.bank import FilesystemBank
from kit.banks import open_bank

Begin = Callable[..., Checkpoint]
Keys = Callable[..., list[str]]


class TestStatus:
    def test_the_table_is_what_the_design_says(self) -> None:
        allowed = {(one.value, other.value) for one, others in FOLLOWS.items() for other in others}
        assert allowed == {
            ("protecting", "available"),
            ("protecting", "error"),
            ("protecting", "deleting"),
            ("available", "deleting"),
            ("error", "deleting"),
            ("deleting", "deleting"),
            ("deleting", "gone"),
        }

    @pytest.mark.parametrize("start", [Status.PROTECTING, Status.AVAILABLE, Status.ERROR, Status.DELETING])
    @pytest.mark.parametrize("to", [Status.PROTECTING, Status.AVAILABLE, Status.ERROR, Status.DELETING])
    def test_every_step(self, checkpoint: Checkpoint, start: Status, to: Status) -> None:
        checkpoint.seal()
        if start is not Status.PROTECTING:
            checkpoint.move(start)
        if to in FOLLOWS[start]:
            assert checkpoint.move(to, execution="run-2").status is to
            assert checkpoint.status().execution == "run-2"
        else:
            with pytest.raises(StatusRefused, match=f"is {start}"):
                checkpoint.move(to, execution="run-2")
            assert checkpoint.status().status is start

    def test_gone_is_not_recorded(self, checkpoint: Checkpoint) -> None:
        with pytest.raises(ValueError, match="erase"):
            checkpoint.move(Status.GONE)

    def test_the_same_step_again_by_the_same_execution(self, available: Checkpoint) -> None:
        assert available.move(Status.AVAILABLE).number == 2
        assert len(available.history()) == 2

    def test_the_history(self, available: Checkpoint, clock: object) -> None:
        clock.turn(days=1)  # type: ignore[attr-defined]
        available.move(Status.DELETING, execution="run-2", reason="too old")
        steps = [(step.status.value, step.at[:10], step.execution, step.reason) for step in available.history()]
        assert steps == [
            ("protecting", "2026-11-23", "run-1", ""),
            ("available", "2026-11-23", "run-1", ""),
            ("deleting", "2026-11-24", "run-2", "too old"),
        ]

    def test_available_takes_a_manifest(self, checkpoint: Checkpoint) -> None:
        with pytest.raises(Incomplete, match="manifest"):
            checkpoint.move(Status.AVAILABLE)

    @pytest.mark.parametrize("lost", ["manifest/complete", "manifest/00000001"])
    def test_nothing_says_available_when_the_manifest_is_not_whole(
        self, available: Checkpoint, checkpoints: Checkpoints, bank: FilesystemBank, lost: str
    ) -> None:
        bank.delete(f"checkpoints/cp-1/{lost}")
        status = checkpoints.open("cp-1").status()
        assert (status.status, "manifest" in status.reason) == (Status.ERROR, True)
        assert checkpoints.infos()[0].status.status is Status.ERROR
        available.move(Status.DELETING)  # it can be got rid of

    @pytest.mark.parametrize(
        "record", [b"{}", b"", b'{"status": "fine", "at": "", "execution": "", "reason": "", "token": 0}']
    )
    def test_a_damaged_record_is_good_for_deletion_only(
        self, available: Checkpoint, bank: FilesystemBank, record: bytes, keys: Keys
    ) -> None:
        bank.put("checkpoints/cp-1/status/00000002", [record])
        status = available.status()
        assert status.status is Status.ERROR
        assert "damaged" in status.reason
        available.move(Status.DELETING)
        available.erase()
        assert keys(bank) == []

    def test_of_racing_threads_one_changes_it(self, checkpoints: Checkpoints, begin: Begin) -> None:
        for turn in range(10):
            begin(f"cp-{turn}").seal()
            barrier = Barrier(4)

            def attempt(number: int, id: str = f"cp-{turn}", barrier: Barrier = barrier) -> bool:
                mine = checkpoints.open(id)
                to = Status.AVAILABLE if number % 2 else Status.ERROR
                barrier.wait()
                try:
                    mine.move(to, execution=f"run-{number}")
                except StatusRefused:
                    return False
                return True

            with ThreadPoolExecutor(4) as pool:
                won = list(pool.map(attempt, range(4)))
            assert won.count(True) == 1
            record = checkpoints.open(f"cp-{turn}").status()
            assert (record.number, record.execution) == (2, f"run-{won.index(True)}")

    def test_of_racing_processes_one_changes_it(self, begin: Begin, bank: FilesystemBank) -> None:
        """Deleting against available: Karbor lost one of them."""
        begin().seal()
        fork = multiprocessing.get_context("fork")
        barrier = fork.Barrier(4)
        won = fork.Value("i", 0)

        def attempt(number: int) -> None:
            mine = Checkpoints(open_bank(bank.path)).open("cp-1")
            now = mine.status()
            barrier.wait()
            to = Status.AVAILABLE if number % 2 else Status.DELETING
            # the write-once record alone must decide, whatever was read before
            if mine.statuses.records.create(now.number + 1, replace(now, status=to, execution=str(number)).to_json()):
                with won.get_lock():
                    won.value += 1

        processes = [fork.Process(target=attempt, args=(number,)) for number in range(4)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0] * 4
        assert won.value == 1
        assert len(Checkpoints(bank).open("cp-1").history()) == 2


def test_a_record_that_the_listing_does_not_show_yet_counts(checkpoint: Checkpoint, bank: FilesystemBank) -> None:
    """Listings of object stores such as Swift lag behind what was put."""

    class Lagging(FilesystemBank):
        def list(self, prefix: str = "", *, marker: str = "", limit: int = 1000) -> Sequence[ObjectInfo]:
            shown = super().list(prefix, marker=marker, limit=limit)
            return [info for info in shown if "/status/" not in info.key or info.key.endswith("/00000001")]

    checkpoint.move(Status.ERROR, execution="run-2")
    checkpoint.move(Status.DELETING, execution="run-3")
    lagging = Checkpoints(Lagging(bank.conf)).open("cp-1")
    assert (lagging.status().number, lagging.status().status) == (3, Status.DELETING)
