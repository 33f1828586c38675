"""The bank in memory is a bank; a faulty one around it is one until its fault strikes, and then does what it says."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from embank.conformance.bank.keys import KeyConformance
from embank.conformance.bank.objects import MakeBank, ObjectConformance
from embank.conformance.faults.faulty_bank import Fault, FaultyBank, Kind
from embank.conformance.faults.memory_bank import MemoryBank
from embank.plugins import Bank, BankError, ObjectExists


class TestMemoryBank(ObjectConformance, KeyConformance):
    test_large_objects_are_streamed = None  # whatever it holds is in memory

    @pytest.fixture
    def make_bank(self) -> MakeBank:
        bank = MemoryBank()
        return lambda: bank

    @pytest.fixture
    def bank(self, make_bank: MakeBank) -> Bank:
        return make_bank()


class TestAFaultyBankWithoutFault(TestMemoryBank):
    @pytest.fixture
    def make_bank(self) -> MakeBank:
        bank = FaultyBank(MemoryBank())
        return lambda: bank


@pytest.fixture
def inner() -> MemoryBank:
    bank = MemoryBank()
    bank.put("there", [b"x" * 10_000])
    return bank


def chunks() -> Iterator[bytes]:
    yield from (b"one", b"two", b"three")


def test_pieces_of_streams_are_calls(inner: MemoryBank) -> None:
    bank = FaultyBank(inner)
    bank.put("new", chunks())
    list(bank.get("there"))
    bank.stat("new")
    assert [(call.method, call.key, call.part) for call in bank.calls] == [
        ("put", "new", 0), ("put", "new", 1), ("put", "new", 2),
        ("get", "there", 0), ("get", "there", 1), ("get", "there", 2),
        ("stat", "new", 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "left"),
    [
        (Kind.FAIL, None),
        (Kind.LOSE, b"onetwothree"),
        (Kind.TEAR, None),
        (Kind.CUT, b"onetw"),
        (Kind.EXIT, None),
        (Kind.INTERRUPT, None),
    ],
)
def test_what_a_put_leaves(inner: MemoryBank, kind: Kind, left: bytes | None) -> None:
    bank = FaultyBank(inner, Fault(kind, 1))
    with pytest.raises((BankError, SystemExit, KeyboardInterrupt), match="injected"):
        bank.put("new", chunks(), if_absent=True)
    found = b"".join(inner.get("new")) if inner.stat("new") else None
    assert found == left
    assert [call.number for call in bank.struck] == [1]


@pytest.mark.parametrize(
    ("kind", "left"), [(Kind.FAIL, None), (Kind.LOSE, None), (Kind.TEAR, None), (Kind.CUT, b"onetwo")]
)
def test_what_a_put_leaves_when_its_third_piece_goes_wrong(inner: MemoryBank, kind: Kind, left: bytes | None) -> None:
    with pytest.raises(BankError):
        FaultyBank(inner, Fault(kind, 3)).put("new", chunks())
    assert (b"".join(inner.get("new")) if inner.stat("new") else None) == left


@pytest.mark.parametrize(
    ("kind", "size", "fails"),
    [(Kind.FAIL, 0, True), (Kind.LOSE, 10_000, True), (Kind.TEAR, 5000, True), (Kind.CUT, 5000, False)],
)
def test_what_a_get_gives(inner: MemoryBank, kind: Kind, size: int, fails: bool) -> None:
    given = 0
    try:
        for chunk in FaultyBank(inner, Fault(kind, 1)).get("there"):
            given += len(chunk)
    except BankError:
        assert fails
    else:
        assert not fails
    assert given == size


def test_an_answer_that_is_lost_is_lost_whatever_it_was(inner: MemoryBank) -> None:
    bank = FaultyBank(inner, Fault(Kind.LOSE, 1))
    with pytest.raises(BankError) as raised:
        bank.put("there", [b"other"], if_absent=True)
    assert not isinstance(raised.value, ObjectExists)
    with pytest.raises(BankError):
        FaultyBank(inner, Fault(Kind.LOSE, 1)).delete("there")
    assert inner.stat("there") is None


@pytest.mark.parametrize(("times", "struck"), [(1, [2]), (3, [2, 3, 4]), (None, [2, 3, 4, 5, 6])])
def test_how_often_it_strikes(inner: MemoryBank, times: int | None, struck: list[int]) -> None:
    bank = FaultyBank(inner, Fault(Kind.FAIL, 2, times))
    failed = []
    for number in range(1, 7):
        try:
            bank.stat("there")
        except BankError:
            failed.append(number)
    assert failed == struck == [call.number for call in bank.struck]


@pytest.mark.parametrize(("kind", "happens"), [(Kind.STALL, False), (Kind.LATE, True)])
def test_what_hangs_until_it_is_released(inner: MemoryBank, kind: Kind, happens: bool) -> None:
    bank = FaultyBank(inner, Fault(kind, 1))
    failed: list[BaseException] = []

    def delete() -> None:
        try:
            bank.delete("there")
        except BankError as error:
            failed.append(error)

    thread = threading.Thread(target=delete)
    thread.start()
    assert inner.stat("there")
    bank.release()
    thread.join()
    assert (inner.stat("there") is None, bool(failed)) == (happens, not happens)
    assert not bank.waited_in_vain


def test_what_hangs_for_its_time(inner: MemoryBank) -> None:
    bank = FaultyBank(inner, Fault(Kind.LATE, 1, seconds=0.01))
    assert bank.stat("there")
    assert bank.waited_in_vain


def test_threads_count_together(inner: MemoryBank) -> None:
    bank = FaultyBank(inner)

    def ask() -> None:
        for _ in range(500):
            bank.stat("there")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [call.number for call in bank.calls] == list(range(1, 2001))


def test_a_bank_has_no_rubbish(inner: MemoryBank) -> None:
    with pytest.raises(ValueError, match="does not answer with rubbish"):
        FaultyBank(inner, Fault(Kind.RUBBISH, 1))
