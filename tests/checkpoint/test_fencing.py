"""A holder that slept through the end of its lease, and was succeeded, wakes up and writes: every write of an
execution, one by one, and what refuses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.errors import CheckpointError, CheckpointMissing, Fenced, LeaseHeld
from embank.checkpoint.records.status import Status
from embank.checkpoint.section.segments import Data
from embank.model import Phase, Resource
from embank.plugins import BankError, ObjectMissing
from embank_plugins.banks.filesystem.bank import FilesystemBank

Keys = Callable[..., list[str]]
SERVER = Resource("Test::Server", "s1", "web")
VOLUME = Resource("Test::Volume", "v1", "disk")
HOUR = timedelta(hours=1)
CHUNK = {"tree": [[0, "Test::Server", "other", "other"]]}

WRITES: dict[str, Callable[[Checkpoint], object]] = {
    "status: available": lambda late: late.move(Status.AVAILABLE, token=late.token),
    "status: error": lambda late: late.move(Status.ERROR, token=late.token),
    "status: deleting": lambda late: late.move(Status.DELETING, token=late.token),
    "manifest": lambda late: late.seal(),
    "graph": lambda late: late.save_graph_chunk(1, 9, CHUNK),
    "information": lambda late: late.section(SERVER).save({"flavour": "large"}),
    "data": lambda late: late.section(VOLUME).write("disk", [b"late"]),
    "mark": lambda late: late.mark_started("run-1", SERVER.key, Phase.PRE),
    "restored": lambda late: late.record_restored("run-1", SERVER, {"id": "late"}),
    "operation": lambda late: late.record_operation("run-1", "restore", "restored"),
    "once": lambda late: late.starts("run-1").once(SERVER, "backup", lambda token: "late"),
    "renewal": lambda late: late.leases.renew(late.leases.acquire("run-1", HOUR), HOUR),
}


@pytest.fixture
def late(checkpoint: Checkpoint, clock: Any) -> Checkpoint:
    """It works under a lease that is over."""
    checkpoint.token = checkpoint.leases.acquire("run-1", HOUR).token
    clock.turn(hours=2)
    return checkpoint


def take_over(checkpoints: Checkpoints) -> Checkpoint:
    other = checkpoints.open("cp-1", "run-2")
    other.token = other.leases.acquire("run-2", HOUR).token
    return other


@pytest.mark.parametrize("name", WRITES)
def test_while_nobody_has_taken_over_it_may_go_on(late: Checkpoint, name: str) -> None:
    if name == "graph":
        with pytest.raises(CheckpointError, match="another resource graph"):
            WRITES[name](late)
    else:
        if name == "status: available":
            late.seal()
        WRITES[name](late)


@pytest.mark.parametrize("name", WRITES)
def test_another_holds_the_lease(
    late: Checkpoint, checkpoints: Checkpoints, bank: FilesystemBank, keys: Keys, name: str
) -> None:
    take_over(checkpoints)
    before = keys(bank)
    with pytest.raises((Fenced, LeaseHeld), match="run-2"):
        WRITES[name](late)
    assert keys(bank) == before


@pytest.mark.parametrize("name", [name for name in WRITES if name != "renewal"])
def test_another_has_had_the_lease_and_gave_it_back(
    late: Checkpoint, checkpoints: Checkpoints, bank: FilesystemBank, keys: Keys, name: str
) -> None:
    """It is free, and still not the one under which this was begun."""
    other = take_over(checkpoints)
    other.leases.release(other.leases.acquire("run-2", HOUR))
    before = keys(bank)
    with pytest.raises(Fenced, match="nobody holds it now"):
        WRITES[name](late)
    assert keys(bank) == before


@pytest.mark.parametrize("name", WRITES)
def test_another_is_deleting_it(
    late: Checkpoint, checkpoints: Checkpoints, bank: FilesystemBank, keys: Keys, name: str
) -> None:
    other = take_over(checkpoints)
    other.move(Status.DELETING, token=other.token)
    before = keys(bank)
    with pytest.raises((Fenced, LeaseHeld)):
        WRITES[name](late)
    assert keys(bank) == before
    assert [step.status for step in other.history()] == [Status.PROTECTING, Status.DELETING]
    other.erase()
    assert keys(bank) == []


@pytest.mark.parametrize("name", [name for name in WRITES if name not in ("renewal", "status: deleting")])
def test_another_has_deleted_it(
    late: Checkpoint, checkpoints: Checkpoints, bank: FilesystemBank, keys: Keys, name: str
) -> None:
    other = take_over(checkpoints)
    other.move(Status.DELETING, token=other.token)
    other.erase()
    with pytest.raises((Fenced, CheckpointError, BankError)):
        WRITES[name](late)
    assert keys(bank) == [], "what was proved to be gone must not come back"


def test_closers_are_not_kept_from_saying_that_they_have_closed(late: Checkpoint, checkpoints: Checkpoints) -> None:
    """Their records are the execution's own, and the truth, whoever holds the lease."""
    late.token, token = 0, late.token
    late.mark_started("run-1", SERVER.key, Phase.PRE)
    late.token = token
    take_over(checkpoints)
    late.mark_closed("run-1", SERVER.key, Phase.PRE)
    assert late.open_brackets("run-1") == ()
    late.section(SERVER).note("thawed", True)
    late.unfenced().mark_started("run-1", SERVER.key, Phase.READY)
    assert late.token == token


def test_a_long_write_notices_that_it_was_succeeded(
    late: Checkpoint, checkpoints: Checkpoints, bank: FilesystemBank, keys: Keys
) -> None:
    """Hours pass between its segments; what it has written goes."""
    section = late.section(VOLUME)
    before = keys(bank)

    def chunks() -> Iterator[bytes]:
        yield b"1234"
        take_over(checkpoints)
        yield b"5678"

    with pytest.raises(Fenced):
        Data(bank, section.prefix, "dump", section.check_open).write(chunks(), segment_size=4)
    assert [key for key in keys(bank) if "/leases/" not in key] == [key for key in before if "/leases/" not in key]


def test_a_write_that_was_succeeded_is_not_published(late: Checkpoint, checkpoints: Checkpoints) -> None:
    section = late.section(VOLUME)

    def chunks() -> Iterator[bytes]:
        yield b"1234"
        take_over(checkpoints)

    with pytest.raises(Fenced):
        section.write("dump", chunks())
    assert section.names() == ["disk"]


@pytest.mark.parametrize("when", [1, 2, 3])
def test_a_long_write_into_what_was_deleted_leaves_nothing(
    late: Checkpoint, checkpoints: Checkpoints, bank: FilesystemBank, keys: Keys, when: int
) -> None:
    """Before a segment, between two, or behind the last one."""
    section = late.section(VOLUME)

    def chunks() -> Iterator[bytes]:
        for number in (1, 2, 3):
            if number == when:
                other = take_over(checkpoints)
                other.move(Status.DELETING, token=other.token)
                other.erase()
            if number < 3:
                yield b"1234"

    with pytest.raises(CheckpointMissing):
        Data(bank, section.prefix, "dump", section.check_open).write(chunks(), segment_size=4)
    assert keys(bank) == []


def test_a_seal_of_what_is_deleted_meanwhile_leaves_nothing(
    checkpoint: Checkpoint, bank: FilesystemBank, keys: Keys
) -> None:
    """The deletion comes between its look and its last write, and is complete by then."""

    class Slow(FilesystemBank):
        def put(self, key: str, chunks: Any, *, if_absent: bool = False) -> Any:
            if key.endswith("manifest/complete"):
                other = Checkpoints(bank).open("cp-1", "run-2")
                other.move(Status.DELETING)
                other.erase()
            return super().put(key, chunks, if_absent=if_absent)

    with pytest.raises(CheckpointMissing):
        Checkpoints(Slow(bank.conf)).open("cp-1", "run-1").seal()
    assert keys(bank) == []


def test_a_seal_that_another_worker_completes_meanwhile(checkpoint: Checkpoint, bank: FilesystemBank) -> None:
    """It has just seen that there is no manifest. From then on, at no moment the checkpoint that the other has made
    available is without one: this worker may be killed at any of them.
    """
    looks = 0
    seen: list[bool] = []

    class Slow(FilesystemBank):
        def get(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
            nonlocal looks
            try:
                yield from super().get(key, start=start, end=end)
            except ObjectMissing:
                looks += 1
                if looks == 2:  # once before it looks at the graph, and once more
                    Checkpoints(bank).open("cp-1", "run-1").seal()
                    checkpoint.move(Status.AVAILABLE)
                raise

        def put(self, key: str, chunks: Any, *, if_absent: bool = False) -> Any:
            info = super().put(key, chunks, if_absent=if_absent)
            seen.append(checkpoint.status().status is Status.AVAILABLE)
            return info

        def delete(self, key: str) -> None:
            super().delete(key)
            seen.append(checkpoint.status().status is Status.AVAILABLE)

    Checkpoints(Slow(bank.conf)).open("cp-1", "run-1").seal()
    assert looks == 2
    assert seen == [True, True]
    assert list(checkpoint.verify()) == []
