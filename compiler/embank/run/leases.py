"""Leases are kept alive while anything of an execution is under way in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.errors import CheckpointError
from embank.checkpoint.lease import Lease
from embank.plugins import BankError

TTL = timedelta(minutes=15)  # how long a crashed execution keeps others out; much more than clocks differ


@dataclass(slots=True)
class _Held:
    checkpoint: Checkpoint
    lease: Lease
    users: int = 0


class LeaseKeeper:
    """Holds the lease of a checkpoint for an execution as long as somebody uses it, renewing it in a thread."""

    def __init__(self, ttl: timedelta = TTL) -> None:
        self._ttl = ttl
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def holding(self, checkpoint: Checkpoint) -> Iterator[None]:
        """Hold the lease for the execution of `checkpoint`. Raises LeaseHeld when somebody else has it."""
        with self._lock:
            held = self._held.get(checkpoint.id)
            if held is None or held.lease.expires - checkpoint.clock() < self._ttl / 3:
                held = self._acquire(checkpoint)
            held.users += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep, name="embank-leases", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                if checkpoint.id in self._held:
                    self._held[checkpoint.id].users -= 1

    def take(self, checkpoint: Checkpoint) -> Lease:
        """Acquire the lease for the execution of `checkpoint`. Raises LeaseHeld when somebody else has it."""
        with self._lock:
            return self._acquire(checkpoint).lease

    def forget(self, checkpoint: Checkpoint) -> None:
        """Renew it no more, whoever still uses it: the checkpoint is about to be left, or deleted."""
        with self._lock:
            self._held.pop(checkpoint.id, None)

    def _acquire(self, checkpoint: Checkpoint) -> _Held:
        lease = checkpoint.leases.acquire(checkpoint.execution, self._ttl)
        before = self._held.get(checkpoint.id)
        held = self._held[checkpoint.id] = _Held(checkpoint, lease, before.users if before else 0)
        return held

    def _keep(self) -> None:
        while not self._wake.wait(self._ttl.total_seconds() / 3):
            with self._lock:
                for id_, held in list(self._held.items()):
                    if not held.users:
                        continue
                    try:
                        held.lease = held.checkpoint.leases.renew(held.lease, self._ttl)
                    except CheckpointError:
                        del self._held[id_]  # lost: whoever acts next is told so
                    except BankError:
                        continue  # it may come back before the lease expires

    def close(self) -> None:
        """End the thread."""
        self._wake.set()
