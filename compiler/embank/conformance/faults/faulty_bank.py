"""Faults, and a bank that has them: what every bank does one day, at a call of your choice.

    bank = FaultyBank(MemoryBank(), Fault(Kind.LOSE, at=17))
    …                                # the 17th call does what it should, and says that it failed
    bank.calls                       # everything that was asked of the bank

Calls are counted from 1: put, get, list, delete, stat, and each further piece of a stream that put takes or get
gives. `embank.conformance.faults.kit` runs whole operations with a fault at every call in turn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from embank.plugins import Bank, BankError, ObjectInfo


class Kind(StrEnum):
    """What goes wrong with a call."""

    FAIL = "fail"  # nothing happens, and an error says so
    LOSE = "lose"  # it happens, but the answer is lost: an error all the same
    STALL = "stall"  # nothing happens for a while; then it fails
    LATE = "late"  # nothing happens for a while; then it happens after all
    TEAR = "tear"  # it breaks off half-way with an error; a put leaves nothing
    CUT = "cut"  # a put publishes half an object and fails (no atomic publish); a get ends early, without error
    EXIT = "exit"  # nothing happens, but SystemExit is raised: by a library that takes itself for the program
    INTERRUPT = "interrupt"  # the same with KeyboardInterrupt
    RUBBISH = "rubbish"  # it answers with nonsense; plugins only


T = TypeVar("T")
STREAMS = ("put", "get")
AT_ONCE = (Kind.FAIL, Kind.STALL, Kind.EXIT, Kind.INTERRUPT)  # nothing has happened when it fails
RAISED = {Kind.EXIT: SystemExit, Kind.INTERRUPT: KeyboardInterrupt}


@dataclass(frozen=True, slots=True)
class Fault:
    """The calls number `at` and, with `times`, those that follow (None: all of them, it is gone for good).

    `seconds`: how long a call stalls at most; `release` ends it earlier.
    """

    kind: Kind
    at: int
    times: int | None = 1
    seconds: float = 60.0

    def strikes(self, number: int) -> bool:
        """Whether the call with this number goes wrong."""
        return self.at <= number and (self.times is None or number < self.at + self.times)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: `part` counts the pieces of a stream behind the first one."""

    number: int
    method: str
    key: str
    part: int = 0

    def __str__(self) -> str:
        part = f", piece {self.part + 1}" if self.part else ""
        return f"call {self.number}: {self.method} {self.key!r}{part}"


Calls = list[Call]


class Script:
    """Counts calls and says which goes wrong. Safe for threads."""

    def __init__(self, fault: Fault | None = None) -> None:
        self.fault = fault
        self.calls: Calls = []
        self.struck: Calls = []
        self.waited_in_vain = False  # something stalled until its time was over, and nobody released it
        self._lock = threading.Lock()
        self._released = threading.Event()

    def next(self, method: str, key: str, part: int = 0) -> tuple[Call, Kind | None]:
        """Count a call; the kind of fault that it has, if any."""
        with self._lock:
            call = Call(len(self.calls) + 1, method, key, part)
            self.calls.append(call)
            if self.fault is None or not self.fault.strikes(call.number):
                return call, None
            self.struck.append(call)
            return call, self.fault.kind

    def stall(self) -> None:
        """Block until released, or as long as the fault says."""
        if not self._released.wait(self.fault.seconds if self.fault else 0):
            self.waited_in_vain = True

    def release(self) -> None:
        """Let everything that stalls go on, now and later."""
        self._released.set()

    def failure(self, call: Call, error: Callable[[str], BaseException]) -> BaseException:
        """What a call with a fault raises, if nothing else is prescribed: an `error`."""
        kind = self.fault.kind if self.fault else Kind.FAIL
        return RAISED.get(kind, error)(f"injected: {kind} at {call}")


class FaultyBank(Bank):
    """A bank around another one, with a fault. `error` makes the exceptions that it raises."""

    def __init__(
        self, bank: Bank, fault: Fault | None = None, *, error: Callable[[str], BaseException] = BankError
    ) -> None:
        if fault and fault.kind is Kind.RUBBISH:
            raise ValueError("a bank does not answer with rubbish: cut what it gives, or damage what it has")
        super().__init__(bank.conf)
        self.bank = bank
        self._script = Script(fault)
        self._error = error

    @property
    def calls(self) -> Sequence[Call]:
        """Everything that was asked, in order."""
        return tuple(self._script.calls)

    @property
    def struck(self) -> Sequence[Call]:
        """The calls that went wrong."""
        return tuple(self._script.struck)

    @property
    def waited_in_vain(self) -> bool:
        """Whether a call stalled until its time was over: nobody gave it up before."""
        return self._script.waited_in_vain

    def release(self) -> None:
        """Let everything that stalls go on, now and later."""
        self._script.release()

    def put(self, key: str, chunks: Iterable[bytes], *, if_absent: bool = False) -> ObjectInfo:
        """See Bank.put."""
        call, kind = self._begin("put", key)
        cut: Calls = []
        info = self._do(
            call, kind, lambda: self.bank.put(key, self._pieces(call, kind, chunks, cut), if_absent=if_absent)
        )
        if cut:
            raise self._failure(cut[0])
        return info

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See Bank.get. It is counted at its first step."""
        call, kind = self._begin("get", key)
        yield from self._pieces(call, kind, self.bank.get(key, start=start, end=end), [])
        if kind is Kind.LOSE:
            raise self._failure(call)

    def list(self, prefix: str = "", *, marker: str = "", limit: int = 1000) -> Sequence[ObjectInfo]:
        """See Bank.list."""
        return self._do(*self._begin("list", prefix), lambda: self.bank.list(prefix, marker=marker, limit=limit))

    def delete(self, key: str) -> None:
        """See Bank.delete."""
        self._do(*self._begin("delete", key), lambda: self.bank.delete(key))

    def stat(self, key: str) -> ObjectInfo | None:
        """See Bank.stat."""
        return self._do(*self._begin("stat", key), lambda: self.bank.stat(key))

    def check(self) -> None:
        """See Bank.check. Neither counted nor disturbed."""
        self.bank.check()

    def _begin(self, method: str, key: str, part: int = 0) -> tuple[Call, Kind | None]:
        """Count a call. Raises when it fails before anything happens."""
        call, kind = self._script.next(method, key, part)
        if kind in (Kind.STALL, Kind.LATE):
            self._script.stall()
        if kind in AT_ONCE:
            raise self._failure(call)
        return call, kind

    def _do(self, call: Call, kind: Kind | None, act: Callable[[], T]) -> T:
        """Act, and lose the answer if it is to be lost. What cannot be torn in two is lost instead."""
        if kind is Kind.LOSE or (kind in (Kind.TEAR, Kind.CUT) and call.method not in STREAMS):
            with suppress(BankError):
                act()
            raise self._failure(call)
        return act()

    def _pieces(self, call: Call, kind: Kind | None, chunks: Iterable[bytes], cut: Calls) -> Iterator[bytes]:
        """The pieces of a stream as far as they get; `cut` tells when they end early without an error."""
        if kind in (Kind.TEAR, Kind.CUT):
            whole = b"".join(chunks)
            yield whole[: len(whole) // 2]
            if kind is Kind.TEAR:
                raise self._failure(call)
            cut.append(call)
            return
        for part, chunk in enumerate(chunks):
            if part:
                piece, found = self._begin(call.method, call.key, part)
                if found is Kind.CUT:
                    cut.append(piece)
                    return
                if found in (Kind.TEAR, Kind.LOSE):
                    raise self._failure(piece)
            yield chunk

    def _failure(self, call: Call) -> BaseException:
        return self._script.failure(call, self._error)
