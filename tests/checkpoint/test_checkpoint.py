"""A checkpoint's life: begun, filled, sealed, available, deleting, gone. And what must not happen to it."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from embank import plugins
from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.errors import (
    CheckpointError,
    CheckpointExists,
    CheckpointMissing,
    Damaged,
    Incomplete,
    StatusRefused,
)
from embank.checkpoint.facts import Facts
from embank.checkpoint.status import FOLLOWS, Status
from embank.checkpoint.store import Checkpoints
from embank.errors import ExitCode, UsageError
from embank.model import Phase, Resource, ResourceKey
from embank.plugins import BankError, ObjectInfo
from embank.resource_graph import canonical, to_chunks
from embank_plugins.banks.filesystem import FilesystemBank

Begin = Callable[..., Checkpoint]
OpenBank = Callable[[Path], FilesystemBank]
SERVER = Resource("Test::Server", "s1", "web")
VOLUME = Resource("Test::Volume", "v1", "disk")
IMAGE = Resource("Test::Volume", "../s1", "disk with an evil id")


def keys(bank: FilesystemBank) -> list[str]:
    return [info.key for info in bank.list(limit=100_000)]


@pytest.fixture
def checkpoint(begin: Begin) -> Checkpoint:
    """With information and data in two segments or so."""
    begun = begin()
    begun.section(SERVER).save({"flavour": "small"})
    begun.section(VOLUME).save({"size": 3})
    begun.section(VOLUME).write("disk", [b"123"])
    begun.section(IMAGE).write("disk", [b""])
    return begun


@pytest.fixture
def available(checkpoint: Checkpoint) -> Checkpoint:
    checkpoint.seal()
    checkpoint.move(Status.AVAILABLE)
    return checkpoint


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
        assert infos["bad"].lease is None
        assert infos["good"].status.status is Status.PROTECTING
        assert infos["remains"].status.status is Status.ERROR
        assert "no record of its status" in infos["remains"].status.reason


class TestGraph:
    def test_comes_back(self, checkpoint: Checkpoint, checkpoints: Checkpoints) -> None:
        opened = checkpoints.open("cp-1")
        assert opened.graph() == canonical(
            [SERVER, VOLUME, IMAGE], [(SERVER.key, VOLUME.key), (SERVER.key, IMAGE.key), (IMAGE.key, VOLUME.key)]
        )
        assert list(opened.dependents(SERVER)) == [IMAGE, VOLUME]
        assert sorted(map(str, opened.parents(VOLUME))) == ["Test::Server#s1", "Test::Volume#../s1"]
        assert list(opened.parents(SERVER)) == []
        assert list(opened.dependents(replace(SERVER, name="renamed"))) == [IMAGE, VOLUME]

    def test_knows_only_its_resources(self, checkpoint: Checkpoint) -> None:
        with pytest.raises(CheckpointError, match="Test::Server#s2 is not in the graph"):
            checkpoint.dependents(Resource("Test::Server", "s2", ""))

    def test_lacks_a_chunk(self, checkpoint: Checkpoint, bank: FilesystemBank, checkpoints: Checkpoints) -> None:
        bank.delete("checkpoints/cp-1/graph/00000002")
        with pytest.raises(Incomplete, match="chunks are missing"):
            checkpoints.open("cp-1").graph()
        with pytest.raises(Incomplete):
            checkpoints.open("cp-1").seal()

    def test_is_written_once(self, checkpoints: Checkpoints) -> None:
        checkpoint = checkpoints.create("cp", Facts("p", "p", "run"))
        (chunk,) = to_chunks(canonical([SERVER], []), 1000)
        checkpoint.save_graph_chunk(1, 1, chunk)
        checkpoint.save_graph_chunk(1, 1, chunk)
        (other,) = to_chunks(canonical([VOLUME], []), 1000)
        with pytest.raises(CheckpointError, match="another resource graph"):
            checkpoint.save_graph_chunk(1, 1, other)
        assert checkpoint.graph().resources == (SERVER,)

    def test_of_no_resources(self, checkpoints: Checkpoints) -> None:
        checkpoint = checkpoints.create("cp", Facts("p", "p", "run"))
        (chunk,) = to_chunks(canonical([], []), 1000)
        checkpoint.save_graph_chunk(1, 1, chunk)
        assert checkpoint.graph() == canonical([], [])

    @pytest.mark.parametrize(
        "chunk",
        [
            {"tree": [[0, "T", "a"]]},
            {"tree": [[0, "T", 1, "n"]]},
            {"tree": [[True, "T", "a", "n"]]},
            {"tree": [[3, "T", "a", "n"]]},
            {"tree": [[0, "T", "a", "n"], [0, "T", "a", "n"]]},
            {"tree": [5]},
            {"tree": 5},
            {"tree": [[0, "T", "a", "n"]], "links": [["T", "a", "T", "b"]]},
            {"tree": [[0, "T", "a", "n"]], "links": [["T", "a", "T", "a"]]},
            {"tree": [[0, "T", "a", "n"]], "links": [["T", "a"]]},
        ],
    )
    def test_damaged(
        self, checkpoint: Checkpoint, checkpoints: Checkpoints, bank: FilesystemBank, chunk: object
    ) -> None:
        for key in [key for key in keys(bank) if "/graph/" in key]:
            bank.delete(key)
        assert isinstance(chunk, dict)
        bank.put("checkpoints/cp-1/graph/00000001", [json.dumps({**chunk, "chunk": 1, "chunks": 1}).encode()])
        with pytest.raises(Damaged, match="graph"):
            checkpoints.open("cp-1").graph()


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
        self, available: Checkpoint, bank: FilesystemBank, record: bytes
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

    def test_of_racing_processes_one_changes_it(
        self, begin: Begin, bank: FilesystemBank, open_bank: OpenBank
    ) -> None:
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
            if mine.records.create(now.number + 1, replace(now, status=to, execution=str(number)).to_json()):
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


class TestBrackets:
    def test_open_until_closed(self, checkpoint: Checkpoint, checkpoints: Checkpoints) -> None:
        assert checkpoint.open_brackets("run-1") == ()
        checkpoint.mark_started("run-1", SERVER.key, Phase.PRE)
        checkpoint.mark_started("run-1", SERVER.key, Phase.PRE)
        checkpoint.mark_started("run-1", IMAGE.key, Phase.READY)
        opened = checkpoints.open("cp-1")
        assert opened.is_open("run-1", SERVER.key, Phase.PRE)
        assert not opened.is_open("run-2", SERVER.key, Phase.PRE)
        assert set(opened.open_brackets("run-1")) == {(SERVER.key, Phase.PRE), (IMAGE.key, Phase.READY)}
        opened.mark_closed("run-1", SERVER.key, Phase.PRE)
        opened.mark_closed("run-1", SERVER.key, Phase.PRE)
        assert not checkpoint.is_open("run-1", SERVER.key, Phase.PRE)
        assert checkpoint.open_brackets("run-1") == ((IMAGE.key, Phase.READY),)

    def test_what_starts_again_is_open_again(self, checkpoint: Checkpoint) -> None:
        for _ in range(3):
            checkpoint.mark_started("run-1", SERVER.key, Phase.PRE)
            assert checkpoint.is_open("run-1", SERVER.key, Phase.PRE)
            checkpoint.mark_closed("run-1", SERVER.key, Phase.PRE)
            assert not checkpoint.is_open("run-1", SERVER.key, Phase.PRE)

    def test_closing_what_is_not_open_says_nothing(self, checkpoint: Checkpoint, bank: FilesystemBank) -> None:
        before = keys(bank)
        checkpoint.mark_closed("run-1", SERVER.key, Phase.PRE)
        assert keys(bank) == before

    def test_names_of_any_kind(self, checkpoint: Checkpoint) -> None:
        evil = [ResourceKey("", ""), ResourceKey("a/b", ".."), ResourceKey("x" * 500, "\x1b[0m/" * 99)]
        for key in evil:
            checkpoint.mark_started("..", key, Phase.PRE)
        assert {key for key, _ in checkpoint.open_brackets("..")} == set(evil)
        assert checkpoint.open_brackets(".") == ()

    def test_workers_may_say_the_same_at_once(self, checkpoint: Checkpoint) -> None:
        barrier = Barrier(6)

        def say(number: int) -> None:
            barrier.wait()
            checkpoint.mark_started("run-1", SERVER.key, Phase.PRE)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(say, range(6)))
        assert checkpoint.is_open("run-1", SERVER.key, Phase.PRE)


class TestExecutions:
    def test_restored_is_said_once(self, available: Checkpoint, checkpoints: Checkpoints) -> None:
        with pytest.raises(Incomplete, match="has not restored Test::Server#s1"):
            available.restored("run-2", SERVER)
        available.record_restored("run-2", SERVER, {"id": "123"})
        available.record_restored("run-2", SERVER, {"id": "123"})
        with pytest.raises(CheckpointError, match="something else"):
            available.record_restored("run-2", SERVER, {"id": 123})
        assert checkpoints.open("cp-1", "run-2").restored("run-2", SERVER) == {"id": "123"}
        with pytest.raises(Incomplete):
            available.restored("run-3", SERVER)

    def test_restore_and_verify_leave_a_record_and_the_status(self, available: Checkpoint, clock: object) -> None:
        available.record_operation("run-2", "restore", "started")
        clock.turn(minutes=1)  # type: ignore[attr-defined]
        available.record_operation("run-3", "verify", "verified")
        clock.turn(minutes=1)  # type: ignore[attr-defined]
        available.record_operation("run-2", "restore", "restored", {"target": "/x"})
        records = [(record.execution, record.operation, record.state) for record in available.operations()]
        assert records == [("run-3", "verify", "verified"), ("run-2", "restore", "restored")]
        assert available.status().status is Status.AVAILABLE
        assert list(available.verify()) == []


class TestVerify:
    @pytest.fixture
    def found(self, available: Checkpoint) -> Callable[[], list[tuple[str, str]]]:
        return lambda: [
            (finding.kind, finding.key.removeprefix("checkpoints/cp-1/")) for finding in available.verify()
        ]

    DISK = "resources/Test::Volume/v1/data/disk/00000001/00000001"

    def test_everything_is_as_it_was(self, available: Checkpoint) -> None:
        told: list[tuple[int, int]] = []
        assert list(available.verify(lambda done, total: told.append((done, total)))) == []
        assert told == sorted(told)
        assert told[-1] == (available.size(), available.size())
        assert len(told) == available.manifest.summary().objects

    def test_what_is_missing_changed_or_too_much(
        self, available: Checkpoint, bank: FilesystemBank, found: Callable[[], list[tuple[str, str]]]
    ) -> None:
        bank.put("checkpoints/cp-1/facts", [b"{}"])
        bank.delete("checkpoints/cp-1/graph/00000002")
        bank.put("checkpoints/cp-1/graph/99999999", [b"{}"])
        bank.put(f"checkpoints/cp-1/{self.DISK}", [b"124"])
        bank.put("checkpoints/cp-1/resources/zzz", [b""])
        assert found() == [
            ("size", "facts"),
            ("missing", "graph/00000002"),
            ("extra", "graph/99999999"),
            ("sha256", self.DISK),
            ("extra", "resources/zzz"),
        ]

    @pytest.mark.parametrize("key", ["manifest/00000001", "manifest/complete"])
    @pytest.mark.parametrize(
        "data", [None, b"", b"{}", b"[]", b'{"objects": [], "size": 0, "sealed": "", "parts": 5}']
    )
    def test_a_damaged_manifest(
        self, bank: FilesystemBank, found: Callable[[], list[tuple[str, str]]], key: str, data: bytes | None
    ) -> None:
        if data is None:
            bank.delete(f"checkpoints/cp-1/{key}")
        else:
            bank.put(f"checkpoints/cp-1/{key}", [data])
        assert ("manifest", "manifest/") in found()

    def test_what_was_never_completed(self, checkpoint: Checkpoint) -> None:
        assert [finding.kind for finding in checkpoint.verify()] == ["manifest"]


class TestSealing:
    def test_lists_every_object_with_size_and_digest(self, available: Checkpoint, bank: FilesystemBank) -> None:
        entries = {entry.key: (entry.size, entry.sha256) for entry in available.manifest.entries()}
        disk = entries["resources/Test::Volume/v1/data/disk/00000001/00000001"]
        assert disk == (3, "a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3")
        records = ("status/", "manifest/", "executions/", "leases/")
        present = [key.removeprefix("checkpoints/cp-1/") for key in keys(bank)]
        assert list(entries) == [key for key in present if not key.startswith(records)]

    def test_a_large_manifest_comes_in_parts(self, checkpoint: Checkpoint) -> None:
        summary = checkpoint.manifest.seal(checkpoint.clock, part_size=3)
        assert len(summary.parts) == -(-summary.objects // 3) > 2
        assert summary.objects == sum(1 for _ in checkpoint.manifest.entries())
        checkpoint.move(Status.AVAILABLE)
        assert list(checkpoint.verify()) == []

    def test_again_is_fine(self, available: Checkpoint, clock: object) -> None:
        clock.turn(days=1)  # type: ignore[attr-defined]
        assert available.seal().sealed == "2026-11-23T12:00:00.000Z"

    def test_removes_what_killed_writers_left(self, checkpoint: Checkpoint, bank: FilesystemBank) -> None:
        above = "checkpoints/cp-1/resources/Test::Volume/v1/data/"
        leftovers = [
            f"{above}disk/00000002/claim",
            f"{above}disk/00000002/00000001",
            f"{above}x/00000001/claim",
        ]
        for key in leftovers:
            bank.put(key, [b"{}"])
        checkpoint.seal()
        assert not set(leftovers) & set(keys(bank))
        assert list(checkpoint.verify()) == []
        assert b"".join(checkpoint.section(VOLUME).read("disk")) == b"123"

    @pytest.mark.parametrize("data", [None, b"12"])
    def test_refuses_when_a_segment_is_missing_or_short(
        self, checkpoint: Checkpoint, bank: FilesystemBank, data: bytes | None
    ) -> None:
        key = "checkpoints/cp-1/resources/Test::Volume/v1/data/disk/00000001/00000001"
        if data is None:
            bank.delete(key)
        else:
            bank.put(key, [data])
        with pytest.raises(Damaged, match="missing or cut short"):
            checkpoint.seal()
        with pytest.raises(Incomplete):
            checkpoint.move(Status.AVAILABLE)
        checkpoint.move(Status.ERROR)

    def test_after_a_crash_in_the_middle_of_it(self, checkpoint: Checkpoint, bank: FilesystemBank) -> None:
        bank.put("checkpoints/cp-1/manifest/00000001", [b"half"])
        bank.put("checkpoints/cp-1/manifest/00000007", [b"old"])
        assert checkpoint.seal().objects > 0
        assert list(checkpoint.verify()) == []


class TestErasing:
    def test_leaves_nothing(self, available: Checkpoint, checkpoints: Checkpoints, bank: FilesystemBank) -> None:
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

    def test_spares_its_neighbours(self, begin: Begin, checkpoints: Checkpoints, bank: FilesystemBank) -> None:
        for id in ("cp", "cp-1", "cp.1", "cp0"):
            begin(id).section(SERVER).save({})
        others = [key for key in keys(bank) if not key.startswith("checkpoints/cp/")]
        doomed = checkpoints.open("cp")
        doomed.move(Status.DELETING)
        doomed.erase()
        assert keys(bank) == others

    def test_remains_without_a_status_can_be_erased(self, checkpoints: Checkpoints, bank: FilesystemBank) -> None:
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


def test_a_person_finds_an_explanation_beside_the_data(available: Checkpoint, bank: FilesystemBank) -> None:
    text = (bank.path / "checkpoints/cp-1/README.object").read_text()
    assert "To restore by hand" in text
    for name in ("facts", "graph", "resources", "manifest", "status"):
        assert name in text
        assert any(key.startswith(f"checkpoints/cp-1/{name}") for key in keys(bank))
