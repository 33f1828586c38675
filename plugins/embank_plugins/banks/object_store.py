"""What the banks of object stores have in common: an object of the bank is one of a container, or bucket.

A small object is published as it is. A large one is stored in segments first, which nobody sees, and published then.
"""

from __future__ import annotations

import uuid
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from embank.plugins import Bank, ObjectExists, ObjectInfo, ObjectMissing, check_key
from embank_plugins.banks.listing import Row, list_keys
from embank_plugins.banks.pieces import Piece, Pieces
from embank_plugins.banks.ranges import check_range
from embank_plugins.banks.write_once import WriteOnce

if TYPE_CHECKING:
    from oslo_config import cfg

SOON = 10.0  # s; somebody waits for `check`


class Container(Protocol):
    """A container or bucket, to be looked at. An `action` is what cannot be done, in the words of a BankError."""

    def size(self, name: str, action: str) -> int | None:
        """The bytes of an object; None when there is none."""

    def read(self, name: str, start: int, end: int | None, action: str) -> Iterator[bytes]:
        """The bytes [start, end), or what there is of them. Raises ObjectMissing."""

    def list(self, prefix: str, marker: str, limit: int, action: str) -> Sequence[Row]:
        """Names that start with `prefix` and come behind `marker`, by code point; at most `limit`."""


class ObjectStoreBank(Bank):
    """Looks and reads by itself; each service stores and deletes in its own way. `segment_size` is in bytes."""

    def __init__(
        self, conf: cfg.ConfigOpts, *, name: str, objects: Container, segment_size: int, write_once: WriteOnce
    ) -> None:
        """`name` is that of the bank, in errors."""
        super().__init__(conf)
        self.name = name
        self.segment_size = segment_size
        self._objects = objects
        self._write_once = write_once

    def put(self, key: str, chunks: Iterable[bytes], *, if_absent: bool = False) -> ObjectInfo:
        """Take a segment at a time, and send it when it is whole: a try that fails is repeated. See Bank.put."""
        check_key(key)
        action = f"store {key!r} in"
        token = uuid.uuid4().hex
        with Pieces(chunks, self.segment_size) as pieces:
            rest = iter(pieces)
            first = next(rest)
            if first.last and self._is_small(first, if_absent):
                self._put_small(key, token, first, action, if_absent)
            else:
                if if_absent and self.stat(key):
                    raise self._exists(key)
                self._put_large(key, token, chain([first], rest), action, if_absent)
            return ObjectInfo(key, pieces.size)

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Stream an object, a mebibyte at a time; go on where an answer breaks off. See Bank.get."""
        check_key(key)
        check_range(start, end)
        if start == end:
            if not self.stat(key):
                raise self._missing(key)
            return
        yield from self._objects.read(key, start, end, f"read {key!r} from")

    def list(self, prefix: str = "", *, marker: str = "", limit: int = 1000) -> Sequence[ObjectInfo]:
        """The services sort names by their UTF-8 bytes, which is by code point. See Bank.list."""
        return list_keys(lambda after, most: self._objects.list(prefix, after, most, "list"), marker, limit)

    def stat(self, key: str) -> ObjectInfo | None:
        """One request. See Bank.stat."""
        check_key(key)
        size = self._objects.size(key, f"look for {key!r} in")
        return ObjectInfo(key, size) if size is not None else None

    def _is_small(self, whole: Piece, if_absent: bool) -> bool:
        """Whether an object of one piece is published as it is."""
        return True

    @abstractmethod
    def _put_small(self, key: str, token: str, whole: Piece, action: str, if_absent: bool) -> None:
        """Publish an object of one piece. Raises BankError, ObjectExists."""

    @abstractmethod
    def _put_large(self, key: str, token: str, pieces: Iterable[Piece], action: str, if_absent: bool) -> None:
        """Store the pieces, then publish them. Raises BankError, ObjectExists; then nothing is left of them."""

    def _exists(self, key: str) -> ObjectExists:
        return ObjectExists(f"{self.name} already has an object {key!r}")

    def _missing(self, key: str) -> ObjectMissing:
        return ObjectMissing(f"{self.name} has no object {key!r}")
