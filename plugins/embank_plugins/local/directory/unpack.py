"""Write the members of an archive into an empty directory, and nowhere else.

Every file is reached from the root's descriptor, component by component, never through a symbolic link; nothing
that exists is opened, replaced or linked to from outside. The root should be accessible to its owner alone
until the end: what directories are (mode, owner, times) is set last.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from embank_plugins.local import printable
from embank_plugins.local.directory.pack import Tally
from embank_plugins.local.directory.pax import Kind, Member
from embank_plugins.local.directory.pax_reader import Damaged, members
from embank_plugins.local.stream import NEW_FILE
from embank_plugins.local.tree import DIRECTORY

REFUSED = (errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EINVAL)
SET_IDS = stat.S_ISUID | stat.S_ISGID
ACCESS_LIST = b"system.posix_acl_"  # set after the mode, which it contains


@dataclass(slots=True)
class Unpacked:
    """What was written, and of how many files an attribute could not be set."""

    tally: Tally = field(default_factory=Tally)
    without_owner: int = 0
    without_xattr: int = 0


def unpack(chunks: Iterable[bytes], root: int) -> Unpacked:
    """Write the archive into the empty directory `root`. Raises Damaged, OSError, and what `chunks` raises."""
    result = Unpacked()
    way = _Way(root)
    directories: list[Member] = []
    try:
        for member, data in members(chunks):
            if bool(member.path) != bool(directories):
                raise Damaged("the archive does not begin with its root, or has two")
            if member.kind is Kind.DIRECTORY:
                directories.append(member)
            if member.path:
                _make(member, data, way, result)
            result.tally.count(member)
        if not directories:
            raise Damaged("the archive is empty")
        for member in reversed(directories):
            parts = member.path.split(b"/") if member.path else []
            _dress(way.enter(parts), member, result)
    finally:
        way.close()
    return result


class _Way:
    """How to get to a directory below the root. One descriptor is kept: the next file is mostly near."""

    def __init__(self, root: int) -> None:
        self._parts: list[bytes] = []
        self._here = os.dup(root)

    def enter(self, parts: list[bytes]) -> int:
        """The descriptor of a directory, until the next call."""
        common = 0
        for one, other in zip(self._parts, parts, strict=False):
            if one != other:
                break
            common += 1
        for step in [b".."] * (len(self._parts) - common) + parts[common:]:
            below = os.open(step, DIRECTORY, dir_fd=self._here)
            os.close(self._here)
            self._here = below
        self._parts = parts
        return self._here

    def to(self, path: bytes) -> tuple[int, bytes]:
        """The descriptor of the directory that `path` is in, and its last component."""
        *parts, name = path.split(b"/")
        return self.enter(parts), name

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._here)


def _make(member: Member, data: Iterator[bytes], way: _Way, result: Unpacked) -> None:
    try:
        if member.kind is Kind.FILE:
            _make_file(member, data, way, result)
        elif member.kind is Kind.HARD_LINK:
            _make_hard_link(member, way)
        else:
            _make_other(member, way, result)
    except FileExistsError:
        raise Damaged(f"the archive names a path twice: {printable(member.path)}") from None
    except (FileNotFoundError, NotADirectoryError):
        raise Damaged(
            f"the archive names a path before what it is in or links to: {printable(member.path)}"
        ) from None
    except (OverflowError, ValueError) as error:
        raise Damaged(f"the archive has an impossible file: {printable(member.path)}: {error}") from None


def _make_file(member: Member, data: Iterator[bytes], way: _Way, result: Unpacked) -> None:
    parent, name = way.to(member.path)
    file = os.open(name, NEW_FILE, 0o600, dir_fd=parent)
    try:
        _fill(file, ((0, member.size),) if member.extents is None else member.extents, data)
        if member.extents is not None:
            os.ftruncate(file, member.size)
        _dress(file, member, result)
    finally:
        os.close(file)


def _fill(file: int, extents: Iterable[tuple[int, int]], data: Iterator[bytes]) -> None:
    """Write the data, in whatever pieces it comes, into the parts of the file that are not holes."""
    left = b""
    for offset, length in extents:
        end = offset + length
        while offset < end:
            left = left or next(data)
            written = os.pwrite(file, left[: end - offset], offset)
            left = left[written:]
            offset += written


def _make_hard_link(member: Member, way: _Way) -> None:
    parent, source = way.to(member.link)
    source_directory = os.dup(parent)
    try:
        if stat.S_ISDIR(os.stat(source, dir_fd=source_directory, follow_symlinks=False).st_mode):
            raise Damaged(f"the archive has a hard link to a directory: {printable(member.path)}")
        parent, name = way.to(member.path)
        os.link(source, name, src_dir_fd=source_directory, dst_dir_fd=parent, follow_symlinks=False)
    finally:
        os.close(source_directory)


def _make_other(member: Member, way: _Way, result: Unpacked) -> None:
    parent, name = way.to(member.path)
    if member.kind is Kind.DIRECTORY:
        os.mkdir(name, 0o700, dir_fd=parent)
        return
    if member.kind is Kind.SYMLINK:
        os.symlink(member.link, name, dir_fd=parent)
    else:
        os.mkfifo(name, 0o600, dir_fd=parent)
    with suppress(PermissionError):
        os.chown(name, member.uid, member.gid, dir_fd=parent, follow_symlinks=False)
    info = os.stat(name, dir_fd=parent, follow_symlinks=False)
    result.without_owner += (info.st_uid, info.st_gid) != (member.uid, member.gid)
    if member.kind is Kind.FIFO:
        os.chmod(name, member.mode, dir_fd=parent)
    os.utime(name, ns=(member.mtime_ns, member.mtime_ns), dir_fd=parent, follow_symlinks=False)


def _dress(file: int, member: Member, result: Unpacked) -> None:
    """Set owner, attributes, mode and time of an open file or directory, each where it cannot undo another."""
    for uid in (member.uid, -1):  # who may not give files away may still choose among their own groups
        with suppress(PermissionError):
            os.fchown(file, uid, member.gid)
            break
    info = os.fstat(file)
    mode = member.mode
    if (info.st_uid, info.st_gid) != (member.uid, member.gid):
        result.without_owner += 1
        mode &= ~SET_IDS  # they would lend somebody else's rights
    before = {name: value for name, value in member.xattrs.items() if not name.startswith(ACCESS_LIST)}
    refused = _set_xattrs(file, before)
    os.fchmod(file, mode)
    refused |= _set_xattrs(file, {name: member.xattrs[name] for name in member.xattrs.keys() - before.keys()})
    result.without_xattr += refused
    os.utime(file, ns=(member.mtime_ns, member.mtime_ns))


def _set_xattrs(file: int, xattrs: dict[bytes, bytes]) -> bool:
    """True when at least one was refused."""
    refused = False
    for name, value in xattrs.items():
        try:
            os.setxattr(file, name, value)
        except OSError as error:
            if error.errno not in REFUSED:
                raise
            refused = True
    return refused
