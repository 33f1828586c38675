"""Leases: one holder at a time, and none that does not know it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Protocol

import pytest

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.errors import Fenced, LeaseHeld
from embank.checkpoint.records.lease import Leases
from embank.checkpoint.records.status import Status
from embank.errors import ExitCode
from embank_plugins.banks.filesystem.bank import FilesystemBank

HOUR = timedelta(hours=1)


class TurnedClock(Protocol):
    def turn(self, **by: float) -> None: ...


@pytest.fixture
def checkpoint(begin: Callable[..., Checkpoint]) -> Checkpoint:
    return begin()


@pytest.fixture
def leases(checkpoint: Checkpoint) -> Leases:
    return checkpoint.leases


def test_one_holds_it(leases: Leases) -> None:
    assert leases.current() is None
    lease = leases.acquire("run-1", HOUR)
    assert leases.current() == lease
    with pytest.raises(LeaseHeld, match=r"in use by execution 'run-1' until 2026-11-23T13:00:00.000Z") as caught:
        leases.acquire("run-2", HOUR)
    assert caught.value.exit_code is ExitCode.LOCKED
    leases.release(lease)
    assert leases.current() is None
    assert leases.acquire("run-2", HOUR).token > lease.token


def test_it_is_taken_over_when_it_expires(leases: Leases, clock: TurnedClock) -> None:
    lease = leases.acquire("run-1", HOUR)
    clock.turn(minutes=59)
    with pytest.raises(LeaseHeld):
        leases.acquire("run-2", HOUR)
    clock.turn(minutes=1)
    assert leases.current() is None
    successor = leases.acquire("run-2", HOUR)
    assert successor.token > lease.token
    with pytest.raises(Fenced, match="run-2"):
        leases.check(lease.token)
    with pytest.raises(Fenced):
        leases.renew(lease, HOUR)
    leases.release(lease)  # in vain, and harmless
    assert leases.current() == successor


def test_renewing_prolongs_it(leases: Leases, clock: TurnedClock) -> None:
    lease = leases.acquire("run-1", HOUR)
    for _ in range(5):
        clock.turn(minutes=50)
        lease = leases.renew(lease, HOUR)
        with pytest.raises(LeaseHeld):
            leases.acquire("run-2", HOUR)


def test_an_expired_lease_that_nobody_took_goes_on(leases: Leases, clock: TurnedClock) -> None:
    lease = leases.acquire("run-1", HOUR)
    clock.turn(hours=5)
    assert leases.renew(lease, HOUR).token == lease.token
    assert leases.current() is not None


def test_the_workers_of_an_execution_share_it(leases: Leases, clock: TurnedClock) -> None:
    lease = leases.acquire("run-1", HOUR)
    clock.turn(minutes=10)
    again = leases.acquire("run-1", timedelta(minutes=1))
    assert (again.token, again.expires) == (lease.token, lease.expires)
    leases.renew(lease, HOUR)
    leases.check(again.token)


def test_what_was_released_is_not_renewed(leases: Leases) -> None:
    lease = leases.acquire("run-1", HOUR)
    leases.release(lease)
    leases.release(lease)
    with pytest.raises(Fenced, match="nobody holds it"):
        leases.renew(lease, HOUR)
    with pytest.raises(Fenced):
        leases.check(lease.token)
    assert leases.acquire("run-1", HOUR).token > lease.token


def test_of_many_who_try_one_gets_it(leases: Leases) -> None:
    barrier = Barrier(8)

    def attempt(number: int) -> int | None:
        barrier.wait()
        try:
            return leases.acquire(f"run-{number}", HOUR).token
        except LeaseHeld:
            return None

    with ThreadPoolExecutor(8) as pool:
        tokens = [token for token in pool.map(attempt, range(8)) if token]
    assert len(tokens) == 1
    leases.check(tokens[0])


def test_a_late_holder_cannot_change_the_status(checkpoint: Checkpoint, clock: TurnedClock) -> None:
    late = checkpoint.leases.acquire("run-1", HOUR)
    clock.turn(hours=2)
    successor = checkpoint.leases.acquire("run-2", HOUR)
    checkpoint.seal()
    with pytest.raises(Fenced):
        checkpoint.move(Status.AVAILABLE, execution="run-1", token=late.token)
    with pytest.raises(LeaseHeld, match="run-2"):
        checkpoint.move(Status.AVAILABLE, execution="run-1")
    assert checkpoint.status().status is Status.PROTECTING
    record = checkpoint.move(Status.AVAILABLE, execution="run-2", token=successor.token)
    assert record.token == successor.token


def test_the_holder_needs_no_token(checkpoint: Checkpoint) -> None:
    checkpoint.leases.acquire("run-1", HOUR)
    checkpoint.move(Status.ERROR, execution="run-1")


DAMAGED = [
    b"",
    b"torn {",
    b"{}",
    b'{"owner": 1, "token": 1, "expires": "2026-11-23T13:00:00Z", "released": false}',
    b'{"owner": "a", "token": 1, "expires": "2026-11-23T13:00:00", "released": false}',
    b'{"owner": "a", "token": 1, "expires": "tomorrow", "released": false}',
    b'{"owner": "a", "token": 1, "expires": 5, "released": false}',
]


@pytest.mark.parametrize("record", DAMAGED)
def test_a_damaged_last_record_keeps_everybody_out_and_not_for_ever(
    leases: Leases, bank: FilesystemBank, clock: TurnedClock, record: bytes
) -> None:
    """It may be anybody's, and may have been written just now: a quarter of an hour later that is over."""
    mine = leases.acquire("run-1", HOUR)
    bank.put("checkpoints/cp-1/leases/00000002", [record])
    clock.turn(hours=5)
    current = leases.current()
    assert current is not None
    assert current.owner == "(unknown)"
    for owner in ("run-1", "run-2", "run-2"):
        with pytest.raises(LeaseHeld, match=r"damaged.* try again after 2026-11-23T17:15:00.000Z"):
            leases.acquire(owner, HOUR)
        clock.turn(minutes=4)  # the time is written down when somebody is refused first
    with pytest.raises(Fenced, match="damaged, so that nobody can say"):
        leases.check(mine.token)
    with pytest.raises(Fenced):
        leases.renew(mine, HOUR)
    leases.release(mine)
    clock.turn(minutes=3)
    assert leases.current() is None
    assert leases.acquire("run-2", HOUR).token > mine.token
    assert bank.list("checkpoints/cp-1/leases/00000002", limit=1)[0].size == len(record), "what is written stays"


def test_of_many_who_meet_a_damaged_record_none_gets_it(
    leases: Leases, bank: FilesystemBank, clock: TurnedClock
) -> None:
    bank.put("checkpoints/cp-1/leases/00000001", [b"x"])
    barrier = Barrier(6)

    def attempt(number: int) -> str:
        barrier.wait()
        with pytest.raises(LeaseHeld) as caught:
            leases.acquire(f"run-{number}", HOUR)
        return str(caught.value)

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(attempt, range(6)))) == 1
    assert leases.records.last() == 2


def test_a_damaged_earlier_record_is_nobodys_business(leases: Leases, bank: FilesystemBank) -> None:
    lease = leases.acquire("run-1", HOUR)
    leases.renew(lease, HOUR)
    bank.put("checkpoints/cp-1/leases/00000001", [b"x"])
    leases.check(lease.token)
    leases.renew(lease, HOUR)


def test_a_damaged_record_does_not_keep_the_checkpoint_from_being_deleted(
    available: Checkpoint, bank: FilesystemBank, clock: TurnedClock, keys: Callable[..., list[str]]
) -> None:
    bank.put("checkpoints/cp-1/leases/00000001", [b"x"])
    with pytest.raises(LeaseHeld):
        available.move(Status.DELETING, execution="run-2")
    with pytest.raises(LeaseHeld):
        available.leases.acquire("run-2", HOUR)
    clock.turn(minutes=16)
    token = available.leases.acquire("run-2", HOUR).token
    available.move(Status.DELETING, execution="run-2", token=token)
    available.erase()
    assert keys(bank) == []


def test_an_owner_that_resumes_takes_its_own_lease_at_once(
    leases: Leases, bank: FilesystemBank, clock: TurnedClock
) -> None:
    """Another process, with nothing but the id of the execution: `embank resume` depends on it."""
    lease = leases.acquire("run-1", HOUR)
    for turned in (0, 30, 600):  # the last time it is over, and nobody has taken it
        clock.turn(minutes=turned)
        again = Leases(bank, "cp-1", clock).acquire("run-1", HOUR)
        assert again.token == lease.token
    leases.check(lease.token)


def test_superseded_records_can_go(leases: Leases, bank: FilesystemBank, keys: Callable[..., list[str]]) -> None:
    leases.drop_superseded()
    lease = leases.acquire("run-1", HOUR)
    for _ in range(3):
        lease = leases.renew(lease, HOUR)
    leases.drop_superseded()
    leases.drop_superseded()
    assert keys(bank, "/leases/") == [f"checkpoints/cp-1/leases/0000000{number}" for number in (3, 4)]
    leases.check(lease.token)
    leases.release(lease)
    assert leases.acquire("run-2", HOUR).token == 6
