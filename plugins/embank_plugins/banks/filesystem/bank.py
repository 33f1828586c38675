"""The filesystem bank: every object is a file. The embedded default; docs/bank-format.md describes the layout.

    [filesystem_bank]
    path = $here/bank

A put writes a temporary file in `.incoming`, syncs it, and then links it (write-once) or renames it into
place: readers and crashes see all of an object or nothing. Every directory is opened relative to the one above
and never through a symbolic link: what somebody plants inside a bank leads nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from errno import EDQUOT, EISDIR, ELOOP, ENOSPC, ENOTDIR, EPERM, EROFS
from pathlib import Path
from typing import TYPE_CHECKING

from embank.plugins import Bank, BankError, ObjectExists, ObjectInfo, ObjectMissing, check_key
from embank_plugins.banks.filesystem.files import Temporary, create_root, open_file, remove_empty, sweep, walk
from embank_plugins.banks.filesystem.listing import find_object, list_objects
from embank_plugins.banks.filesystem.names import path_of
from embank_plugins.banks.ranges import check_range

if TYPE_CHECKING:
    from oslo_config import cfg

CHUNK = 1 << 20
INCOMING = b".incoming"
TRIES = 100  # for a directory that deletes of other objects keep removing while a put needs it
HINTS = {
    ENOSPC: "; nothing was stored: make room there, then run this again",
    EDQUOT: "; nothing was stored: make room there, then run this again",
    ENOTDIR: ": something that is not a directory (a symbolic link?) is in the way",
    ELOOP: ": a symbolic link is in the way",
    EISDIR: ": a directory is in the way",
    EROFS: "; it can only be read here: mount it for writing, or work on a copy of it",
    EPERM: " (does this file system have hard links? Write-once objects need them)",
}


def absolute_path(given: str | Path | None) -> Path:
    """The path itself. Raises ValueError, saying what to write, when it is relative or missing."""
    if not given or not str(given).isprintable():
        raise ValueError("it takes the path of a directory, such as `path = $here/bank`")
    if not Path(given).is_absolute():
        raise ValueError(f"it is relative: write $here/{given} (beside the provider's file) or an absolute path")
    return Path(given)


class FilesystemBank(Bank):
    """Objects as files under one directory, which the first put creates (mode 0700, files 0600)."""

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        """`[filesystem_bank] path`: the absolute path of the directory."""
        from oslo_config import cfg, types

        class AbsolutePath(types.String):
            """Says at once, when the provider file is read, what is wrong with a path."""

            def __call__(self, value: str) -> str:
                return str(absolute_path(value))

        help = "The bank's directory: an absolute path, which may begin with $here."
        return {"filesystem_bank": [cfg.Opt("path", type=AbsolutePath(), required=True, help=help)]}

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self.path = absolute_path(conf.filesystem_bank.path)
        self._met = False  # it was there once: from then on its absence is a loss, not a beginning
        self._swept = False

    def put(self, key: str, chunks: Iterable[bytes], *, if_absent: bool = False) -> ObjectInfo:
        """Write, sync, publish. See Bank.put."""
        check_key(key)
        if if_absent and self.stat(key):
            raise self._exists(key)
        action = f"store {key!r} in"
        with ExitStack() as stack:
            with self._speaking(action):
                root = stack.enter_context(self._root(create=True))
                incoming = stack.enter_context(walk(root, [INCOMING], create=True))
                self._sweep_once(incoming)
                temporary = stack.enter_context(Temporary(incoming))
            for chunk in chunks:  # outside of "speaking": what the source raises is the source's own
                with self._speaking(action):
                    temporary.write(chunk)
            with self._speaking(action):
                temporary.sync()
                self._publish(root, temporary, key, if_absent)
        return ObjectInfo(key, temporary.size)

    def _publish(self, root: int, temporary: Temporary, key: str, if_absent: bool) -> None:
        above, name = path_of(key)
        for tries_left in reversed(range(TRIES)):
            try:
                with walk(root, above, create=True) as directory:
                    if if_absent:
                        temporary.link(directory, name)
                    else:
                        temporary.replace(directory, name)
                    os.fsync(directory)
                    return
            except FileExistsError:
                raise self._exists(key) from None
            except FileNotFoundError:  # a delete removed the directory under our feet: it was still empty
                if not tries_left:
                    raise

    def get(self, key: str, *, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Stream an object, a mebibyte at a time. See Bank.get."""
        check_key(key)
        check_range(start, end)
        action = f"read {key!r} from"
        above, name = path_of(key)
        with self._speaking(action, key), self._root() as root, walk(root, above) as directory:
            file = open_file(directory, name)
        try:
            while end is None or start < end:
                with self._speaking(action):
                    chunk = os.pread(file, CHUNK if end is None else min(CHUNK, end - start), start)
                if not chunk:
                    return
                start += len(chunk)
                yield chunk
        finally:
            os.close(file)

    def list(self, prefix: str = "", *, marker: str = "", limit: int = 1000) -> Sequence[ObjectInfo]:
        """Open only those directories in which wanted keys can be, in key order. See Bank.list."""
        try:
            with self._speaking("list"), self._root() as root:
                return list_objects(root, prefix, marker, limit)
        except ObjectMissing:  # no bank yet
            return []

    def delete(self, key: str) -> None:
        """Unlink the file and the directories that it leaves empty. See Bank.delete."""
        check_key(key)
        above, name = path_of(key)
        with self._speaking(f"delete {key!r} from", key), self._root() as root:
            with walk(root, above) as directory:
                os.unlink(name, dir_fd=directory)
            remove_empty(root, above)

    def stat(self, key: str) -> ObjectInfo | None:
        """The size of the file. See Bank.stat."""
        check_key(key)
        try:
            with self._speaking(f"look for {key!r} in"), self._root() as root:
                return find_object(root, key)
        except ObjectMissing:  # no bank yet
            return None

    def check(self) -> None:
        """The directory can be read, or can be created. One that can only be read (mounted so, somebody else's) is
        good for listing, verifying, restoring; a write says what is wrong with it (decision BANK-1). See Bank.check.
        """
        place = self.path
        needed, wanted = os.R_OK | os.X_OK, "read"
        with self._speaking("use"):
            while not place.exists():
                place, needed, wanted = place.parent, os.R_OK | os.W_OK | os.X_OK, "read and write"
            if not place.is_dir():
                raise BankError(f"the bank {self.path} cannot be used: {place} is not a directory")
            if not os.access(place, needed, effective_ids=True):
                raise BankError(f"the bank {self.path} cannot be used: no permission to {wanted} in {place}")

    def _sweep_once(self, incoming: int) -> None:
        if not self._swept:
            self._swept = True
            sweep(incoming)

    @contextmanager
    def _root(self, *, create: bool = False) -> Iterator[int]:
        """The bank's directory, open. Raises ObjectMissing when it is not there yet."""
        met = self._met  # asked before looking: another thread may create it in between
        if create and not met:
            create_root(self.path)
        try:
            root = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            if met:
                raise BankError(f"the bank {self.path} has vanished: is its file system still mounted?") from None
            raise ObjectMissing(f"there is no bank {self.path} yet: nothing was ever stored in it") from None
        self._met = True
        try:
            yield root
        finally:
            os.close(root)

    @contextmanager
    def _speaking(self, action: str, key: str = "") -> Iterator[None]:
        """Turn an OSError into a BankError that says what could not be done, where and why."""
        try:
            yield
        except FileNotFoundError as error:
            if key:
                raise ObjectMissing(f"the bank {self.path} has no object {key!r}") from None
            raise BankError(f"cannot {action} the bank {self.path}: {error.strerror}") from error
        except OSError as error:
            hint = HINTS.get(error.errno or 0, "")
            raise BankError(f"cannot {action} the bank {self.path}: {error.strerror or error}{hint}") from error

    def _exists(self, key: str) -> ObjectExists:
        return ObjectExists(f"the bank {self.path} already has an object {key!r}")
