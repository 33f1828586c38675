"""The manifest: written last, and compared with everything by verify."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.errors import (
    Damaged,
    Incomplete,
)
from embank.checkpoint.records.status import Status
from embank.model import Resource
from embank_plugins.banks.filesystem.bank import FilesystemBank

Keys = Callable[..., list[str]]
VOLUME = Resource("Test::Volume", "v1", "disk")


class TestSealing:
    def test_lists_every_object_with_size_and_digest(
        self, available: Checkpoint, bank: FilesystemBank, keys: Keys
    ) -> None:
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

    def test_removes_what_killed_writers_left(self, checkpoint: Checkpoint, bank: FilesystemBank, keys: Keys) -> None:
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
