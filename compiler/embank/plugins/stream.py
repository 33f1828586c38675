"""Cutting a stream anew, for whoever stores it in parts of a size of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

PIECE = 1 << 20  # bytes


class Stream:
    """Chunks of any sizes, to be taken in others. No more than one chunk is held; `size` counts what was taken."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")
        self.size = 0

    def more(self) -> bool:
        """Whether there is another byte."""
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._rest = memoryview(chunk).cast("B")
        return True

    def take(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes, or fewer at the end, in pieces of at most a mebibyte."""
        while size and self.more():
            piece = bytes(self._rest[: min(size, PIECE)])
            self._rest = self._rest[len(piece) :]
            size -= len(piece)
            self.size += len(piece)
            yield piece
