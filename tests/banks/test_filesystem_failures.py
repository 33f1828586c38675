"""Full disks, dead writers, and a bank that vanishes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from embank.conformance.bank.objects import content, keys
from embank.conformance.bank.races import killed_while_writing
from embank.plugins import BankError
from embank_plugins.banks.filesystem.bank import FilesystemBank
from kit.banks import open_bank

MIB = 1 << 20


def files_below(path: Path) -> list[str]:
    return sorted(str(file.relative_to(path)) for file in path.rglob("*") if not file.is_dir())


class TestFullDisk:
    def test_nothing_is_left_of_what_does_not_fit(self, small_disk: Path) -> None:
        bank = open_bank(small_disk / "bank")
        bank.put("a", [b"old"])
        for key, if_absent in (("a", False), ("b/c", True)):
            with pytest.raises(BankError, match="No space left on device; nothing was stored: make room") as caught:
                bank.put(key, [b"x" * MIB] * 2, if_absent=if_absent)
            assert str(bank.path) in str(caught.value)
        assert keys(bank) == ["a"]
        assert content(bank, "a") == b"old"
        assert files_below(bank.path) == ["a.object"]
        bank.put("d", [b"x" * (MIB // 2)])  # the room is free again

    def test_not_even_room_for_names(self, small_disk: Path) -> None:
        bank = open_bank(small_disk / "bank")
        stored: list[str] = []

        def fill() -> None:
            for number in range(10_000):
                bank.put(f"{number}/{number}", [b"x"])
                stored.append(f"{number}/{number}")

        with pytest.raises(BankError, match="No space left"):
            fill()
        assert keys(bank) == sorted(stored)
        for key in stored:
            bank.delete(key)
        bank.put("again", [b"x"])

    def test_a_limit_on_the_size_of_files(self, bank: FilesystemBank) -> None:
        """The same without the right to mount anything: the write fails half-way."""
        import resource

        bank.put("a", [b"old"])
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 * MIB, hard))
        try:
            with pytest.raises(BankError, match="File too large"):
                bank.put("a", [b"x" * MIB] * 5)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert content(bank, "a") == b"old"
        assert files_below(bank.path) == ["a.object"]


class TestTemporaryFiles:
    def test_of_a_killed_writer_are_swept_by_the_next_one(self, bank: FilesystemBank) -> None:
        killed_while_writing(lambda: open_bank(bank.path), "a", False)
        assert len(files_below(bank.path / ".incoming")) == 1
        assert keys(bank) == []
        bank.put("b", [b"x"])
        assert files_below(bank.path / ".incoming") == []

    def test_of_a_living_writer_survive_the_sweep(self, bank: FilesystemBank) -> None:
        begun, go_on = threading.Event(), threading.Event()

        def chunks() -> Iterator[bytes]:
            yield b"first "
            begun.set()
            go_on.wait()
            yield b"second"

        writer = threading.Thread(target=bank.put, args=("slow", chunks()))
        writer.start()
        begun.wait()
        open_bank(bank.path).put("fast", [b"x"])
        assert len(files_below(bank.path / ".incoming")) == 1
        go_on.set()
        writer.join()
        assert content(bank, "slow") == b"first second"
        assert files_below(bank.path / ".incoming") == []


def test_a_bank_that_vanishes_is_not_begun_anew(bank: FilesystemBank) -> None:
    bank.put("a", [b"x"])
    bank.path.rename(bank.path.with_name("unmounted"))
    for attempt in (lambda: bank.put("b", [b"x"]), lambda: bank.stat("a"), lambda: next(bank.get("a")), bank.list):
        with pytest.raises(BankError, match="has vanished"):
            attempt()
    assert not bank.path.exists()


def test_a_bank_that_vanishes_during_a_write(bank: FilesystemBank) -> None:
    bank.put("a", [b"x"])

    def chunks() -> Iterator[bytes]:
        yield b"x"
        bank.path.rename(bank.path.with_name("gone"))
        (bank.path.with_name("gone") / ".incoming").rename(bank.path.with_name("torn out"))
        yield b"x"

    bank.put("b/c", chunks())  # the directory was only moved: what was opened is still the bank
    assert (bank.path.with_name("gone") / "b/c.object").read_bytes() == b"xx"
