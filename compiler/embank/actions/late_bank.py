"""A bank that is opened when something of it is wanted, and not before; and tried again when that has failed.

Closers run without their bank: whoever takes up an execution must be able to close, though nobody answers there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

from embank.plugins import Bank, ObjectInfo


class LateBank(Bank):
    """The bank that `open_bank` opens. Every method raises BankError when it cannot be opened."""

    def __init__(self, open_bank: Callable[[], Bank]) -> None:
        self._open_bank = open_bank
        self._bank: Bank | None = None
        self._lock = threading.Lock()

    def put(self, key: str, chunks: Iterable[bytes], *, if_absent: bool = False) -> ObjectInfo:
        """See Bank.put."""
        return self._opened().put(key, chunks, if_absent=if_absent)

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See Bank.get."""
        return self._opened().get(key, start=start, end=end)

    def list(self, prefix: str = "", *, marker: str = "", limit: int = 1000) -> Sequence[ObjectInfo]:
        """See Bank.list."""
        return self._opened().list(prefix, marker=marker, limit=limit)

    def delete(self, key: str) -> None:
        """See Bank.delete."""
        self._opened().delete(key)

    def stat(self, key: str) -> ObjectInfo | None:
        """See Bank.stat."""
        return self._opened().stat(key)

    def check(self) -> None:
        """See Bank.check."""
        self._opened().check()

    def _opened(self) -> Bank:
        with self._lock:
            if self._bank is None:
                self._bank = self._open_bank()
            return self._bank
