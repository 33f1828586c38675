"""A stream, cut into pieces that can be sent again: small ones are kept in memory, others in a temporary file."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import IO

from embank.plugins import BankError, Stream

IN_MEMORY = 1 << 20


class Piece:
    """Some bytes of the stream, until the next piece is taken: `number` (from 1), `size`, `md5`, `last`."""

    def __init__(self, number: int, file: IO[bytes]) -> None:
        self.number = number
        self.size = 0
        self.last = False
        self._file = file
        self._start = bytearray()
        self._digest = hashlib.md5(usedforsecurity=False)

    @property
    def md5(self) -> hashlib._Hash:
        """Not against forgery: what object stores compare to see that nothing was lost on the way."""
        return self._digest

    def body(self) -> bytes | IO[bytes]:
        """From its first byte, as often as wanted."""
        if self.size <= IN_MEMORY:
            return bytes(self._start)
        self._file.seek(0)
        return self._file

    def add(self, data: bytes) -> None:
        """Take up more. Raises OSError when the temporary file cannot hold it."""
        if self.size + len(data) <= IN_MEMORY:
            self._start += data
        else:
            if self.size <= IN_MEMORY:
                self._file.seek(0)
                self._file.truncate()
                self._file.write(self._start)
                self._start.clear()
            self._file.write(data)
            self._file.flush()
        self.size += len(data)
        self._digest.update(data)


class Pieces:
    """`with Pieces(chunks, size) as pieces: for piece in pieces: …`: one at least, all but the last of `size` bytes.

    What `chunks` raises comes through as it is.
    """

    def __init__(self, chunks: Iterable[bytes], size: int) -> None:
        self._stream = Stream(chunks)
        self._size = size
        self._file = tempfile.TemporaryFile(prefix="embank-bank-")  # noqa: SIM115  # __exit__ closes it

    @property
    def size(self) -> int:
        """Of all pieces so far."""
        return self._stream.size

    def __enter__(self) -> Pieces:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Piece]:
        number = 0
        last = False
        while not last:
            number += 1
            piece = Piece(number, self._file)
            for part in self._stream.take(self._size):
                try:
                    piece.add(part)
                except OSError as error:
                    raise BankError(
                        f"cannot keep {self._size} bytes in {tempfile.gettempdir()} on their way to the "
                        f"bank: {error.strerror}; set TMPDIR to a place with room"
                    ) from error
            last = piece.last = not self._stream.more()
            yield piece
