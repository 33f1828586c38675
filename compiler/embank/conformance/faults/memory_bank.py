"""A bank in memory: quick, and gone with the process. For tests that need many banks, such as one for every fault."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from embank.plugins import Bank, ObjectExists, ObjectInfo, ObjectMissing, check_key

if TYPE_CHECKING:
    from oslo_config import cfg

PIECE = 4096  # bytes; small, so that a few kilobytes are a stream of several pieces


class MemoryBank(Bank):
    """A bank as the contract wants it, for the threads of one process."""

    def __init__(self, conf: cfg.ConfigOpts | None = None) -> None:
        from oslo_config import cfg

        super().__init__(cfg.ConfigOpts() if conf is None else conf)
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put(self, key: str, chunks: Iterable[bytes], *, if_absent: bool = False) -> ObjectInfo:
        """See Bank.put."""
        check_key(key)
        data = b"".join(map(bytes, chunks))
        with self._lock:
            if if_absent and key in self._objects:
                raise ObjectExists(f"there is an object {key!r} already")
            self._objects[key] = data
        return ObjectInfo(key, len(data))

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See Bank.get."""
        check_key(key)
        if start < 0 or (end is not None and end < start):
            raise ValueError(f"[{start}, {end}) is not a range of bytes")
        with self._lock:
            if key not in self._objects:
                raise ObjectMissing(f"there is no object {key!r}")
            data = self._objects[key][start:end]
        for place in range(0, len(data), PIECE):
            yield data[place : place + PIECE]

    def list(self, prefix: str = "", *, marker: str = "", limit: int = 1000) -> Sequence[ObjectInfo]:
        """See Bank.list."""
        with self._lock:
            keys = sorted(key for key in self._objects if key.startswith(prefix) and key > marker)
            return [ObjectInfo(key, len(self._objects[key])) for key in keys[:limit]]

    def delete(self, key: str) -> None:
        """See Bank.delete."""
        check_key(key)
        with self._lock:
            if self._objects.pop(key, None) is None:
                raise ObjectMissing(f"there is no object {key!r}")

    def stat(self, key: str) -> ObjectInfo | None:
        """See Bank.stat."""
        check_key(key)
        with self._lock:
            return ObjectInfo(key, len(self._objects[key])) if key in self._objects else None

    def check(self) -> None:
        """See Bank.check."""
