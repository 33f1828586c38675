"""Local::SQLite: a database file, copied while it is written to, by SQLite's online backup."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from embank.plugins import NO_PARAMETERS, Checkpoint, Context, Json, Operation, ProtectionPlugin, Resource, closes
from embank_plugins.local import LocalError
from embank_plugins.local.configuration import configured, read_storage, storage_options
from embank_plugins.local.place import (
    RESTORE_PARAMETERS,
    announce,
    arrived,
    check_free,
    clear_beside,
    place,
    scratch_name,
    settle,
)
from embank_plugins.local.sqlite.file import back_up, clear_away, describe, make_room
from embank_plugins.local.stream import read_pieces, unless_cancelled, write_pieces

if TYPE_CHECKING:
    from oslo_config import cfg


SECTION = "local_sqlite"
DATA = "database"
VERIFIED = "-verify"  # the end of the name of a copy that is verified


class SQLitePlugin(ProtectionPlugin):
    """Takes an online copy in `ready`, and has it in the bank at leisure."""

    resource_types = ("Local::SQLite",)

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self._storage = read_storage(conf, SECTION, "database")
        staging = conf[SECTION].staging
        if staging and not staging.startswith("/"):
            raise ValueError(f"[{SECTION}] staging = {staging}: should be an absolute path")

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        """The section [local_sqlite]."""
        return {SECTION: sqlite_options()}

    def parameters_schema(self, operation: Operation, resource_type: str) -> Mapping[str, Json]:
        """What a plan may say."""
        return RESTORE_PARAMETERS if operation is Operation.RESTORE else NO_PARAMETERS

    def saved_schema(self, resource_type: str) -> Mapping[str, Json]:
        """What SQLite says of the copy, and of which file it was."""
        return SAVED

    def activity_protect_ready(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Take an online copy of the database."""
        stored = configured(self._storage.entries, resource.id, SECTION)
        back_up(stored.path, self._staging(checkpoint, resource), lambda: context.cancelled)

    def activity_protect_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Check the copy, and bring it to the bank."""
        stored = configured(self._storage.entries, resource.id, SECTION)
        staging = self._staging(checkpoint, resource)
        if not Path(staging).exists():
            raise LocalError(f"the online copy of {stored.path} is not there any more: protect it again")
        facts = describe(staging, lambda: context.cancelled)
        section = checkpoint.section(resource)
        written = section.write(DATA, unless_cancelled(context, read_pieces(staging)))
        info = Path(stored.path).stat()
        owner = {"mode": stat.S_IMODE(info.st_mode), "uid": info.st_uid, "gid": info.st_gid}
        section.save({**facts, **owner, "bytes": written.size, "sha256": written.sha256})

    @closes("ready")
    def activity_protect_post(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Remove the online copy."""
        clear_away(self._staging(checkpoint, resource))

    def activity_restore_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Restore and check the database beside its place, then put it there at once."""
        stored = configured(self._storage.entries, resource.id, SECTION)
        with place(self._storage, stored, parameters, checkpoint, resource) as where:
            scratch = where.at(where.scratch)
            try:
                if not arrived(where, checkpoint, resource):
                    check_free(where, stat.S_IFREG, parameters)
                    saved = self._fetch(scratch, checkpoint, context, resource)
                    _dress(scratch, saved)
                    make_room(where.at(where.name))
                    announce(where, checkpoint, resource)
                    settle(where)
            finally:
                clear_away(scratch)
            context.record_restored(resource, {"path": where.path})

    def activity_verify_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Read the copy back, and let SQLite check it."""
        copy = self._staging(checkpoint, resource) + VERIFIED
        try:
            self._fetch(copy, checkpoint, context, resource)
        finally:
            clear_away(copy)

    def activity_delete_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Delete the copy."""
        for copy in ("", VERIFIED):  # of a protection, or of a verification, that was killed
            clear_away(self._staging(checkpoint, resource) + copy)
        if stored := self._storage.entries.get(resource.id):  # or nobody knows it any more
            clear_beside(stored, checkpoint, resource)
        checkpoint.section(resource).clear()

    def _staging(self, checkpoint: Checkpoint, resource: Resource) -> str:
        """Where the online copy of this checkpoint stands until it is in the bank."""
        directory = self.conf[SECTION].staging
        if not directory:
            stored = self._storage.entries.get(resource.id)
            directory = Path(stored.path).resolve().parent if stored else None
            if not directory or not directory.is_dir():  # lost, with the database; or nobody knows it (any more)
                directory = Path(tempfile.gettempdir())
        return str(Path(directory) / scratch_name(checkpoint, resource))

    def _fetch(self, copy: str, checkpoint: Checkpoint, context: Context, resource: Resource) -> Mapping[str, Json]:
        """Write the database from the bank to `copy`, and compare what SQLite says of it with what was saved."""
        section = checkpoint.section(resource)
        saved = section.load()
        clear_away(copy)
        write_pieces(copy, unless_cancelled(context, section.read(DATA)))
        found = describe(copy, lambda: context.cancelled)
        wrong = [f"{key}: saved {saved[key]}, found {value}" for key, value in found.items() if saved[key] != value]
        if wrong:
            raise LocalError(f"{resource} is not what was saved: {'; '.join(wrong)}")
        return saved


def _dress(path: str, saved: Mapping[str, Json]) -> None:
    with suppress(PermissionError):  # only root gives files away
        os.chown(path, saved["uid"], saved["gid"])
    Path(path).chmod(saved["mode"])


def sqlite_options() -> Sequence[cfg.Opt]:
    """The options of [local_sqlite]."""
    from oslo_config import cfg

    staging = cfg.StrOpt(
        "staging", default="", help="Directory for online copies until they are in the bank; default: beside each."
    )
    return [*storage_options("database", "A database file"), staging]


_COUNT: Mapping[str, Json] = {"type": "integer", "minimum": 0}
SAVED: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "page_size": _COUNT,
        "page_count": _COUNT,
        "user_version": {"type": "integer"},
        "application_id": {"type": "integer"},
        "tables": _COUNT,
        "integrity_check": {"const": "ok"},
        "mode": _COUNT,
        "uid": _COUNT,
        "gid": _COUNT,
        "bytes": _COUNT,
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    },
    "additionalProperties": False,
}
SAVED = {**SAVED, "required": sorted(SAVED["properties"])}
