"""The Swift bank passes the kit for banks; what is larger than a segment is one object all the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from embank.conformance.bank.kit import BankConformance, MakeBank
from embank.conformance.bank.objects import content, keys
from embank.conformance.bank.races import in_processes
from embank.plugins import BankError, ObjectExists
from embank_plugins.banks.swift.bank import SwiftBank
from kit.swift_banks import OpenSwift

pytestmark = pytest.mark.service
MIB = 1 << 20


class TestSwiftBank(BankConformance):
    @pytest.fixture
    def make_bank(self, open_swift: OpenSwift) -> MakeBank:
        return open_swift


def everything(bank: SwiftBank) -> list[str]:
    """The names of all objects of the container, keys or not."""
    return [row.name for row in bank._container.list("", "", 1000, "list")]


def zeros(size: int) -> Iterator[bytes]:
    block = bytes(MIB)
    for _ in range(size // MIB):
        yield block
    yield block[: size % MIB]


class TestSegments:
    """Swift takes at most 20 MiB in one piece here, and the bank makes segments of one."""

    @pytest.fixture
    def bank(self, open_swift: OpenSwift) -> SwiftBank:
        return open_swift(segment_size=1)

    @pytest.mark.parametrize("size", [MIB - 1, MIB, MIB + 1, 24 * MIB + 5])
    def test_an_object_of_segments_is_one_object(self, bank: SwiftBank, open_swift: OpenSwift, size: int) -> None:
        data = bytes(range(251)) * (size // 251) + b"x" * (size % 251)
        for if_absent in (False, True):
            key = f"large/{if_absent}"
            assert bank.put(key, [data], if_absent=if_absent).size == size
            other = open_swift()
            assert content(other, key) == data
            found = other.stat(key)
            assert found is not None
            assert found.size == size
            assert list(other.list("large/")) == [found]
            assert b"".join(other.get(key, start=size - 10)) == data[-10:]
            other.delete(key)
        assert everything(bank) == []

    def test_what_is_larger_than_the_service_takes_is_refused_in_words(self, open_swift: OpenSwift) -> None:
        with pytest.raises(BankError, match="larger than what the service takes: lower bank_swift_segment_size"):
            open_swift(segment_size=30).put("a", zeros(25 * MIB))

    def test_the_segments_of_what_is_replaced_go(self, bank: SwiftBank) -> None:
        bank.put("a", zeros(3 * MIB))
        bank.put("a", zeros(2 * MIB))
        assert len(everything(bank)) == 3
        bank.put("a", [b"small"])
        assert everything(bank) == ["a"]

    def test_the_segments_of_what_fails_go(self, bank: SwiftBank) -> None:
        def failing() -> Iterator[bytes]:
            yield from zeros(3 * MIB)
            assert len(everything(bank)) == 3
            raise RuntimeError("the source has gone")

        bank.put("there", [b"x"])
        with pytest.raises(RuntimeError, match="the source has gone"):
            bank.put("a", failing())
        with pytest.raises(ObjectExists):
            bank.put("there", zeros(3 * MIB), if_absent=True)
        assert everything(bank) == ["there"]

    def test_of_racing_large_puts_one_writes_once(self, bank: SwiftBank, open_swift: OpenSwift) -> None:
        def write(number: int) -> int:
            try:
                open_swift(segment_size=1).put("once", [bytes([number]) * MIB] * 3, if_absent=True)
            except ObjectExists:
                return 0
            return number + 1

        (winner,) = [number - 1 for number in in_processes(write, 3) if number]
        assert content(bank, "once") == bytes([winner]) * 3 * MIB
        assert len(everything(bank)) == 4

    def test_too_many_segments(self, bank: SwiftBank, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("embank_plugins.banks.swift.large.MOST", 2)
        with pytest.raises(BankError, match="more than 2 segments: raise bank_swift_segment_size"):
            bank.put("a", zeros(3 * MIB))
        assert everything(bank) == []


def test_what_others_left_in_the_container_is_no_key(open_swift: OpenSwift) -> None:
    bank = open_swift()
    bank.put("b", [b"x"])
    for name in ("a/", "a//b", "c\n", "/d"):
        bank._container.put_empty(name, "", "test")
    assert keys(bank) == ["b"]
    assert [info.key for info in bank.list(limit=1)] == ["b"]
    assert list(bank.list("a")) == []
