"""Read a directory tree into an archive stream, in bounded memory."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field

from embank_plugins.local import printable
from embank_plugins.local.directory.pax import END, Kind, Member, head, padding
from embank_plugins.local.stream import PIECE
from embank_plugins.local.tree import DIRECTORY, Visit, walk

KINDS = {
    stat.S_IFREG: Kind.FILE,
    stat.S_IFDIR: Kind.DIRECTORY,
    stat.S_IFLNK: Kind.SYMLINK,
    stat.S_IFIFO: Kind.FIFO,
}
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
NO_XATTRS = (errno.ENOTSUP, errno.EPERM, errno.EACCES)


@dataclass(slots=True)
class Tally:
    """What an archive holds, and what it cannot hold as it should."""

    counts: dict[str, int] = field(default_factory=lambda: {kind.name.lower(): 0 for kind in Kind})
    size: int = 0  # bytes of data, without holes
    changed: list[str] = field(default_factory=list)  # while they were read
    vanished: list[str] = field(default_factory=list)  # before they could be read
    skipped: list[str] = field(default_factory=list)  # sockets and devices

    def count(self, member: Member) -> None:
        """Add a member."""
        self.counts[member.kind.name.lower()] += 1
        self.size += member.stored


def pack(root: int, tally: Tally) -> Iterator[bytes]:
    """The archive of the tree under the directory `root`, in chunks of at most a MiB or so.

    A file that changes, shrinks or vanishes meanwhile does not stop the copy: the tally says so.
    """
    first: dict[tuple[int, int], bytes] = {}  # of the files with several links
    for visit in walk(root):
        if visit.leaving:
            continue
        if visit.info is None:
            tally.vanished.append(printable(visit.path))
            continue
        kind = KINDS.get(stat.S_IFMT(visit.info.st_mode))
        if kind is None:
            tally.skipped.append(printable(visit.path))
            continue
        identity = (visit.info.st_dev, visit.info.st_ino)
        if identity in first:
            member = _member(visit, visit.info, Kind.HARD_LINK, link=first[identity])
            tally.count(member)
            yield head(member)
            continue
        chunks = _file(visit, tally) if kind is Kind.FILE else _other(visit, visit.info, kind, tally)
        written = False
        for chunk in chunks:
            written = True
            yield chunk
        if written and kind is not Kind.DIRECTORY and visit.info.st_nlink > 1:
            first[identity] = visit.path
    yield END


def _member(
    visit: Visit,
    info: os.stat_result,
    kind: Kind,
    *,
    link: bytes = b"",
    size: int = 0,
    extents: tuple[tuple[int, int], ...] | None = None,
    xattrs: Mapping[bytes, bytes] | None = None,
) -> Member:
    return Member(
        kind,
        visit.path,
        stat.S_IMODE(info.st_mode),
        info.st_uid,
        info.st_gid,
        info.st_mtime_ns,
        size,
        link,
        extents,
        xattrs or {},
    )


def _other(visit: Visit, info: os.stat_result, kind: Kind, tally: Tally) -> Iterator[bytes]:
    link = b""
    xattrs: Mapping[bytes, bytes] = {}
    try:
        if kind is Kind.SYMLINK:
            link = os.fsencode(os.readlink(visit.name, dir_fd=visit.parent))
        elif kind is Kind.DIRECTORY:
            directory = os.open(visit.name, DIRECTORY, dir_fd=visit.parent)
            try:
                xattrs = _xattrs(directory)
            finally:
                os.close(directory)
    except OSError as error:
        if error.errno not in (*GONE, errno.EINVAL):
            raise
        tally.vanished.append(printable(visit.path))
        return
    member = _member(visit, info, kind, link=link, xattrs=xattrs)
    tally.count(member)
    yield head(member)


def _file(visit: Visit, tally: Tally) -> Iterator[bytes]:
    try:
        file = os.open(visit.name, FILE, dir_fd=visit.parent)
    except OSError as error:
        if error.errno not in GONE:
            raise
        tally.vanished.append(printable(visit.path))
        return
    try:
        info = os.fstat(file)
        if not stat.S_ISREG(info.st_mode):
            tally.vanished.append(printable(visit.path))
            return
        holes = info.st_blocks * 512 < info.st_size
        extents = tuple(_extents(file, info.st_size)) if holes else None
        member = _member(visit, info, Kind.FILE, size=info.st_size, extents=extents, xattrs=_xattrs(file))
        tally.count(member)
        yield head(member)
        whole = True
        for offset, length in ((0, info.st_size),) if extents is None else extents:
            whole = (yield from _data(file, offset, length)) and whole
        yield padding(member.stored)
        after = os.fstat(file)
        if not whole or _version(after) != _version(info):
            tally.changed.append(printable(visit.path))
    finally:
        os.close(file)


def _version(info: os.stat_result) -> tuple[int, int, int]:
    return info.st_size, info.st_mtime_ns, info.st_ctime_ns


def _data(file: int, offset: int, length: int) -> Generator[bytes, None, bool]:
    """Exactly `length` bytes: zeros for those that are not there any more. False when some were not."""
    end = offset + length
    while offset < end:
        piece = os.pread(file, min(PIECE, end - offset), offset)
        if not piece:
            break
        offset += len(piece)
        yield piece
    whole = offset == end
    while offset < end:
        piece = bytes(min(PIECE, end - offset))
        offset += len(piece)
        yield piece
    return whole


def _extents(file: int, size: int) -> Iterator[tuple[int, int]]:
    """(offset, length) of the parts of the file that are not holes."""
    position = 0
    while position < size:
        try:
            start = os.lseek(file, position, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole
                return
            if error.errno != errno.EINVAL:
                raise
            start = position  # a file system that cannot tell
        if start >= size:
            return
        try:
            position = min(os.lseek(file, start, os.SEEK_HOLE), size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENXIO):
                raise
            position = size
        yield start, position - start


def _xattrs(file: int) -> dict[bytes, bytes]:
    try:
        names = os.listxattr(file)
    except OSError as error:
        if error.errno not in NO_XATTRS:
            raise
        return {}
    found = {}
    for name in names:
        try:
            found[os.fsencode(name)] = os.getxattr(file, name)
        except OSError as error:
            if error.errno not in (*NO_XATTRS, errno.ENODATA):
                raise
    return found
