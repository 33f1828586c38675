"""Whoever changes the status of one checkpoint, in whatever order their calls to the bank come: it never goes back.

A hypothesis state machine lets several executions run in threads, each stopped before every call to the bank, and
chooses whose next call is made, who is killed, and when time passes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.errors import CheckpointError
from embank.checkpoint.facts import Facts
from embank.checkpoint.records.status import Status
from embank.model import Resource
from embank.plugins import Bank, BankError, ObjectExists, ObjectInfo, ObjectMissing
from embank.resource_graph import canonical, to_chunks
from kit.examples import examples

SERVER = Resource("Test::Server", "s1", "web")
TTL = timedelta(minutes=15)
RANK = {Status.PROTECTING: 0, Status.AVAILABLE: 1, Status.ERROR: 1, Status.DELETING: 2}


class MemoryBank(Bank):
    """Objects in a dictionary."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put(self, key: str, chunks: Iterable[bytes], *, if_absent: bool = False) -> ObjectInfo:
        if if_absent and key in self.objects:
            raise ObjectExists(key)
        self.objects[key] = b"".join(chunks)
        return ObjectInfo(key, len(self.objects[key]))

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        if key not in self.objects:
            raise ObjectMissing(key)
        yield self.objects[key][start:end]

    def list(self, prefix: str = "", *, marker: str = "", limit: int = 1000) -> Sequence[ObjectInfo]:
        found = sorted(key for key in self.objects if key.startswith(prefix) and key > marker)
        return [ObjectInfo(key, len(self.objects[key])) for key in found[:limit]]

    def delete(self, key: str) -> None:
        if self.objects.pop(key, None) is None:
            raise ObjectMissing(key)

    def stat(self, key: str) -> ObjectInfo | None:
        return ObjectInfo(key, len(self.objects[key])) if key in self.objects else None

    def check(self) -> None:
        pass


class Killed(BaseException):
    """The process of a mover was killed."""


class Mover(Bank):
    """One execution at work in a thread of its own. Each of its calls to the bank waits for `step`."""

    def __init__(self, bank: Bank, work: Callable[[Bank], object]) -> None:
        self.bank = bank
        self.go, self.waits = threading.Semaphore(0), threading.Semaphore(0)
        self.killed = self.ended = self.writes = False  # whether its next call is a write
        self.bug: BaseException | None = None
        self.thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self.thread.start()
        self.waits.acquire()

    def _run(self, work: Callable[[Bank], object]) -> None:
        try:
            work(self)
        except (BankError, CheckpointError, Killed):
            pass  # it was told so
        except BaseException as error:
            self.bug = error
        finally:
            self.ended = True
            self.waits.release()

    def step(self) -> None:
        """Let it make its next call, and come to the one after it, or to its end."""
        self.go.release()
        self.waits.acquire()

    def kill(self) -> None:
        self.killed = True
        self.step()
        self.thread.join()

    def _wait(self, *, writes: bool = False) -> None:
        self.writes = writes
        self.waits.release()
        self.go.acquire()
        if self.killed:
            raise Killed

    def put(self, key: str, chunks: Iterable[bytes], *, if_absent: bool = False) -> ObjectInfo:
        data = b"".join(chunks)
        self._wait(writes=True)
        return self.bank.put(key, [data], if_absent=if_absent)

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        self._wait()
        return self.bank.get(key, start=start, end=end)

    def list(self, prefix: str = "", *, marker: str = "", limit: int = 1000) -> Sequence[ObjectInfo]:
        self._wait()
        return self.bank.list(prefix, marker=marker, limit=limit)

    def delete(self, key: str) -> None:
        self._wait(writes=True)
        self.bank.delete(key)

    def stat(self, key: str) -> ObjectInfo | None:
        self._wait()
        return self.bank.stat(key)

    def check(self) -> None:
        pass


class Movers(RuleBasedStateMachine):
    """One checkpoint, begun by `run-1`, and any number of executions that want to change it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
        self.bank = MemoryBank()
        self.checkpoints = Checkpoints(self.bank, clock=lambda: self.now)
        checkpoint = self.checkpoints.create("cp-1", Facts("nightly", "provider-1", "run-1"))
        (chunk,) = to_chunks(canonical([SERVER], []), 10_000)
        checkpoint.save_graph_chunk(1, 1, chunk)
        checkpoint.section(SERVER).save({"size": 1})
        self.movers: list[Mover] = []
        self.records: dict[str, bytes] = {}
        self.rank = 0
        self.deletions = 0

    def teardown(self) -> None:
        for mover in self.movers:
            if not mover.ended:
                mover.kill()

    def start(self, execution: str, work: Callable[[Checkpoint], object]) -> None:
        def run(bank: Bank) -> None:
            work(Checkpoints(bank, clock=lambda: self.now).open("cp-1", execution))

        self.movers.append(Mover(self.bank, run))

    def at_work(self) -> list[Mover]:
        return [mover for mover in self.movers if not mover.ended]

    @rule(kind=st.sampled_from(["complete", "abandon", "delete", "delete without a lease"]))
    @precondition(lambda self: len(self.at_work()) < 3)
    def starts(self, kind: str) -> None:
        """The end of the protect: several workers may do it, or one again that was thought dead. Or a deletion, also
        without a lease: the records alone must keep the status right.
        """
        self.deletions += 1
        execution = f"delete-{self.deletions}"

        def completes(checkpoint: Checkpoint) -> None:
            checkpoint.token = checkpoint.leases.acquire("run-1", TTL).token
            checkpoint.seal()
            checkpoint.move(Status.AVAILABLE, token=checkpoint.token)

        def abandons(checkpoint: Checkpoint) -> None:
            checkpoint.move(Status.ERROR, reason="failed")

        def deletes(checkpoint: Checkpoint) -> None:
            token = checkpoint.leases.acquire(execution, TTL).token if kind == "delete" else 0
            checkpoint.move(Status.DELETING, token=token)
            checkpoint.erase()

        work = {"complete": completes, "abandon": abandons}.get(kind, deletes)
        self.start(execution if work is deletes else "run-1", work)

    @rule(data=st.data(), writes=st.integers(0, 4))
    @precondition(lambda self: self.at_work())
    def goes_on(self, data: st.DataObject, writes: int) -> None:
        """Through so many writes, and to the brink of the next one."""
        mover = data.draw(st.sampled_from(self.at_work()))
        while not mover.ended and (writes or not mover.writes):
            writes -= mover.writes
            mover.step()
            self.look()

    @rule(data=st.data(), steps=st.integers(1, 5))
    @precondition(lambda self: self.at_work())
    def goes_on_a_little(self, data: st.DataObject, steps: int) -> None:
        mover = data.draw(st.sampled_from(self.at_work()))
        while not mover.ended and steps:
            steps -= 1
            mover.step()
            self.look()

    @rule(data=st.data())
    @precondition(lambda self: len(self.at_work()) == 3)
    def is_killed(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.at_work())).kill()

    @rule()
    @precondition(lambda self: self.at_work())
    def time_passes(self) -> None:
        """Until every lease is over."""
        self.now += TTL

    @invariant()
    def look(self) -> None:
        """What anybody sees of it now."""
        assert [mover.bug for mover in self.movers if mover.bug] == []
        prefix = "checkpoints/cp-1/status/"
        found = {key: data for key, data in self.bank.objects.items() if key.startswith(prefix)}
        if "checkpoints/cp-1/status/00000001" not in found:
            self.rank = 3  # its deletion has come to the status, or is complete
        for key, data in found.items():
            assert self.records.get(key, data) == data or self.rank == 3, "a record was changed"
            self.records[key] = data
        if not found:
            return
        checkpoint = self.checkpoints.open("cp-1")
        status = checkpoint.status().status
        if self.rank == 3:
            assert status is not Status.AVAILABLE, "it is back"
            return
        steps = [step.status for step in checkpoint.history()]
        assert [RANK[step] for step in steps] == sorted(RANK[step] for step in steps), steps
        assert not {Status.AVAILABLE, Status.ERROR} <= set(steps)
        if Status.DELETING not in steps:
            assert (status is Status.AVAILABLE) == (Status.AVAILABLE in steps), "its manifest is not whole"
        if status is Status.AVAILABLE:
            assert list(checkpoint.verify()) == []
        assert RANK[status] >= self.rank
        self.rank = RANK[status]


TestMovers = Movers.TestCase
TestMovers.settings = examples(60, stateful_step_count=30)
