"""What the kit for faults has found in Embank itself, each in as few lines as it takes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.errors import Damaged
from embank.checkpoint.records.status import Status
from embank.conformance.faults.faulty_bank import Fault, FaultyBank, Kind
from embank.conformance.faults.memory_bank import MemoryBank
from embank.plugins import BankError

Make = Callable[[MemoryBank], Checkpoint]
TTL = timedelta(minutes=15)


def test_a_delete_that_fails_at_any_call_can_be_done_by_another_execution(available: Make) -> None:
    """Its leases were gone before the status that had their tokens: a new lease was refused for ever."""
    for number in range(1, 1000):
        bank = MemoryBank()
        leases = available(bank).leases
        leases.release(leases.acquire("long before", TTL))
        faulty = FaultyBank(bank, Fault(Kind.FAIL, number))
        try:
            delete(faulty, "before")
        except BankError:
            checkpoint = Checkpoint(bank, "c1", "before")
            if lease := checkpoint.leases.current():
                checkpoint.leases.release(lease)
            delete(bank, "after")
        assert bank.list() == []
        if not faulty.struck:
            assert number > 20
            break


def delete(bank: MemoryBank | FaultyBank, execution: str) -> None:
    checkpoint = Checkpoint(bank, "c1", execution)
    token = checkpoint.leases.acquire(execution, TTL).token
    checkpoint.move(Status.DELETING, execution=execution, token=token)
    checkpoint.erase()


def test_a_manifest_has_no_digest_of_half_an_object(unsealed: Make) -> None:
    """A get that ends early made a checkpoint available that could never be verified."""
    refused = 0
    for number in range(1, 1000):
        bank = MemoryBank()
        unsealed(bank)
        faulty = FaultyBank(bank, Fault(Kind.CUT, number))
        with suppress(Damaged, BankError):
            Checkpoint(faulty, "c1", "c1").seal()
        if not faulty.struck:
            break
        if faulty.struck[0].method == "get":
            refused += not Checkpoint(bank, "c1", "c1").manifest.is_complete()
            Checkpoint(bank, "c1", "c1").seal()
            assert list(Checkpoint(bank, "c1", "c1").verify()) == []
    assert refused >= 6
