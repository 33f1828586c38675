"""Local::Directory: a directory tree, as an archive stream (see `pax.py`)."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from embank.plugins import NO_PARAMETERS, Checkpoint, Context, Json, Operation, ProtectionPlugin, Resource
from embank_plugins.local import LocalError
from embank_plugins.local.configuration import configured, read_storage, storage_options
from embank_plugins.local.directory.pack import Tally, pack
from embank_plugins.local.directory.pax_reader import members
from embank_plugins.local.directory.unpack import unpack
from embank_plugins.local.place import (
    RESTORE_PARAMETERS,
    Place,
    announce,
    arrived,
    check_free,
    clear_beside,
    place,
    settle,
)
from embank_plugins.local.stream import unless_cancelled
from embank_plugins.local.tree import DIRECTORY, remove

if TYPE_CHECKING:
    from oslo_config import cfg


SECTION = "local_directory"
DATA = "tree"
SHOWN = 1000  # how many paths of each kind of trouble are saved

TROUBLE = {
    "changed": "changed while they were read: their copies may be mixtures",
    "vanished": "vanished before they could be read",
    "skipped": "are sockets or devices, and were not copied",
}


class DirectoryPlugin(ProtectionPlugin):
    """Copies a directory with modes, owners, times, links, holes and extended attributes."""

    resource_types = ("Local::Directory",)

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self._storage = read_storage(conf, SECTION, "directory")

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        """The section [local_directory]."""
        return {SECTION: directory_options()}

    def parameters_schema(self, operation: Operation, resource_type: str) -> Mapping[str, Json]:
        """What a plan may say."""
        if operation is Operation.PROTECT:
            return PROTECT_PARAMETERS
        return RESTORE_PARAMETERS if operation is Operation.RESTORE else NO_PARAMETERS

    def saved_schema(self, resource_type: str) -> Mapping[str, Json]:
        """How much was copied, and what could not be copied as it should."""
        return SAVED

    def activity_protect_ready(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Copy the directory to the bank now, if it is to be copied while its application is frozen."""
        if parameters.get("within_freeze", False):
            self._copy(checkpoint, context, resource, parameters)

    def activity_protect_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Copy the directory to the bank."""
        if not parameters.get("within_freeze", False):
            self._copy(checkpoint, context, resource, parameters)

    def activity_restore_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Restore the directory beside its place, then put it there at once."""
        stored = configured(self._storage.entries, resource.id, SECTION)
        with place(self._storage, stored, parameters, checkpoint, resource) as where:
            try:
                if not arrived(where, checkpoint, resource):
                    check_free(where, stat.S_IFDIR, parameters)
                    self._unpack(where, checkpoint, context, resource)
                    announce(where, checkpoint, resource)
                    settle(where)
            finally:
                remove(where.scratch, where.parent)
            context.record_restored(resource, {"path": where.path})

    def activity_verify_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Read the copy back, and compare it with what was saved."""
        tally = Tally()
        for member, _data in members(unless_cancelled(context, checkpoint.section(resource).read(DATA))):
            tally.count(member)
        _compare(tally, checkpoint.section(resource).load())

    def activity_delete_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Delete the copy."""
        if stored := self._storage.entries.get(resource.id):  # or nobody knows it any more
            clear_beside(stored, checkpoint, resource)
        checkpoint.section(resource).clear()

    def _copy(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        stored = configured(self._storage.entries, resource.id, SECTION)
        section = checkpoint.section(resource)
        tally = Tally()
        try:
            root = os.open(stored.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise LocalError(f"the directory {stored.path} cannot be read: {error.strerror}") from error
        try:
            written = section.write(DATA, unless_cancelled(context, pack(root, tally)))
        finally:
            os.close(root)
        trouble = {kind: getattr(tally, kind) for kind in TROUBLE}
        for kind, paths in trouble.items():
            if paths:
                context.log(f"{resource}: {len(paths)} {TROUBLE[kind]}: {_some(paths)}")
        if parameters.get("on_change") == "fail" and (tally.changed or tally.vanished):
            raise LocalError(f"{resource} changed while it was read: {_some(tally.changed + tally.vanished)}")
        section.save(
            {
                **_facts(tally),
                "sha256": written.sha256,
                **{kind: {"count": len(paths), "paths": paths[:SHOWN]} for kind, paths in trouble.items()},
            }
        )

    def _unpack(self, where: Place, checkpoint: Checkpoint, context: Context, resource: Resource) -> None:
        section = checkpoint.section(resource)
        remove(where.scratch, where.parent)  # of an earlier run that was killed
        os.mkdir(where.scratch, 0o700, dir_fd=where.parent)
        root = os.open(where.scratch, DIRECTORY, dir_fd=where.parent)
        try:
            result = unpack(unless_cancelled(context, section.read(DATA)), root)
        finally:
            os.close(root)
        _compare(result.tally, section.load())
        for count, what in ((result.without_owner, "owner"), (result.without_xattr, "extended attributes")):
            if count:
                context.log(f"{resource}: {count} files have not got their {what} back: only root may set them")


def directory_options() -> Sequence[cfg.Opt]:
    """The options of [local_directory]."""
    return storage_options("directory", "A directory")


def _facts(tally: Tally) -> dict[str, Json]:
    return {"members": dict(tally.counts), "bytes": tally.size}


def _compare(tally: Tally, saved: Mapping[str, Json]) -> None:
    found = _facts(tally)
    wrong = [key for key, value in found.items() if saved[key] != value]
    if wrong:
        raise LocalError("; ".join(f"{key}: saved {saved[key]}, found {found[key]}" for key in wrong))


def _some(paths: Sequence[str]) -> str:
    return ", ".join(paths[:5]) + (", …" if len(paths) > 5 else "")


PROTECT_PARAMETERS: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "within_freeze": {
            "type": "boolean",
            "default": False,
            "description": "Copy while the application that contains the directory is frozen, not afterwards.",
        },
        "on_change": {
            "enum": ["record", "fail"],
            "default": "record",
            "description": "What to do when a file changes or vanishes while it is read: save its name, or fail.",
        },
    },
    "additionalProperties": False,
}
_COUNT: Mapping[str, Json] = {"type": "integer", "minimum": 0}
_PATHS: Mapping[str, Json] = {
    "type": "object",
    "properties": {"count": _COUNT, "paths": {"type": "array", "items": {"type": "string"}, "maxItems": SHOWN}},
    "required": ["count", "paths"],
    "additionalProperties": False,
}
SAVED: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "members": {"type": "object", "additionalProperties": _COUNT},
        "bytes": _COUNT,
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        **dict.fromkeys(TROUBLE, _PATHS),
    },
    "required": ["members", "bytes", "sha256", *TROUBLE],
    "additionalProperties": False,
}
