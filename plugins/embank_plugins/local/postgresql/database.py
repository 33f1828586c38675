"""A database as a whole: what pg_dump leaves out, how one database takes another's place (decision LOCAL-3).

pg_dump keeps what is in a database. Its owner, encoding, grants and settings belong to the server; they are
read here when it is protected, and given to the database that is restored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from embank.plugins import Json
from embank_plugins.local import LocalError
from embank_plugins.local.postgresql.client import Client

# to_jsonb(row): the columns for ICU and builtin locales differ between PostgreSQL 14, 15 and 17.
FACTS = """
SELECT jsonb_build_object(
    'server', current_setting('server_version'),
    'owner', pg_get_userbyid(d.datdba),
    'encoding', pg_encoding_to_char(d.encoding),
    'collate', d.datcollate,
    'ctype', d.datctype,
    'provider', coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'),
    'locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
    'connection_limit', d.datconnlimit,
    'comment', shobj_description(d.oid, 'pg_database'),
    'grants', (
        SELECT coalesce(jsonb_agg(jsonb_build_array(g.rolname, a.privilege_type, a.is_grantable)
                                  ORDER BY g.rolname, a.privilege_type), '[]')
        FROM aclexplode(d.datacl) a LEFT JOIN pg_roles g ON g.oid = a.grantee),
    'settings', (
        SELECT coalesce(jsonb_agg(jsonb_build_array(r.rolname, split_part(c, '=', 1), substr(c, strpos(c, '=') + 1))
                                  ORDER BY r.rolname NULLS FIRST, n), '[]')
        FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) WITH ORDINALITY AS u(c, n)
        LEFT JOIN pg_roles r ON r.oid = s.setrole
        WHERE s.setdatabase = d.oid)
) FROM pg_database d WHERE d.datname = current_database();
"""
PROVIDERS = {"i": ("icu", "ICU_LOCALE"), "b": ("builtin", "BUILTIN_LOCALE")}


def identifier(name: str) -> str:
    """A name, quoted for SQL. Raises ValueError for one that cannot be in SQL."""
    return '"' + _text(name).replace('"', '""') + '"'


def literal(value: str) -> str:
    """A string, quoted for SQL, however backslashes are understood."""
    quoted = "'" + _text(value).replace("\\", "\\\\").replace("'", "''") + "'"
    return f"E{quoted}" if "\\" in value else quoted


def _text(value: str) -> str:
    if "\0" in value:
        raise ValueError("PostgreSQL has no character NUL")
    return value


def facts(client: Client, database: str) -> dict[str, Json]:
    """What the server knows of a database: see FACTS."""
    found: dict[str, Json] = json.loads(client.sql(database, FACTS))
    return found


def oid(client: Client, maintenance: str, database: str) -> int | None:
    """The number that a database keeps when it is renamed; None when there is no such database."""
    found = client.sql(maintenance, f"SELECT oid FROM pg_database WHERE datname = {literal(database)};")
    return int(found) if found else None


def create(client: Client, maintenance: str, database: str, saved: Mapping[str, Json], owners: bool) -> None:
    """Create an empty database like the one that was protected."""
    words = [f"CREATE DATABASE {identifier(database)} TEMPLATE template0 ENCODING {literal(saved['encoding'])}"]
    words.append(f"LC_COLLATE {literal(saved['collate'])} LC_CTYPE {literal(saved['ctype'])}")
    if saved["provider"] in PROVIDERS:
        provider, locale = PROVIDERS[saved["provider"]]
        words.append(f"LOCALE_PROVIDER {provider} {locale} {literal(saved['locale'])}")
    words.append(f"CONNECTION LIMIT {int(saved['connection_limit'])}")
    if owners:
        words.append(f"OWNER {identifier(saved['owner'])}")
    client.sql(maintenance, " ".join(words) + ";")


def equip(client: Client, database: str, saved: Mapping[str, Json], owners: bool) -> None:
    """Give a database its comment, settings and grants."""
    client.sql(database, "\n".join(_equipment(identifier(database), saved, owners)))


def _equipment(database: str, saved: Mapping[str, Json], owners: bool) -> Iterator[str]:
    if saved["comment"] is not None:
        yield f"COMMENT ON DATABASE {database} IS {literal(saved['comment'])};"
    for role, name, value in saved["settings"]:
        if role is not None and not owners:
            continue
        setting = ".".join(map(identifier, name.split(".")))
        whose = f"ROLE {identifier(role)} IN DATABASE {database}" if role is not None else f"DATABASE {database}"
        # FROM CURRENT, because the text of a list (search_path) is not what SET would take.
        yield f"SELECT set_config({literal(name)}, {literal(value)}, false);"
        yield f"ALTER {whose} SET {setting} FROM CURRENT;"
    if owners and saved["grants"]:
        yield f"REVOKE ALL ON DATABASE {database} FROM PUBLIC;"
        for role, privilege, grantable in saved["grants"]:
            to = identifier(role) if role is not None else "PUBLIC"
            option = " WITH GRANT OPTION" if grantable and role is not None else ""
            # the schema of what is saved allows no other privileges than there are
            yield f"GRANT {privilege} ON DATABASE {database} TO {to}{option};"


def swap(client: Client, maintenance: str, new: str, place: str, aside: str) -> None:
    """Rename `new` to `place`, and what was there to `aside`: both or nothing."""
    statements = [f"ALTER DATABASE {identifier(new)} RENAME TO {identifier(place)};"]
    if oid(client, maintenance, place) is not None:
        statements.insert(0, f"ALTER DATABASE {identifier(place)} RENAME TO {identifier(aside)};")
    try:
        client.sql(maintenance, "\n".join(["BEGIN;", *statements, "COMMIT;"]))
    except LocalError as error:
        if "being accessed" in str(error):
            raise LocalError(f"the database {place!r} is in use: stop what uses it") from error
        raise


def drop(client: Client, maintenance: str, databases: Sequence[str]) -> None:
    """Drop databases of our own, also while a pg_restore of a run that was killed still is at work on them; those
    that are not there are no error.
    """
    statements = (f"DROP DATABASE IF EXISTS {identifier(name)} WITH (FORCE);" for name in databases)
    client.sql(maintenance, "\n".join(statements))
