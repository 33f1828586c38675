"""What executions leave with a checkpoint: brackets, what was restored, how it went."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.errors import (
    CheckpointError,
    Incomplete,
)
from embank.checkpoint.records.status import Status
from embank.model import Phase, Resource, ResourceKey
from embank_plugins.banks.filesystem.bank import FilesystemBank

Keys = Callable[..., list[str]]
SERVER = Resource("Test::Server", "s1", "web")
IMAGE = Resource("Test::Volume", "../s1", "disk with an evil id")


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

    def test_closing_what_is_not_open_says_nothing(
        self, checkpoint: Checkpoint, bank: FilesystemBank, keys: Keys
    ) -> None:
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
