"""Leases are kept alive while anything of an execution is under way in this process.

No call to a bank is made under the lock: a bank that hangs must not keep those waiting who need nothing of it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.errors import CheckpointError, Fenced
from embank.checkpoint.records.lease import TTL, Lease
from embank.plugins import BankError

Key = tuple[str, str]  # the ids of a checkpoint and of an execution on it


@dataclass(slots=True)
class _Held:
    checkpoint: Checkpoint
    lease: Lease
    renewing: threading.Lock = field(default_factory=threading.Lock)


class LeaseKeeper:
    """Holds the lease of a checkpoint for an execution as long as somebody uses it, renewing it in a thread."""

    def __init__(self, ttl: timedelta = TTL) -> None:
        self._ttl = ttl
        self._held: dict[Key, _Held] = {}
        self._tokens: dict[Key, int] = {}  # given first: another one means that it lost it (decision CHECKPOINT-7)
        self._users: Counter[Key] = Counter()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def holding(self, checkpoint: Checkpoint) -> Iterator[None]:
        """Hold the lease for the execution of `checkpoint`. Raises LeaseHeld when somebody else has it, Fenced
        when somebody else has had it since.
        """
        key = _key(checkpoint)
        checkpoint.token = self.refresh(checkpoint).token
        with self._lock:
            self._users[key] += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep, name="embank-leases", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._users -= Counter((key,))

    def refresh(self, checkpoint: Checkpoint) -> Lease:
        """The lease that is held, when it lasts for a while; otherwise acquire it. Raises as above."""
        with self._lock:
            held = self._held.get(_key(checkpoint))
        if held and held.lease.expires - checkpoint.clock() >= self._ttl / 3:
            return held.lease
        return self.take(checkpoint)

    def take(self, checkpoint: Checkpoint) -> Lease:
        """Acquire the lease for the execution of `checkpoint`, or prolong it. Raises as above."""
        key = _key(checkpoint)
        lease = checkpoint.leases.acquire(checkpoint.execution, self._ttl)
        with self._lock:
            first = self._tokens.setdefault(key, lease.token)
            if first == lease.token:
                self._held[key] = _Held(checkpoint, lease)
        if first != lease.token:
            checkpoint.leases.release(lease)
            raise Fenced(
                f"execution {checkpoint.execution!r} has lost its lease on checkpoint {checkpoint.id}, and another "
                "one has worked on it since: what is left of this one is not done any more"
            )
        return lease

    def forget(self, checkpoint: Checkpoint) -> None:
        """Renew it no more, whoever still uses it: the checkpoint is about to be left, or deleted. A renewal that
        is under way has ended when this returns.
        """
        with self._lock:
            held = self._held.pop(_key(checkpoint), None)
        if held:
            with held.renewing:
                pass

    def release(self, checkpoint: Checkpoint) -> None:
        """Give it back, whichever process took it. Raises LeaseHeld when it is somebody else's, BankError."""
        lease = self.take(checkpoint)
        self.forget(checkpoint)
        checkpoint.leases.release(lease)
        with self._lock:
            self._tokens.pop(_key(checkpoint), None)

    def _keep(self) -> None:
        while not self._wake.wait(self._ttl.total_seconds() / 3):
            with self._lock:
                used = [(key, held) for key, held in self._held.items() if self._users[key]]
            for key, held in used:
                self._renew(key, held)

    def _renew(self, key: Key, held: _Held) -> None:
        with held.renewing:
            if self._held.get(key) is not held:
                return
            try:
                held.lease = held.checkpoint.leases.renew(held.lease, self._ttl)
            except CheckpointError:
                with self._lock:  # lost: whoever acts next is told so
                    if self._held.get(key) is held:
                        del self._held[key]
            except BankError:
                pass  # it may come back before the lease expires

    def close(self) -> None:
        """End the thread."""
        self._wake.set()


def _key(checkpoint: Checkpoint) -> Key:
    return checkpoint.id, checkpoint.execution
