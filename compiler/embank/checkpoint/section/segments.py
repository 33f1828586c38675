"""Data of any size in a bank section: segments, each with its sha256, and an index written when all are there.

    data/<name>/00000001/claim         a write is under way
    data/<name>/00000001/00000001      at most SEGMENT bytes
    data/<name>/00000001/index         the write is complete: sizes and digests

Every write takes the next number. The highest number that has an index is the data; a write that completes
removes the lower ones. So a repeated write replaces, a killed one is never read, and a stuck writer that
wakes up after its repetition has finished cannot harm it (decision CHECKPOINT-3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from embank.checkpoint.errors import CheckpointError, Damaged, Incomplete
from embank.checkpoint.keys import numbered, segment
from embank.checkpoint.objects import children, create_json, delete_all, read_json_or_none
from embank.model import Json
from embank.plugins.bank import Bank, BankError, ObjectExists, ObjectMissing
from embank.plugins.contract import DataInfo
from embank.plugins.stream import Stream

SEGMENT = 32 << 20


class Data:
    """The data under one name of a bank section. `prefix` is the section's; `check_open` raises when the
    checkpoint takes no data (any more): a write takes hours, and somebody else may have taken over meanwhile.
    """

    def __init__(self, bank: Bank, prefix: str, name: str, check_open: Callable[[], None] = lambda: None) -> None:
        self.bank = bank
        self.check_open = check_open
        self.name = name
        self.prefix = f"{prefix}data/{segment(name)}/"

    def write(self, chunks: Iterable[bytes], *, segment_size: int = SEGMENT) -> DataInfo:
        """Write the segments and then the index; remove what other writes left."""
        number = self._claim()
        below = f"{self.prefix}{numbered(number)}/"
        try:
            index = self._write_segments(below, Stream(chunks), segment_size)
            create_json(self.bank, f"{below}index", index)
            self.check_open()
            if self._last_complete() != number:
                raise CheckpointError(f"the data {self.name!r} were written again meanwhile; the later write stands")
        except BaseException:
            with suppress(BankError):
                delete_all(self.bank, below)
            raise
        for other in self._numbers():
            if other < number:
                delete_all(self.bank, f"{self.prefix}{numbered(other)}/")
        with suppress(ObjectMissing):  # a still later write has removed all of ours by now
            self.bank.delete(f"{below}claim")
        return _info(index)

    def read(self) -> Iterator[bytes]:
        """Stream the data, checking every segment's sha256 as it ends, and the whole. Raises Damaged."""
        number, index = self._current()
        whole = hashlib.sha256()
        for position, (size, sha256) in enumerate(index["segments"], 1):
            key = f"{self.prefix}{numbered(number)}/{numbered(position)}"
            part = hashlib.sha256()
            read = 0
            try:
                for chunk in self.bank.get(key):
                    part.update(chunk)
                    whole.update(chunk)
                    read += len(chunk)
                    yield chunk
            except ObjectMissing:
                raise Damaged(f"the data {self.name!r} are damaged: the segment {key!r} is missing") from None
            if read != size or part.hexdigest() != sha256:
                raise Damaged(f"the data {self.name!r} are damaged: the segment {key!r} is not what was written")
        if whole.hexdigest() != index["sha256"]:
            raise Damaged(
                f"the data {self.name!r} are damaged: their index and their segments do not belong together"
            )

    def info(self) -> DataInfo:
        """Size, digest and number of segments. Raises Incomplete when no write was completed."""
        return _info(self._current()[1])

    def _claim(self) -> int:
        number = max(self._numbers(), default=0)
        while True:
            number += 1
            with suppress(ObjectExists):
                create_json(self.bank, f"{self.prefix}{numbered(number)}/claim", {"name": self.name})
                return number

    def _write_segments(self, below: str, stream: Stream, segment_size: int) -> dict[str, Json]:
        segments: list[tuple[int, str]] = []
        whole = hashlib.sha256()
        while stream.more():
            self.check_open()
            part = hashlib.sha256()
            pieces = _digesting(stream.take(segment_size), part, whole)
            info = self.bank.put(f"{below}{numbered(len(segments) + 1)}", pieces)
            segments.append((info.size, part.hexdigest()))
        return {
            "version": 1,
            "name": self.name,
            "size": stream.size,
            "sha256": whole.hexdigest(),
            "segments": segments,
        }

    def _numbers(self) -> list[int]:
        numbers = []
        for child in children(self.bank, self.prefix):
            if not (child.isascii() and child.isdigit()):
                raise Damaged(f"there is something at {self.prefix + child!r} that Embank did not write")
            numbers.append(int(child))
        return numbers

    def _last_complete(self) -> int:
        complete = (n for n in self._numbers() if self.bank.stat(f"{self.prefix}{numbered(n)}/index"))
        return max(complete, default=0)

    def _current(self) -> tuple[int, dict[str, Json]]:
        number = self._last_complete()
        index = read_json_or_none(self.bank, f"{self.prefix}{numbered(number)}/index") if number else None
        if index is None:
            raise Incomplete(f"there are no data {self.name!r} in this bank section: no write of them was completed")
        return number, checked_index(index, self.prefix)


def checked_index(index: dict[str, Json], where: str) -> dict[str, Json]:
    """The index itself. Raises Damaged when it is none."""
    segments = index.get("segments")
    sane = (
        index.get("version") == 1
        and isinstance(index.get("name"), str)
        and isinstance(index.get("sha256"), str)
        and isinstance(segments, list)
        and all(
            isinstance(row, list) and len(row) == 2 and type(row[0]) is int and isinstance(row[1], str)
            for row in segments
        )
        and index.get("size") == sum(row[0] for row in segments)
    )
    if not sane:
        raise Damaged(
            f"the index at {where!r} is damaged: Embank {index.get('version', 'of any version')} wrote no such"
        )
    return index


def data_names(bank: Bank, prefix: str) -> list[str]:
    """The names of the data in a section that were written completely, sorted."""
    names = []
    for child in children(bank, f"{prefix}data/"):
        numbers = sorted(children(bank, f"{prefix}data/{child}/"), reverse=True)
        found = (read_json_or_none(bank, f"{prefix}data/{child}/{number}/index") for number in numbers)
        index = next((index for index in found if index is not None), None)
        if index is not None:
            names.append(checked_index(index, f"{prefix}data/{child}/")["name"])
    return sorted(names)


def _digesting(chunks: Iterator[bytes], *digests: hashlib._Hash) -> Iterator[bytes]:
    for chunk in chunks:
        for digest in digests:
            digest.update(chunk)
        yield chunk


def _info(index: dict[str, Json]) -> DataInfo:
    return DataInfo(index["size"], index["sha256"], len(index["segments"]))
