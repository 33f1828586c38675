"""Leases as the actions use them: kept, lost, taken over; and deletions that are killed, or have no room."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from embank.actions.leases import LeaseKeeper
from embank.checkpoint.errors import Fenced, LeaseHeld
from embank.checkpoint.records.status import Status
from embank.errors import ExitCode
from embank.plugins import Bank, BankError, ObjectInfo
from embank.reasons import ActionFailed

RESOURCE = {"type": "Test::App", "id": "a", "name": "shop"}
Failure = Callable[[Callable[[], object]], ActionFailed]
PAST = b'{"owner": "%s", "token": %d, "expires": "2020-01-01T00:00:00.000Z", "released": false}'


def let_the_lease_end(site: Any) -> None:
    """As if a quarter of an hour had passed."""
    leases = site.checkpoints.open("c1").leases
    lease = leases.current()
    assert lease is not None
    record = PAST % (lease.owner.encode(), lease.token)
    site.checkpoints.bank.put(leases.records.key(leases.records.last()), [record])


class Between(Bank):
    """Something happens before every call to a bank."""

    def __init__(self, bank: Bank, happens: Callable[[str, str], None]) -> None:
        self.bank = bank
        self.happens = happens

    def put(self, key: str, chunks: Iterable[bytes], *, if_absent: bool = False) -> ObjectInfo:
        self.happens("put", key)
        return self.bank.put(key, chunks, if_absent=if_absent)

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        self.happens("get", key)
        return self.bank.get(key, start=start, end=end)

    def list(self, prefix: str = "", *, marker: str = "", limit: int = 1000) -> Sequence[ObjectInfo]:
        self.happens("list", prefix)
        return self.bank.list(prefix, marker=marker, limit=limit)

    def delete(self, key: str) -> None:
        self.happens("delete", key)
        self.bank.delete(key)

    def stat(self, key: str) -> ObjectInfo | None:
        self.happens("stat", key)
        return self.bank.stat(key)

    def check(self) -> None:
        pass


def delete(site: Any, execution: str = "e9") -> None:
    """A whole delete execution."""
    how = {"execution": execution, "operation": "delete"}
    site.do("begin", **how)
    site.do("activity", activity="parallel", resource=RESOURCE, **how)
    site.do("complete", status="deleted", **how)


def test_two_workers_at_one_closer(site: Any) -> None:
    """An engine that believes one of them dead. At least one runs, it may run twice, and is recorded once."""
    site.begin()
    site.activity("pre")
    barrier = threading.Barrier(4)

    def close(number: int) -> None:
        barrier.wait()
        site.cleanup()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(close, range(4)))
    assert 1 <= site.plugin.did.count("thaw") <= 4
    assert not site.is_open()
    assert len(site.checkpoints.bank.list("checkpoints/c1/executions/e1/brackets/")) == 2
    site.cleanup()
    assert site.plugin.did.count("thaw") <= 4


def test_a_closer_runs_although_its_checkpoint_was_deleted(site: Any) -> None:
    site.begin()
    site.activity("pre")
    let_the_lease_end(site)
    delete(site)
    site.said.clear()
    site.cleanup()
    assert site.plugin.did == ["freeze", "thaw"]
    assert "nobody can say whether this is open, so it is closed" in site.said[0]
    assert "closed, but the bank does not record it" in site.said[1]
    assert list(site.checkpoints.bank.list()) == []


def test_a_closer_runs_although_somebody_else_has_the_lease(site: Any) -> None:
    site.begin()
    site.activity("pre")
    let_the_lease_end(site)
    site.do("begin", execution="e9", operation="delete")
    site.cleanup()
    assert site.plugin.did == ["freeze", "thaw"]
    assert not site.is_open()
    lease = site.checkpoints.open("c1").leases.current()
    assert (lease.owner, lease.token) == ("e9", 2)


def test_a_closer_that_saves_something_is_not_fenced(site: Any) -> None:
    """Somebody has taken the lease, and done nothing with it yet."""
    site.plugin.when_thawed = lambda checkpoint, resource: checkpoint.section(resource).save({"thawed": True})
    site.begin()
    site.activity("pre")
    let_the_lease_end(site)
    site.checkpoints.open("c1", "e9").leases.acquire("e9", timedelta(minutes=15))
    site.cleanup()
    assert site.plugin.did == ["freeze", "thaw"]
    assert not site.is_open()


@pytest.mark.parametrize("released", [False, True])
def test_who_has_lost_the_lease_does_no_more(failure: Failure, site: Any, released: bool) -> None:
    """Every action of it, also when the lease is free again; only closing and abandoning are done."""
    site.begin()
    site.activity("pre")
    let_the_lease_end(site)
    other = site.checkpoints.open("c1", "e9")
    lease = other.leases.acquire("e9", timedelta(minutes=15))
    if released:
        other.leases.release(lease)
    before = [info.key for info in site.checkpoints.bank.list()]
    for attempt in (
        lambda: site.activity("pre"),
        lambda: site.activity("parallel"),
        lambda: site.do("complete", status="available"),
    ):
        # the keeper of this process does not know it yet: what is written is refused all the same
        assert failure(attempt).code is ExitCode.LOCKED
    leases = [key for key in before if "/leases/" in key]
    after = [info.key for info in site.checkpoints.bank.list()]
    assert [key for key in after if key not in before and "/leases/" not in key] == []
    assert set(leases) <= set(after)
    site.cleanup()
    assert site.plugin.did[-1] == "thaw"
    assert not site.is_open()
    assert site.status is Status.PROTECTING


def test_a_new_process_of_the_same_execution_takes_its_lease_at_once(site: Any) -> None:
    site.begin()
    checkpoint = site.checkpoints.open("c1", "e1")
    keeper = LeaseKeeper()
    assert keeper.take(checkpoint).token == 1
    with keeper.holding(checkpoint):
        assert checkpoint.token == 1
    with pytest.raises(LeaseHeld):
        LeaseKeeper().take(site.checkpoints.open("c1", "e2"))


def test_a_keeper_notices_that_somebody_had_the_lease_meanwhile(site: Any) -> None:
    site.begin()
    checkpoint, keeper = site.checkpoints.open("c1", "e1"), LeaseKeeper()
    keeper.take(checkpoint)
    let_the_lease_end(site)
    other = LeaseKeeper()
    other.take(taken := site.checkpoints.open("c1", "e2"))
    other.release(taken)
    for _ in range(2):
        with pytest.raises(
            Fenced, match="has lost its lease on checkpoint c1, and another one has worked on it since"
        ):
            keeper.take(checkpoint)
    assert taken.leases.current() is None
    assert LeaseKeeper().take(site.checkpoints.open("c1", "e1")).owner == "e1"  # who resumes it knows what they do


def test_two_executions_in_one_process_have_leases_of_their_own(site: Any) -> None:
    site.begin()
    keeper = LeaseKeeper()
    with (
        keeper.holding(site.checkpoints.open("c1", "e1")),
        pytest.raises(LeaseHeld),
        keeper.holding(site.checkpoints.open("c1", "e2")),
    ):
        pass
    keeper.close()


def test_a_renewal_that_hangs_keeps_nobody_waiting(site: Any) -> None:
    """Its bank hangs; who needs nothing of the bank goes on."""
    site.begin()
    hangs, release = threading.Event(), threading.Event()
    keeper = LeaseKeeper(timedelta(seconds=3))
    checkpoint = site.checkpoints.open("c1", "e1")

    def happens(call: str, key: str) -> None:
        if threading.current_thread().name == "embank-leases":
            hangs.set()
            release.wait(60)

    checkpoint.leases.records.bank = Between(site.checkpoints.bank, happens)
    with keeper.holding(checkpoint):
        assert hangs.wait(30)
        with keeper.holding(checkpoint):
            pass
    release.set()
    keeper.close()


def test_a_complete_whose_answer_was_lost_is_done_again_whoever_works_on_it_now(available: Any) -> None:
    how = {"execution": "e2", "operation": "restore"}
    available.do("begin", **how)
    available.do("complete", status="restored", **how)
    available.do("begin", execution="e3", operation="verify")
    available.do("complete", status="available")
    available.do("complete", status="restored", **how)
    checkpoint = available.checkpoints.open("c1")
    assert [each.state for each in checkpoint.operations()] == ["restored", "started"]
    assert checkpoint.leases.current().owner == "e3"


def test_abandoning_tells_what_had_not_begun(available: Any, failure: Failure) -> None:
    available.do("begin", execution="e2", operation="restore")
    before = [info.key for info in available.checkpoints.bank.list()]
    for operation in ("restore", "verify", "delete"):
        failure(lambda operation=operation: available.do("begin", execution="e3", operation=operation))
        available.do("complete", execution="e3", operation=operation, status="error")
        assert available.said.pop() == "this execution had not begun: it has changed nothing in the checkpoint c1"
    assert [info.key for info in available.checkpoints.bank.list()] == before


def test_an_execution_that_lost_its_lease_can_still_say_that_it_failed(available: Any) -> None:
    available.do("begin", execution="e2", operation="restore")
    let_the_lease_end(available)
    available.do("begin", execution="e3", operation="verify")
    available.do("complete", execution="e2", operation="restore", status="error")
    states = {each.execution: each.state for each in available.checkpoints.open("c1").operations()}
    assert states == {"e2": "error", "e3": "started"}


def killed_at(site: Any, call: int) -> bool:
    """Whether a process that deletes was killed at its bank's n-th call; False when it has fewer."""
    child = os.fork()
    if not child:
        try:
            left = call

            def happens(name: str, key: str) -> None:
                nonlocal left
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            bank = Between(site.checkpoints.bank, happens)
            site.restart(bank)
            delete(site, "e8")
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("stride", [11, pytest.param(1, marks=pytest.mark.nightly)])
def test_a_delete_that_is_killed_at_any_call_of_its_bank_can_be_done_again(
    make_site: Callable[[Path], Any], tmp_path: Path, stride: int
) -> None:
    """In between it is whole, or says that it is being deleted, or has nothing left but its lease."""
    for call in range(0, 500, stride):
        site = make_site(tmp_path / str(call))
        site.begin()
        site.activity("pre")
        site.activity("ready")
        site.activity("parallel")
        site.do("complete", status="available")
        killed = killed_at(site, call)
        if list(site.checkpoints.ids()):
            status = site.checkpoints.open("c1").status()
            if status.status is Status.AVAILABLE:
                assert list(site.checkpoints.open("c1").verify()) == []
            else:
                kept = [info.key for info in site.checkpoints.bank.list() if "/leases/" not in info.key]
                assert status.status is Status.DELETING or not kept
            if site.checkpoints.open("c1").leases.current():
                with pytest.raises(ActionFailed, match="in use by execution 'e8'"):
                    delete(site)
                let_the_lease_end(site)
            delete(site)
        assert list(site.checkpoints.bank.list()) == []
        if not killed:
            break
    assert call > 40


class FullBank(Between):
    """A bank with room for so many blocks of 4 KiB, of which each object takes at least one."""

    def __init__(self, bank: Bank, blocks: int) -> None:
        super().__init__(bank, self._count)
        self.blocks = blocks

    def _count(self, call: str, key: str) -> None:
        used = sum(max(1, -(-info.size // 4096)) for info in self.bank.list(limit=100_000))
        if call == "put" and used >= self.blocks:
            raise BankError("No space left on device")


def blocks(site: Any) -> int:
    return sum(max(1, -(-info.size // 4096)) for info in site.checkpoints.bank.list(limit=100_000))


def test_what_is_available_can_be_deleted_from_a_bank_without_any_room(available: Any) -> None:
    """Records of earlier leases make room for those that a deletion begins with."""
    available.restart(FullBank(available.checkpoints.bank, blocks(available)))
    delete(available)
    assert list(available.checkpoints.bank.list()) == []


def test_what_failed_can_be_deleted_from_a_bank_without_any_room(site: Any) -> None:
    """Its data make room: they are good for nothing."""
    site.begin()
    site.activity("parallel")
    let_the_lease_end(site)
    site.restart(FullBank(site.checkpoints.bank, blocks(site)))
    delete(site)
    assert list(site.checkpoints.bank.list()) == []


def test_no_room_is_made_at_the_expense_of_who_is_at_work(failure: Failure, site: Any) -> None:
    site.begin()
    site.activity("parallel")
    before = [info.key for info in site.checkpoints.bank.list()]
    site.restart(FullBank(site.checkpoints.bank, blocks(site)))
    assert failure(lambda: delete(site)).code is ExitCode.LOCKED
    assert [info.key for info in site.checkpoints.bank.list()] == before


def test_what_cannot_be_deleted_for_want_of_room_says_what_to_do(failure: Failure, available: Any) -> None:
    available.checkpoints.open("c1").leases.drop_superseded()
    available.restart(FullBank(available.checkpoints.bank, blocks(available)))
    error = failure(lambda: delete(available))
    assert "No space left on device" in str(error)
    assert "free some kilobytes, then delete it again" in str(error)
    assert available.status is Status.AVAILABLE
    assert list(available.checkpoints.open("c1").verify()) == []
