"""Durable and careful file operations below an open directory, for the filesystem bank.

Everything is relative to a directory's file descriptor and follows no symbolic link. Raises OSError.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
SOME_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # not to hang on a planted pipe


def create_root(path: Path) -> None:
    """Create a directory and those above it that are missing, durably, for the owner alone."""
    missing: list[Path] = []
    while not path.exists():
        missing.append(path)
        path = path.parent
    for directory in reversed(missing):
        directory.mkdir(mode=0o700, exist_ok=True)
        above = os.open(directory.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(above)
        finally:
            os.close(above)


@contextmanager
def walk(start: int, names: Sequence[bytes], *, create: bool = False) -> Iterator[int]:
    """Open the directory that `names` lead to from `start`; `create` those that are missing, durably."""
    directory = os.dup(start)
    try:
        for name in names:
            below = _open_or_create(directory, name) if create else os.open(name, DIRECTORY, dir_fd=directory)
            os.close(directory)
            directory = below
        yield directory
    finally:
        os.close(directory)


def _open_or_create(directory: int, name: bytes) -> int:
    with suppress(FileNotFoundError):
        return os.open(name, DIRECTORY, dir_fd=directory)
    with suppress(FileExistsError):  # another writer was faster
        os.mkdir(name, 0o700, dir_fd=directory)
    os.fsync(directory)
    return os.open(name, DIRECTORY, dir_fd=directory)


def open_file(directory: int, name: bytes) -> int:
    """Open a regular file for reading. Raises IsADirectoryError for anything that is not one."""
    file = os.open(name, os.O_RDONLY | SOME_FILE, dir_fd=directory)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise IsADirectoryError("not a regular file")
    return file


def scan(directory: int) -> list[tuple[bytes, bool]]:
    """The names in a directory, each with whether it is a directory; neither links nor devices."""
    with os.scandir(directory) as entries:
        return [
            (os.fsencode(entry.name), entry.is_dir(follow_symlinks=False))
            for entry in entries
            if entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)
        ]


def remove_empty(start: int, names: Sequence[bytes]) -> None:
    """Remove the directory at `names`, and those above, while they are empty; make all that durable."""
    while names:
        try:
            with walk(start, names[:-1]) as directory:
                os.rmdir(names[-1], dir_fd=directory)
        except FileNotFoundError:  # somebody else was faster
            pass
        except OSError:
            break
        names = names[:-1]
    while True:
        try:
            with walk(start, names) as directory:
                return os.fsync(directory)
        except FileNotFoundError:
            names = names[:-1]


class Temporary:
    """A new file under a random name, locked while its writer lives, gone when the block ends.

    `link` and `replace` give it its real name before that. `size` counts the bytes written.
    """

    def __init__(self, directory: int) -> None:
        self.directory = directory
        self.size = 0

    def __enter__(self) -> Temporary:
        while True:
            self.name = secrets.token_hex(16).encode()
            self.file = os.open(self.name, NEW_FILE, 0o600, dir_fd=self.directory)
            # where there are no locks, `sweep` cannot take one either, and leaves the file alone
            with suppress(OSError):
                fcntl.flock(self.file, fcntl.LOCK_EX)
            if os.fstat(self.file).st_nlink:
                return self
            os.close(self.file)  # swept in the instant before it was locked

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        with suppress(OSError):
            os.unlink(self.name, dir_fd=self.directory)
        os.close(self.file)

    def write(self, chunk: bytes) -> None:
        """Append `chunk`, all of it."""
        rest = memoryview(chunk).cast("B")
        while rest:
            written = os.write(self.file, rest)
            self.size += written
            rest = rest[written:]

    def sync(self) -> None:
        """Return when the bytes are on the disk."""
        os.fsync(self.file)

    def link(self, directory: int, name: bytes) -> None:
        """Give the file this name as well. Raises FileExistsError when it is taken."""
        os.link(self.name, name, src_dir_fd=self.directory, dst_dir_fd=directory, follow_symlinks=False)

    def replace(self, directory: int, name: bytes) -> None:
        """Give the file this name, whatever had it."""
        os.replace(self.name, name, src_dir_fd=self.directory, dst_dir_fd=directory)


def sweep(directory: int) -> None:
    """Remove the temporary files whose writers are dead: those that nobody holds a lock on."""
    for name, is_directory in scan(directory):
        if is_directory:
            continue
        with suppress(OSError):
            file = os.open(name, os.O_WRONLY | SOME_FILE, dir_fd=directory)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name, dir_fd=directory)
            finally:
                os.close(file)
