"""Local::PostgreSQL: a database of a PostgreSQL server, by pg_dump and pg_restore."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from embank.plugins import NO_PARAMETERS, Checkpoint, Context, Json, Operation, ProtectionPlugin, Resource
from embank_plugins.local import LocalError
from embank_plugins.local.configuration import configured
from embank_plugins.local.postgresql.client import Client
from embank_plugins.local.postgresql.database import create, drop, equip, facts, oid, swap
from embank_plugins.local.postgresql.section import SECTION, Database, postgresql_options, read_databases
from embank_plugins.local.stream import unless_cancelled

if TYPE_CHECKING:
    from oslo_config import cfg


DATA = "dump"
LONGEST_NAME = 63  # bytes; PostgreSQL cuts what is longer


class PostgreSQLPlugin(ProtectionPlugin):
    """Streams a dump to the bank, and restores it into a new database that then takes the old one's place."""

    resource_types = ("Local::PostgreSQL",)

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self._databases = read_databases(conf)

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        """The section [local_postgresql]."""
        return {SECTION: postgresql_options()}

    def parameters_schema(self, operation: Operation, resource_type: str) -> Mapping[str, Json]:
        """What a plan may say."""
        known = {Operation.PROTECT: PROTECT_PARAMETERS, Operation.RESTORE: RESTORE_PARAMETERS}
        return known.get(operation, NO_PARAMETERS)

    def saved_schema(self, resource_type: str) -> Mapping[str, Json]:
        """What the dump does not say itself: the database's owner, settings and grants, and the versions."""
        return SAVED

    def activity_protect_ready(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Dump the database to the bank now, unless it need not agree with the rest of its application."""
        if parameters.get("within_freeze", True):
            self._copy(checkpoint, context, resource)

    def activity_protect_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Dump the database to the bank, unless that was done already."""
        if not parameters.get("within_freeze", True):
            self._copy(checkpoint, context, resource)

    def activity_restore_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Restore into a new database, then let it take its place at once."""
        database = self._database(resource)
        target = parameters.get("target", database.database)
        self._check_target(database, target)
        client, maintenance = self._client(database), self.conf[SECTION].maintenance_database
        section = checkpoint.section(resource)
        scratch = scratch_name(checkpoint, resource)
        there = oid(client, maintenance, target)
        with _dropped(client, maintenance, [scratch, scratch + "_old"]):
            if there is None or section.noted("restored") != [target, there]:
                if there is not None and parameters.get("existing", "refuse") == "refuse":
                    raise LocalError(
                        f"the database {target!r} exists: restore with `existing: replace` to replace it, "
                        "or with another `target`"
                    )
                self._restore(client, scratch, checkpoint, context, resource, parameters.get("owners", True))
                section.note("restored", [target, oid(client, maintenance, scratch)])
                swap(client, maintenance, scratch, target, scratch + "_old")
        context.record_restored(resource, {"database": target})

    def activity_verify_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Read the dump back as a restore would, and count what is in it."""
        client, section = self._client(self._database(resource)), checkpoint.section(resource)
        saved, found = section.load()["entries"], client.count_entries(section.read(DATA))
        if saved != found:
            raise LocalError(f"{resource}: the dump had {saved} entries, and now has {found}")
        client.decode(unless_cancelled(context, section.read(DATA)))

    def activity_delete_parallel(
        self, checkpoint: Checkpoint, context: Context, resource: Resource, parameters: Mapping[str, Json]
    ) -> None:
        """Delete the dump."""
        if resource.id in self._databases:  # or nobody knows it any more
            client, left = self._client(self._database(resource)), scratch_name(checkpoint, resource)
            try:
                drop(client, self.conf[SECTION].maintenance_database, [left, left + "_old"])
            except LocalError as error:  # the server may be gone for good: its dump has to go all the same
                context.log(
                    f"{resource}: should a restore have been killed, its database {left} is still there: {error}"
                )
        checkpoint.section(resource).clear()

    def _database(self, resource: Resource) -> Database:
        return configured(self._databases, resource.id, SECTION)

    def _client(self, database: Database) -> Client:
        return Client(database, self.conf[SECTION].bin_dir, self.conf[SECTION].password_file)

    def _copy(self, checkpoint: Checkpoint, context: Context, resource: Resource) -> None:
        database, section = self._database(resource), checkpoint.section(resource)
        client = self._client(database)
        about = facts(client, database.database)
        written = section.write(DATA, unless_cancelled(context, client.dump()))
        entries = client.count_entries(section.read(DATA))
        section.save(
            {
                "database": about,
                "pg_dump": client.version(),
                "entries": entries,
                "bytes": written.size,
                "sha256": written.sha256,
            }
        )

    def _restore(
        self, client: Client, scratch: str, checkpoint: Checkpoint, context: Context, resource: Resource, owners: bool
    ) -> None:
        maintenance, section = self.conf[SECTION].maintenance_database, checkpoint.section(resource)
        saved = section.load()["database"]
        drop(client, maintenance, [scratch])  # of an earlier run that was killed
        create(client, maintenance, scratch, saved, owners)
        options = () if owners else ("--no-owner", "--no-privileges")
        client.restore(unless_cancelled(context, section.read(DATA)), scratch, options)
        equip(client, scratch, saved, owners)

    def _check_target(self, database: Database, target: str) -> None:
        prefixes = self.conf[SECTION].restore_prefix
        if target != database.database and not target.startswith(tuple(prefixes)):
            allowed = ", ".join(prefixes) or "none is configured"
            raise LocalError(f"restoring to {target!r} is not allowed: it begins with no restore_prefix ({allowed})")
        if len(target.encode()) > LONGEST_NAME:
            raise LocalError(f"the name {target!r} is longer than {LONGEST_NAME} bytes")


@contextmanager
def _dropped(client: Client, maintenance: str, databases: Sequence[str]) -> Iterator[None]:
    """Drop the databases in the end. An error in between is not hidden by one of the dropping."""
    try:
        yield
    except BaseException:
        with suppress(LocalError):
            drop(client, maintenance, databases)
        raise
    drop(client, maintenance, databases)


def scratch_name(checkpoint: Checkpoint, resource: Resource) -> str:
    """The database that a restore fills: the same in every run, so that one finds what a killed one left."""
    whole = "\0".join((checkpoint.id, resource.type, resource.id)).encode("utf-8", "surrogatepass")
    return f"embank_{hashlib.sha256(whole).hexdigest()[:16]}"


PROTECT_PARAMETERS: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "within_freeze": {
            "type": "boolean",
            "default": True,
            "description": "Dump while the application that contains the database is frozen, so that they agree.",
        },
    },
    "additionalProperties": False,
}
RESTORE_PARAMETERS: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "target": {
            "type": "string",
            "pattern": "^[^\\u0000]+$",
            "description": "Restore to this database, which begins with a restore_prefix; default: the original.",
        },
        "existing": {
            "enum": ["refuse", "replace"],
            "default": "refuse",
            "description": "What to do when the database exists: fail, or put the restored one in its place.",
        },
        "owners": {
            "type": "boolean",
            "default": True,
            "description": "Give everything its owner and grants back; false: all belongs to the restoring user.",
        },
    },
    "additionalProperties": False,
}
_TEXT: Mapping[str, Json] = {"type": "string"}
_TEXT_OR_NULL: Mapping[str, Json] = {"type": ["string", "null"]}
_COUNT: Mapping[str, Json] = {"type": "integer", "minimum": 0}
_ABOUT: Mapping[str, Json] = {
    **dict.fromkeys(("server", "owner", "encoding", "collate", "ctype", "provider"), _TEXT),
    "locale": _TEXT_OR_NULL,
    "comment": _TEXT_OR_NULL,
    "connection_limit": {"type": "integer"},
    "grants": {
        "type": "array",
        "items": {
            "type": "array",
            "prefixItems": [_TEXT_OR_NULL, {"enum": ["CREATE", "CONNECT", "TEMPORARY"]}, {"type": "boolean"}],
            "minItems": 3,
            "maxItems": 3,
        },
    },
    "settings": {
        "type": "array",
        "items": {"type": "array", "prefixItems": [_TEXT_OR_NULL, _TEXT, _TEXT], "minItems": 3, "maxItems": 3},
    },
}
SAVED: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        "database": {"type": "object", "properties": _ABOUT, "required": list(_ABOUT), "additionalProperties": False},
        "pg_dump": _TEXT,
        "entries": _COUNT,
        "bytes": _COUNT,
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    },
    "required": ["database", "pg_dump", "entries", "bytes", "sha256"],
    "additionalProperties": False,
}
