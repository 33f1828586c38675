"""Banks that break their promise to raise nothing but BankError, as every library does one day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from embank.actions.guarded_bank import GuardedBank
from embank.conformance.faults.claims import Trial, check
from embank.conformance.faults.faulty_bank import Fault, FaultyBank, Kind
from embank.conformance.faults.memory_bank import MemoryBank
from embank.conformance.faults.run import Site
from embank.errors import ExitCode
from embank.model import Operation
from embank.plugins import BankError

MakeSite = Callable[[Path], Site]


def connection_lost(text: str) -> ConnectionError:
    return ConnectionError(text)


@pytest.mark.parametrize("times", [1, None], ids=["once", "for good"])
@pytest.mark.parametrize("kind", [Kind.FAIL, Kind.EXIT, Kind.INTERRUPT])
def test_closers_run_whatever_a_bank_raises(tmp_path: Path, things: MakeSite, kind: Kind, times: int | None) -> None:
    site = things(tmp_path)
    undisturbed = FaultyBank(MemoryBank())
    assert site.run(Operation.PROTECT, undisturbed, "trial").exit_code is ExitCode.OK
    for call in undisturbed.calls[::3]:
        bank = FaultyBank(MemoryBank(), Fault(kind, call.number, times), error=connection_lost)
        outcome = site.run(Operation.PROTECT, bank, "trial")
        assert bank.struck
        check(Trial(site, Operation.PROTECT, bank.bank, "trial", outcome))


def test_what_the_source_of_a_put_raises_is_its_own() -> None:
    def source() -> Iterator[bytes]:
        yield b"some"
        raise ConnectionError("of the source")

    with pytest.raises(ConnectionError, match="of the source"):
        GuardedBank(MemoryBank()).put("a", source())


@pytest.mark.parametrize("kind", [Kind.FAIL, Kind.LOSE, Kind.EXIT])
def test_everything_else_is_a_bank_error_that_says_what_it_was(kind: Kind) -> None:
    inner = MemoryBank()
    inner.put("a", [b"x"])

    def bank() -> GuardedBank:
        return GuardedBank(FaultyBank(inner, Fault(kind, 1), error=connection_lost))

    calls: list[Callable[[], object]] = [
        lambda: bank().put("b", [b"x"]),
        lambda: list(bank().get("a")),
        lambda: bank().list(),
        lambda: bank().stat("a"),
        lambda: bank().delete("a"),
    ]
    for call in calls:
        with pytest.raises(BankError, match=r"(ConnectionError|SystemExit): injected"):
            call()
