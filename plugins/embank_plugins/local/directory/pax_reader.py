"""Read back what `pax.py` writes, and refuse the rest.

It works through untrusted bytes in bounded memory. Every path it hands out is relative and has no "..".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from embank_plugins.local import LocalError, printable
from embank_plugins.local.directory.pax import BLOCK, SECOND, SPARSE, XATTR, Kind, Member, padding

RECORDS_LIMIT = 16 << 20  # bytes of pax records of one member: names and extended attributes
RECORD = re.compile(rb"([0-9]{1,8}) ([^=\n]+)=")


class Damaged(LocalError):
    """The archive is not what was written, or not by this plugin."""


class Stream:
    """Chunks of bytes, read in pieces of known length."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = filter(None, chunks)
        self._left = memoryview(b"")

    def flow(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes, in pieces as they come. Raises Damaged when there are fewer."""
        while size:
            if not self._left and not self._more():
                raise Damaged("the archive ends too early")
            piece, self._left = self._left[:size], self._left[size:]
            size -= len(piece)
            yield bytes(piece)

    def take(self, size: int) -> bytes:
        """The next `size` bytes at once."""
        return b"".join(self.flow(size))

    def finish(self) -> None:
        """Read to the end, where nothing but zeros may be."""
        while self._left or self._more():
            if any(self._left):
                raise Damaged("the archive goes on after its end")
            self._left = memoryview(b"")

    def _more(self) -> bool:
        self._left = memoryview(next(self._chunks, b""))
        return bool(self._left)


def members(chunks: Iterable[bytes]) -> Iterator[tuple[Member, Iterator[bytes]]]:
    """Every member with its data, to be read before the next one is asked for (what is left is skipped).

    Raises Damaged. The chunks are read to their end, so that whatever checks them can.
    """
    stream = Stream(chunks)
    records: dict[bytes, bytes] = {}
    while True:
        block = stream.take(BLOCK)
        if not any(block):
            if records or any(stream.take(BLOCK)):
                raise Damaged("the archive ends in the middle of a member")
            stream.finish()
            return
        flag, size = _check(block)
        if flag == b"x":
            if records or size > RECORDS_LIMIT:
                raise Damaged("the archive has pax records that this plugin does not write")
            records = _records(stream.take(size))
            stream.take(len(padding(size)))
            continue
        size = _number(records.pop(b"size"), 1 << 63) if b"size" in records else size
        member = _member(flag, size, block, records, stream)
        records = {}
        data = stream.flow(member.stored)
        yield member, data
        for _ in data:
            pass
        stream.take(len(padding(member.stored)))


def _check(block: bytes) -> tuple[bytes, int]:
    if block[257:265] != b"ustar\x0000" or _octal(block[148:156]) != sum(block[:148] + b" " * 8 + block[156:]):
        raise Damaged("the archive has a damaged header")
    return block[156:157], _octal(block[124:136])


def _octal(digits: bytes) -> int:
    match = re.fullmatch(rb"([0-7]+)[ \0]*", digits)
    if not match:
        raise Damaged("the archive has a damaged number")
    return int(match[1], 8)


def _number(digits: bytes, below: int) -> int:
    if not re.fullmatch(rb"[0-9]{1,19}", digits) or int(digits) >= below:
        raise Damaged("the archive has a number that is out of range")
    return int(digits)


def _records(data: bytes) -> dict[bytes, bytes]:
    records: dict[bytes, bytes] = {}
    start = 0
    while start < len(data):
        match = RECORD.match(data, start)
        end = start + int(match[1]) if match else 0
        if not match or end <= match.end() or end > len(data) or data[end - 1 : end] != b"\n" or match[2] in records:
            raise Damaged("the archive has damaged pax records")
        records[match[2]] = data[match.end() : end - 1]
        start = end
    return records


def _member(flag: bytes, size: int, block: bytes, records: dict[bytes, bytes], stream: Stream) -> Member:
    try:
        kind = Kind(flag)
    except ValueError:
        raise Damaged(
            f"the archive has a member of type {printable(flag)!r}, which this plugin never writes"
        ) from None
    name = records.pop(b"path", block[:100].rstrip(b"\0"))
    link = records.pop(b"linkpath", block[157:257].rstrip(b"\0"))
    extents = None
    if {key: records.pop(key) for key in SPARSE if key in records} == SPARSE and kind is Kind.FILE:
        name = records.pop(b"GNU.sparse.name", b"")
        stored, size = size, _number(records.pop(b"GNU.sparse.realsize", b""), 1 << 63)
        extents = _extents(stream, stored, size)
    elif size and kind is not Kind.FILE:
        raise Damaged("the archive has data where no file is")
    uid, gid = records.pop(b"uid", None), records.pop(b"gid", None)
    mtime = records.pop(b"mtime", None)
    xattrs = {
        key.removeprefix(XATTR).replace(b"%3D", b"=").replace(b"%25", b"%"): records.pop(key)
        for key in list(records)
        if key.startswith(XATTR)
    }
    if records:
        raise Damaged(f"the archive has a pax record {printable(min(records))!r}, which this plugin never writes")
    return Member(
        kind,
        _inside(name.removesuffix(b"/") if kind is Kind.DIRECTORY else name),
        mode=_octal(block[100:108]) & 0o7777,
        uid=_octal(block[108:116]) if uid is None else _number(uid, (1 << 32) - 1),
        gid=_octal(block[116:124]) if gid is None else _number(gid, (1 << 32) - 1),
        mtime_ns=_octal(block[136:148]) * SECOND if mtime is None else _time(mtime),
        size=size,
        link=_inside(link) if kind is Kind.HARD_LINK else link,
        extents=extents,
        xattrs=xattrs,
    )


def _extents(stream: Stream, stored: int, size: int) -> tuple[tuple[int, int], ...]:
    """The sparse map: decimal numbers, a line each, in as many blocks as they need."""
    text = b""
    lines: list[bytes] = []
    wanted, read = 1, 0
    while len(lines) < wanted:
        if read + BLOCK > stored:
            raise Damaged("the archive has a sparse file without a whole map")
        text += stream.take(BLOCK)
        read += BLOCK
        *complete, text = text.split(b"\n")
        lines += complete
        if wanted == 1 and lines:
            wanted = 1 + 2 * _number(lines[0], stored)
    numbers = [_number(line, size + 1) for line in lines[1:wanted]]
    extents = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    end = 0
    for offset, length in extents:
        if offset < end or offset + length > size:
            raise Damaged("the archive has a sparse file whose parts overlap")
        end = offset + length
    if sum(length for _, length in extents) != stored - read:
        raise Damaged("the archive has a sparse file whose parts are not all there")
    return tuple(extent for extent in extents if extent[1])


def _time(text: bytes) -> int:
    match = re.fullmatch(rb"(-?)([0-9]{1,12})(?:\.([0-9]{1,9}))?", text)
    if not match:
        raise Damaged("the archive has a damaged time")
    time = int(match[2]) * SECOND + int((match[3] or b"").ljust(9, b"0"))
    return -time if match[1] else time


def _inside(name: bytes) -> bytes:
    """The path below the root. Raises Damaged for one that could lead out of it."""
    if name in (b".", b"./"):
        return b""
    path = name.removeprefix(b"./")
    if not path or b"\0" in path or any(part in (b"", b".", b"..") for part in path.split(b"/")):
        raise Damaged(f"the archive has a path that leads outside: {printable(name)!r}")
    return path
