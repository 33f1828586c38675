"""The archive format of Local::Directory: POSIX pax (tar), with GNU's sparse format 1.0 (decision LOCAL-2).

GNU tar extracts it (`tar --xattrs -xf`). `pax_reader.py` reads it back. Times are in pax records because they
have nanoseconds; owners are numbers; names are bytes, as the kernel's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

BLOCK = 512
END = bytes(2 * BLOCK)
XATTR = b"SCHILY.xattr."
SPARSE = {b"GNU.sparse.major": b"1", b"GNU.sparse.minor": b"0"}
SECOND = 1_000_000_000


class Kind(Enum):
    """What a member is; the value is tar's type flag."""

    FILE = b"0"
    HARD_LINK = b"1"
    SYMLINK = b"2"
    DIRECTORY = b"5"
    FIFO = b"6"


@dataclass(frozen=True, slots=True)
class Member:
    """One file of any kind. `path` is relative to the root, which itself is b"".

    `extents` has (offset, length) of the data of a sparse file of `size` bytes; None: it has no holes.
    """

    kind: Kind
    path: bytes
    mode: int = 0o600
    uid: int = 0
    gid: int = 0
    mtime_ns: int = 0
    size: int = 0
    link: bytes = b""
    extents: tuple[tuple[int, int], ...] | None = None
    xattrs: Mapping[bytes, bytes] = field(default_factory=dict)

    @property
    def stored(self) -> int:
        """How many bytes of data follow the head."""
        return self.size if self.extents is None else sum(length for _, length in self.extents)


def padding(size: int) -> bytes:
    """What fills the last block of `size` bytes."""
    return bytes(-size % BLOCK)


def head(member: Member) -> bytes:
    """Everything of a member that stands before its data (which `padding` follows)."""
    name = b"./" + member.path + (b"/" if member.kind is Kind.DIRECTORY and member.path else b"")
    link = b"./" + member.link if member.kind is Kind.HARD_LINK else member.link
    records: dict[bytes, bytes] = {}
    sparse_map = b""
    size = member.stored
    if member.extents is not None:
        sparse_map = _sparse_map(member)
        size += len(sparse_map)
        records |= {**SPARSE, b"GNU.sparse.name": name, b"GNU.sparse.realsize": b"%d" % member.size}
    elif not _fits(name):
        records[b"path"] = name
    if not _fits(link):
        records[b"linkpath"] = link
    seconds, fraction = divmod(abs(member.mtime_ns), SECOND)
    if fraction or not 0 <= member.mtime_ns < SECOND << 33:
        records[b"mtime"] = b"%s%d.%09d" % (b"-" if member.mtime_ns < 0 else b"", seconds, fraction)
    for key, number, bits in ((b"uid", member.uid, 21), (b"gid", member.gid, 21), (b"size", size, 33)):
        if number >> bits:
            records[key] = b"%d" % number
    for attribute, value in sorted(member.xattrs.items()):
        records[XATTR + attribute.replace(b"%", b"%25").replace(b"=", b"%3D")] = value
    extended = b"".join(_record(key, value) for key, value in records.items())
    result = _ustar(member.kind.value, name, link, size, member) + sparse_map
    if extended:
        result = _ustar(b"x", b"././@PaxHeader", b"", len(extended)) + extended + padding(len(extended)) + result
    return result


def _fits(name: bytes) -> bool:
    return len(name) <= 100 and name.isascii()


def _record(key: bytes, value: bytes) -> bytes:
    """`length key=value\\n`, where the length counts itself."""
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    if len(str(length)) > len(str(rest)):
        length += 1
    return b"%d %s=%s\n" % (length, key, value)


def _ustar(flag: bytes, name: bytes, link: bytes, size: int, member: Member | None = None) -> bytes:
    def octal(number: int, width: int) -> bytes:
        return b"%0*o\0" % (width - 1, number if 0 <= number < 8 ** (width - 1) else 0)

    mode, uid, gid, mtime = (member.mode, member.uid, member.gid, member.mtime_ns) if member else (0o600, 0, 0, 0)
    block = b"".join(
        (
            name[:100].ljust(100, b"\0"),
            octal(mode, 8),
            octal(uid, 8),
            octal(gid, 8),
            octal(size, 12),
            octal(mtime // SECOND, 12),
            b" " * 8,
            flag,
            link[:100].ljust(100, b"\0"),
            b"ustar\x0000",
        )
    ).ljust(BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _sparse_map(member: Member) -> bytes:
    extents = member.extents or ()
    if not extents or sum(extents[-1]) != member.size:
        extents = (*extents, (member.size, 0))  # as GNU tar ends a file that ends in a hole
    text = b"%d\n" % len(extents) + b"".join(b"%d\n%d\n" % extent for extent in extents)
    return text + padding(len(text))
