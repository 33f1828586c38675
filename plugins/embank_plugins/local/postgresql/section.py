"""What the operator says of PostgreSQL databases, in the section [local_postgresql].

database = shop-ledger "host=127.0.0.1 dbname=shop user=shop" "The shop's ledger"
password_file = $here/pgpass
restore_prefix = restored_
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from embank_plugins.local.configuration import Section

if TYPE_CHECKING:
    from oslo_config import cfg

SECTION = "local_postgresql"
KEYS = (
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "connect_timeout",
)
SECRETS = ("password", "sslpassword", "passfile")
# libpq, "Keyword/Value Connection Strings"
WORD = re.compile(r"\s*(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)(?=\s|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Database:
    """Which database, and how to reach it. `connection` has libpq's keywords and no password."""

    id: str
    name: str
    connection: Mapping[str, str]

    @property
    def database(self) -> str:
        """The name of the database in its server."""
        return self.connection["dbname"]


def postgresql_options() -> Sequence[cfg.Opt]:
    """The options of [local_postgresql]."""
    from oslo_config import cfg

    return [
        cfg.MultiStrOpt(
            "database",
            default=[],
            help='A database: ID "host=… port=… dbname=… user=…" [NAME], without a password. Repeat for each.',
        ),
        cfg.StrOpt("password_file", default="", help="libpq's password file (host:port:database:user:password)."),
        cfg.StrOpt("bin_dir", default="", help="Where pg_dump, pg_restore and psql are; default: the newest ones."),
        cfg.StrOpt(
            "maintenance_database",
            default="postgres",
            help="What to connect to when a database is created or renamed.",
        ),
        cfg.MultiStrOpt(
            "restore_prefix",
            default=[],
            help="Restores may go to databases whose names begin so, besides the original ones. Repeat for each.",
        ),
    ]


def read_databases(conf: cfg.ConfigOpts) -> dict[str, Database]:
    """The databases by id. Raises ValueError with every mistake of the section."""
    section = Section(conf, SECTION, private=True)
    databases: dict[str, Database] = {}
    shape = 'ID "host=… port=… dbname=… user=…" [NAME], the connection between quotes'
    for text, words in section.lines("database", 2, 3, shape):
        try:
            connection = parse_connection(words[1])
        except ValueError as error:
            section.wrong("database", text, str(error))
            continue
        if words[0] in databases:
            section.wrong("database", text, f"the id {words[0]!r} is used twice")
        databases[words[0]] = Database(words[0], words[2] if len(words) == 3 else words[0], connection)
    for option in ("password_file", "bin_dir"):
        path = conf[SECTION][option]
        if path:
            section.check_path(option, path, path)
    section.check()
    return databases


def parse_connection(text: str) -> dict[str, str]:
    """libpq's keywords and values. Raises ValueError; its message has no values, which may be secret."""
    if "://" in text:
        raise ValueError("write the connection as host=… port=… dbname=… user=…, not as a URI")
    found: dict[str, str] = {}
    position = 0
    while text[position:].strip():
        match = WORD.match(text, position)
        if not match:
            raise ValueError("the connection should be host=… port=… dbname=… user=…")
        key, value = match[1], match[2]
        if key in SECRETS:
            raise ValueError(f"the connection has a {key}: put passwords into a file, and name it as password_file")
        if key not in KEYS:
            raise ValueError(f"the connection has {key!r}, which is none of {', '.join(KEYS)}")
        if key in found:
            raise ValueError(f"the connection has {key!r} twice")
        found[key] = re.sub(r"\\(.)", r"\1", value[1:-1] if value.startswith("'") else value, flags=re.DOTALL)
        position = match.end()
    if not found.get("dbname"):
        raise ValueError("the connection has no dbname")
    return found


def write_connection(connection: Mapping[str, str]) -> str:
    """The connection string that `parse_connection` reads."""
    escaped = {key: value.replace("\\", "\\\\").replace("'", "\\'") for key, value in connection.items()}
    return " ".join(f"{key}='{value}'" for key, value in escaped.items())
