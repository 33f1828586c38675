"""Where a restore goes, and how what was restored takes the place of what was there.

A restore never touches what is there until its own copy is complete beside it; then the two change places at
once. The old one is removed last.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from embank.plugins import Checkpoint, Json, Resource
from embank_plugins.local import LocalError
from embank_plugins.local.configuration import Storage, Stored
from embank_plugins.local.tree import DIRECTORY, remove

RESTORE_PARAMETERS: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "target": {
            "type": "string",
            "pattern": "^/[^\\u0000]+$",
            "description": "Restore to this path, under a restore_root of the provider; default: where it was.",
        },
        "existing": {
            "enum": ["refuse", "replace"],
            "default": "refuse",
            "description": "What to do when something is there: fail, or put the restored copy in its place.",
        },
    },
    "additionalProperties": False,
}
RENAME_EXCHANGE = 2  # renameat2(2)
LITTER = (b"-journal", b"-wal", b"-shm")  # what SQLite makes beside a database


@dataclass(frozen=True, slots=True)
class Place:
    """A path that a restore goes to: `name` in the directory `parent`. `scratch` and `aside` are names beside it."""

    path: str
    parent: int
    name: bytes
    scratch: bytes

    @property
    def aside(self) -> bytes:
        """Where the old one is for a moment, on a file system that cannot exchange two."""
        return self.scratch + b".old"

    def at(self, name: bytes) -> str:
        """A path to a name in the directory, for libraries that take nothing else. Links cannot redirect it."""
        return f"/proc/self/fd/{self.parent}/{os.fsdecode(name)}"

    def info(self) -> os.stat_result | None:
        """What is there, or None. A link is not followed."""
        try:
            return os.stat(self.name, dir_fd=self.parent, follow_symlinks=False)
        except FileNotFoundError:
            return None

    @property
    def taken(self) -> bool:
        """Something is there that a restore would replace; an empty directory is nothing."""
        info = self.info()
        if info is None or not stat.S_ISDIR(info.st_mode):
            return info is not None
        directory = os.open(self.name, DIRECTORY, dir_fd=self.parent)
        try:
            with os.scandir(directory) as entries:
                return any(True for _ in entries)
        finally:
            os.close(directory)


def scratch_name(checkpoint: Checkpoint, resource: Resource) -> str:
    """A file name for what is only there for a while: a person sees which checkpoint it belongs to."""
    readable = re.sub(r"[^A-Za-z0-9._-]", "_", checkpoint.id)[:64]
    whole = "\0".join((checkpoint.id, resource.type, resource.id)).encode("utf-8", "surrogatepass")
    return f".embank-{readable}-{hashlib.sha256(whole).hexdigest()[:12]}"


@contextmanager
def place(
    storage: Storage, stored: Stored, parameters: Mapping[str, Json], checkpoint: Checkpoint, resource: Resource
) -> Iterator[Place]:
    """The place that the restore parameters ask for. Raises LocalError for one that is not allowed."""
    target = parameters.get("target", stored.path)
    if target == stored.path:
        path = os.path.realpath(target)
        above, name = os.path.split(path)
        parent = _open_root(above)
    else:
        path, name, parent = _below_root(storage, target)
    where = Place(path, parent, os.fsencode(name), os.fsencode(scratch_name(checkpoint, resource)))
    try:
        _put_back(where)
        yield where
        remove(where.aside, where.parent)
    finally:
        os.close(parent)


def clear_beside(stored: Stored, checkpoint: Checkpoint, resource: Resource) -> None:
    """Remove what a restore to the original place left there that was killed and never repeated.

    A deletion does this (decision LOCAL-4).
    """
    above, name = os.path.split(os.path.realpath(stored.path))
    try:
        parent = os.open(above, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:  # lost, with all that was there
        return
    where = Place(stored.path, parent, os.fsencode(name), os.fsencode(scratch_name(checkpoint, resource)))
    try:
        _put_back(where)
        for suffix in (b"", *LITTER):
            remove(where.scratch + suffix, where.parent)
    finally:
        os.close(parent)


def _put_back(where: Place) -> None:
    """A run that was killed has put the old one aside, and nothing in its place: it goes back there."""
    if where.info() is None:
        with suppress(FileNotFoundError):
            os.rename(where.aside, where.name, src_dir_fd=where.parent, dst_dir_fd=where.parent)


def _below_root(storage: Storage, target: str) -> tuple[str, str, int]:
    for root in storage.restore_roots:
        parts = target.removeprefix(root.rstrip("/") + "/").split("/")
        if not target.startswith(root.rstrip("/") + "/") or any(part in ("", ".", "..") for part in parts):
            continue
        parent = _open_root(root)
        for part in parts[:-1]:
            below = _enter(parent, part, target)
            os.close(parent)
            parent = below
        return target, parts[-1], parent
    allowed = ", ".join(storage.restore_roots) or "none is configured"
    raise LocalError(f"restoring to {target!r} is not allowed: it is not under a restore_root ({allowed})")


def _open_root(path: str) -> int:
    """The directory, made when it is not there. The operator chose the path: links in it are followed."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise LocalError(f"cannot restore to {path}: {error.strerror}") from error


def _enter(parent: int, part: str, target: str) -> int:
    try:
        with suppress(FileExistsError):
            os.mkdir(part, 0o755, dir_fd=parent)
        return os.open(part, DIRECTORY, dir_fd=parent)
    except (OSError, ValueError) as error:
        os.close(parent)
        reason = error.strerror if isinstance(error, OSError) else error
        raise LocalError(f"cannot restore to {target!r}: {part!r}: {reason}") from error


def check_free(where: Place, kind: int, parameters: Mapping[str, Json]) -> None:
    """Raise LocalError when something is there that may not be replaced, or is of another kind (`stat.S_IF…`)."""
    info = where.info()
    if info is not None and stat.S_IFMT(info.st_mode) != kind:
        raise LocalError(f"{where.path} is something else than what is restored: restore to another `target`")
    if parameters.get("existing", "refuse") == "refuse" and where.taken:
        raise LocalError(
            f"{where.path} exists: restore with `existing: replace` to replace it, or with another `target`"
        )


def announce(where: Place, checkpoint: Checkpoint, resource: Resource) -> None:
    """Remember which file is about to take the place, so that a repeated activity sees that it did."""
    info = os.stat(where.scratch, dir_fd=where.parent, follow_symlinks=False)
    checkpoint.section(resource).note("restored", [where.path, info.st_dev, info.st_ino])


def arrived(where: Place, checkpoint: Checkpoint, resource: Resource) -> bool:
    """Did an earlier run of this activity put its copy in the place? (Notes belong to the execution.)"""
    info = where.info()
    noted = checkpoint.section(resource).noted("restored")
    return info is not None and noted == [where.path, info.st_dev, info.st_ino]


def settle(where: Place) -> None:
    """Put what stands under the scratch name in the place, at once, and remove what was there."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.syncfs(where.parent):
        raise OSError(ctypes.get_errno(), "the restored copy could not be written out", where.path)
    try:
        if where.taken:
            _exchange(library, where)
        else:
            os.rename(where.scratch, where.name, src_dir_fd=where.parent, dst_dir_fd=where.parent)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise LocalError(f"{where.path} is a mount point and cannot be replaced: use another `target`") from error
        raise
    os.fsync(where.parent)
    remove(where.scratch, where.parent)


def _exchange(library: ctypes.CDLL, where: Place) -> None:
    if not library.renameat2(where.parent, where.scratch, where.parent, where.name, RENAME_EXCHANGE):
        return
    number = ctypes.get_errno()
    if number not in (errno.EINVAL, errno.ENOSYS):
        raise OSError(number, os.strerror(number), where.path)
    # A file system that cannot (NFS): there is a moment without either.
    os.rename(where.name, where.aside, src_dir_fd=where.parent, dst_dir_fd=where.parent)
    try:
        os.rename(where.scratch, where.name, src_dir_fd=where.parent, dst_dir_fd=where.parent)
    except OSError:
        os.rename(where.aside, where.name, src_dir_fd=where.parent, dst_dir_fd=where.parent)
        raise
    os.rename(where.aside, where.scratch, src_dir_fd=where.parent, dst_dir_fd=where.parent)
