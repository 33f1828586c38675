"""The test kit for banks, part one: an object is put, read, replaced and deleted."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from embank.plugins import Bank, ObjectExists, ObjectMissing

MakeBank = Callable[[], Bank]
MIB = 1 << 20


def content(bank: Bank, key: str) -> bytes:
    """All of an object."""
    return b"".join(bank.get(key))


def keys(bank: Bank, prefix: str = "") -> list[str]:
    """Every key that starts with `prefix`, page by page."""
    found: list[str] = []
    marker = ""
    while page := bank.list(prefix, marker=marker, limit=7):
        assert len(page) <= 7
        found += [info.key for info in page]
        marker = page[-1].key
    return found


class ObjectConformance:
    """One object, and one writer at a time."""

    def test_check_accepts_a_bank_that_can_be_used(self, bank: Bank) -> None:
        """And changes nothing."""
        bank.check()
        assert keys(bank) == []

    def test_an_object_comes_back(self, bank: Bank, make_bank: MakeBank) -> None:
        """Also to somebody else, at once."""
        info = bank.put("a/b", [b"one ", b"", b"two"])
        assert (info.key, info.size) == ("a/b", 7)
        other = make_bank()
        assert content(other, "a/b") == b"one two"
        assert other.stat("a/b") == info
        assert list(other.list()) == [info]

    @pytest.mark.parametrize("data", [b"", b"123", bytes(range(256)) * 41, b"\xff\xfe\r\n\x00"])
    def test_bytes_stay_as_they_are(self, bank: Bank, data: bytes) -> None:
        """Nothing decodes, translates or guesses."""
        bank.put("data", [data])
        assert content(bank, "data") == data
        found = bank.stat("data")
        assert found is not None
        assert found.size == len(data)

    def test_no_chunks_make_an_empty_object(self, bank: Bank) -> None:
        """Which is an object all the same."""
        bank.put("empty", [])
        assert content(bank, "empty") == b""
        assert keys(bank) == ["empty"]

    def test_what_is_not_there(self, bank: Bank) -> None:
        """Is missing, and asking for it is no other error; not even when there is something below or above."""
        bank.put("a/b/c", [b"x"])
        for key in ("x", "a", "a/b", "a/b/c/d"):
            assert bank.stat(key) is None
            with pytest.raises(ObjectMissing):
                b"".join(bank.get(key))
            with pytest.raises(ObjectMissing):
                bank.delete(key)
        assert keys(bank) == ["a/b/c"]

    def test_delete(self, bank: Bank, make_bank: MakeBank) -> None:
        """Deletes one object and no other."""
        for key in ("a", "a/b", "a/c"):
            bank.put(key, [key.encode()])
        bank.delete("a/b")
        assert make_bank().stat("a/b") is None
        assert keys(bank) == ["a", "a/c"]
        with pytest.raises(ObjectMissing):
            bank.delete("a/b")

    def test_put_replaces(self, bank: Bank) -> None:
        """Also something longer."""
        bank.put("a", [b"x" * 1000])
        bank.put("a", [b"new"])
        assert content(bank, "a") == b"new"

    def test_if_absent(self, bank: Bank, make_bank: MakeBank) -> None:
        """Writes once, and again after a delete."""
        bank.put("a", [b"first"], if_absent=True)
        for other in (bank, make_bank()):
            with pytest.raises(ObjectExists):
                other.put("a", [b"second"], if_absent=True)
        assert content(bank, "a") == b"first"
        bank.delete("a")
        bank.put("a", [b"third"], if_absent=True)
        assert content(bank, "a") == b"third"

    @pytest.mark.parametrize(
        ("start", "end"),
        [(0, None), (0, 0), (0, 1), (3, 7), (9, 10), (9, None), (10, None), (5, 99), (50, 99), (4, 4)],
    )
    def test_ranges(self, bank: Bank, start: int, end: int | None) -> None:
        """Are those of Python's slices."""
        data = b"0123456789"
        bank.put("digits", [data])
        assert b"".join(bank.get("digits", start=start, end=end)) == data[start:end]

    @pytest.mark.parametrize("offset", [-1, 0, 1])
    def test_ranges_of_a_large_object(self, bank: Bank, offset: int) -> None:
        """Around the sizes that implementations like."""
        data = bytes(range(251)) * (3 * MIB // 251)
        bank.put("large", [data])
        start, end = MIB + offset, 2 * MIB + offset
        assert b"".join(bank.get("large", start=start, end=end)) == data[start:end]

    def test_a_source_that_fails_leaves_nothing(self, bank: Bank) -> None:
        """And what was there before stays. Its error comes through as it is, also an OSError."""

        def failing() -> Iterator[bytes]:
            yield b"x" * MIB
            yield b"x" * MIB
            raise FileNotFoundError("the source has gone")

        bank.put("old", [b"old"])
        for key, if_absent in (("old", False), ("new", False), ("newer", True)):
            with pytest.raises(FileNotFoundError, match="the source has gone"):
                bank.put(key, failing(), if_absent=if_absent)
        assert keys(bank) == ["old"]
        assert content(bank, "old") == b"old"

    def test_large_objects_are_streamed(self, bank: Bank) -> None:
        """In and out, without ever holding more than a part."""
        block = bytes(range(256)) * (MIB // 256)
        tracemalloc.start()
        try:
            bank.put("large", (bytes(block) for _ in range(64)))
            read = sum(len(chunk) for chunk in bank.get("large"))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert read == 64 * MIB
        assert peak < 24 * MIB
