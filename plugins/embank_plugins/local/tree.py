"""Walk and remove directory trees by descriptors, so that nobody can swap a path under our feet.

Only one descriptor is held, however deep the tree is: the way back up is "..", checked to be where we came from.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from embank_plugins.local import LocalError, printable

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
GONE = (FileNotFoundError, NotADirectoryError)  # it was there a moment ago


@dataclass(frozen=True, slots=True)
class Visit:
    """A file met on the way: reach it as `name` in the directory `parent`, before the next step.

    `info` is None when it vanished. A directory is visited twice, the second time `leaving` it.
    """

    path: bytes
    name: bytes
    parent: int
    info: os.stat_result | None
    leaving: bool = False


@dataclass(slots=True)
class _Level:
    path: bytes
    info: os.stat_result
    names: list[bytes]


def walk(root: int) -> Iterator[Visit]:
    """Everything below the directory `root`, and first itself (b"" and "."), depth first, sorted by name."""
    info = os.fstat(root)
    yield Visit(b"", b".", root, info)
    here = os.open(".", DIRECTORY, dir_fd=root)
    try:
        levels = [_Level(b"", info, _names(here))]
        while levels:
            level = levels[-1]
            if not level.names:
                levels.pop()
                if levels:
                    above = _up(here, levels[-1])
                    os.close(here)
                    here = above
                    name = level.path.rpartition(b"/")[2]
                    yield Visit(level.path, name, here, level.info, leaving=True)
                continue
            name = level.names.pop()
            path = level.path + b"/" + name if level.path else name
            visit = Visit(path, name, here, _lstat(name, here))
            yield visit
            if visit.info and stat.S_ISDIR(visit.info.st_mode):
                below = _open(name, here)
                if below is None:
                    yield Visit(path, name, here, None)
                    continue
                os.close(here)
                here = below
                levels.append(_Level(path, os.fstat(here), _names(here)))
    finally:
        os.close(here)


def remove(name: bytes, parent: int) -> None:
    """Remove `name`, whatever it is, with everything in it; nothing is no error. Links are not followed."""
    info = _lstat(name, parent)
    if info is None:
        return
    if not stat.S_ISDIR(info.st_mode):
        os.unlink(name, dir_fd=parent)
        return
    _unlock(name, parent)
    root = os.open(name, DIRECTORY, dir_fd=parent)
    try:
        for visit in walk(root):
            if visit.leaving:
                os.rmdir(visit.name, dir_fd=visit.parent)
            elif visit.info and visit.path and stat.S_ISDIR(visit.info.st_mode):
                _unlock(visit.name, visit.parent)
            elif visit.info and visit.path:
                os.unlink(visit.name, dir_fd=visit.parent)
    finally:
        os.close(root)
    os.rmdir(name, dir_fd=parent)


def _unlock(name: bytes, parent: int) -> None:
    if os.geteuid():  # root needs no permission, and must not be led to change somebody else's
        os.chmod(name, 0o700, dir_fd=parent)


def _names(directory: int) -> list[bytes]:
    return sorted(map(os.fsencode, os.listdir(directory)), reverse=True)


def _lstat(name: bytes, parent: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _open(name: bytes, parent: int) -> int | None:
    try:
        return os.open(name, DIRECTORY, dir_fd=parent)
    except GONE:
        return None


def _up(here: int, level: _Level) -> int:
    above = os.open("..", DIRECTORY, dir_fd=here)
    if not os.path.samestat(os.fstat(above), level.info):
        os.close(above)
        raise LocalError(f"the directory {printable(level.path) or '.'} was moved while it was being read")
    return above
