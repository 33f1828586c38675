"""The sections of the local plugins in a provider's configuration file, and what discovery makes of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embank.plugins import Resource
from embank_plugins.local.application.plugin import ApplicationPlugin
from embank_plugins.local.directory.plugin import DirectoryPlugin
from embank_plugins.local.postgresql.plugin import PostgreSQLPlugin
from embank_plugins.local.postgresql.section import parse_connection, write_connection
from embank_plugins.local.protectables import (
    ApplicationProtectable,
    DirectoryProtectable,
    PostgreSQLProtectable,
    SQLiteProtectable,
)
from embank_plugins.local.sqlite.plugin import SQLitePlugin

GOOD = """
[local_application]
application = shop "The shop"
application = till
contains = shop Local::Directory#files Local::SQLite#orders
contains = shop Local::Application#till Local::PostgreSQL#ledger
freeze = shop $here/ctl freeze --now
thaw = shop $here/ctl thaw

[local_directory]
directory = files $here/files "Receipts and pictures"
directory = my\\ files "/a b/c"

[local_sqlite]
database = orders $here/orders.sqlite

[local_postgresql]
database = ledger "host=127.0.0.1 port=5432 dbname=shop user=shop" Ledger
password_file = $here/pgpass
"""


def test_discovery_finds_what_is_configured(configure: Any) -> None:
    shop = Resource("Local::Application", "shop", "The shop")
    till = Resource("Local::Application", "till", "till")
    files = Resource("Local::Directory", "files", "Receipts and pictures")
    ledger = Resource("Local::PostgreSQL", "ledger", "Ledger")
    orders = Resource("Local::SQLite", "orders", "orders")
    applications = configure(ApplicationProtectable, GOOD)
    assert list(applications.list_resources()) == [shop, till]
    assert list(applications.list_dependents(shop)) == [till]
    assert list(applications.list_dependents(till)) == []
    directories = configure(DirectoryProtectable, GOOD)
    assert list(directories.list_resources()) == [files, Resource("Local::Directory", "my files", "my files")]
    assert list(directories.list_dependents(shop)) == [files]
    assert list(configure(SQLiteProtectable, GOOD).list_dependents(shop)) == [orders]
    assert list(configure(PostgreSQLProtectable, GOOD).list_dependents(shop)) == [ledger]
    for protectable in (applications, directories):
        assert "Local::Application" in protectable.parent_types


@pytest.mark.parametrize("plugin", [ApplicationPlugin, DirectoryPlugin, SQLitePlugin, PostgreSQLPlugin])
def test_sections_may_be_missing(configure: Any, plugin: Any) -> None:
    configure(plugin, "")


MISTAKES: list[tuple[Any, str, list[str]]] = [
    (ApplicationPlugin, "application = a b c", ["[local_application] application = a b c: should be ID [NAME]"]),
    (ApplicationPlugin, "application = a\napplication = a b", ["application = a b: the id 'a' is used twice"]),
    (ApplicationPlugin, "application = ''", ["application = : should be ID [NAME]"]),
    (ApplicationPlugin, "application = '' b", ["application = '' b: the first word is empty"]),
    (
        ApplicationPlugin,
        "application = a 'b",
        ["application = a 'b: cannot be split into words"],
    ),
    (ApplicationPlugin, "contains = b Local::SQLite#x", ["there is no application 'b' (known: none)"]),
    (ApplicationPlugin, "application = a\ncontains = a Local::SQLite", ["'Local::SQLite' should be TYPE#ID"]),
    (ApplicationPlugin, "application = a\ncontains = a Local::SQLit#x", ["'Local::SQLit' is none of the types"]),
    (ApplicationPlugin, "application = a\ncontains = a Local::Application#x", ["there is no application 'x'"]),
    (ApplicationPlugin, "application = a\ncontains = a Local::SQLite#x Local::SQLite#x", ["is named twice"]),
    (ApplicationPlugin, "application = a\nfreeze = a /f", ["freeze = a /f: 'a' has no thaw command"]),
    (ApplicationPlugin, "application = a\nstart = a /f", ["start = a /f: 'a' has no stop command"]),
    (ApplicationPlugin, "application = a\nfreeze = a", ["freeze = a: should be ID COMMAND [ARGUMENT …]"]),
    (ApplicationPlugin, "application = a\nfreeze = a f\nthaw = a g", ["'f' is not an absolute path", "'g' is not"]),
    (
        ApplicationPlugin,
        "application = a\nfreeze = a /f\nfreeze = a /g\nthaw = a /",
        ["'a' has two freeze commands"],
    ),
    (DirectoryPlugin, "directory = a", ["[local_directory] directory = a: should be ID PATH [NAME]"]),
    (
        DirectoryPlugin,
        "directory = a b\ndirectory = a /c",
        ["'b' is not an absolute", "the id 'a' is used twice"],
    ),
    (DirectoryPlugin, "restore_root = x", ["[local_directory] restore_root = x: 'x' is not an absolute path"]),
    (SQLitePlugin, "database = a /b c d", ["[local_sqlite] database = a /b c d: should be ID PATH [NAME]"]),
    (SQLitePlugin, "staging = here", ["[local_sqlite] staging = here: should be an absolute path"]),
    (PostgreSQLPlugin, "database = a host=x", ["database = a …: the connection has no dbname"]),
    (PostgreSQLPlugin, 'database = a "dbname=x sslmod=y"', ["the connection has 'sslmod', which is none of"]),
    (PostgreSQLPlugin, 'database = a "dbname=x dbname=y"', ["the connection has 'dbname' twice"]),
    (PostgreSQLPlugin, "database = a postgresql://x", ["not as a URI"]),
    (PostgreSQLPlugin, "password_file = x", ["password_file = x …: 'x' is not an absolute path"]),
]


@pytest.mark.parametrize(("plugin", "lines", "messages"), MISTAKES, ids=[f"{m[1]!r}" for m in MISTAKES])
def test_mistakes_name_the_line(configure: Any, plugin: Any, lines: str, messages: list[str]) -> None:
    (section,) = plugin.options()
    with pytest.raises(ValueError, match=r"\[local_") as mistake:
        configure(plugin, f"[{section}]\n{lines}\n")
    found = str(mistake.value).splitlines()
    assert len(found) == len(messages)
    for line, message in zip(found, messages, strict=True):
        assert message in line
        assert line.startswith(f"[{section}] ")


@pytest.mark.parametrize(
    "line",
    [
        'a "host=x dbname=y password=hunter2"',
        "a host=x dbname=y password=hunter2",
        'a "dbname=y passwordhunter2"',
        'a "postgresql://me:hunter2@x/y"',
        "password=hunter2",
        "a \"dbname=y password='hunter2",
        'a "dbname=y sslpassword=hunter2"',
    ],
)
def test_passwords_are_refused_and_not_repeated(configure: Any, line: str) -> None:
    with pytest.raises(ValueError, match="local_postgresql") as mistake:
        configure(PostgreSQLPlugin, f"[local_postgresql]\ndatabase = {line}\n")
    assert "hunter2" not in str(mistake.value)


def test_contents_that_are_nowhere_are_mistakes(configure: Any) -> None:
    """Otherwise they would be silently unprotected."""
    text = GOOD.replace("Local::SQLite#orders", "Local::SQLite#order Local::SQLite#x")
    with pytest.raises(ValueError, match="contains") as mistake:
        configure(SQLiteProtectable, text)
    where = "section [local_sqlite] has no"
    assert str(mistake.value).splitlines() == [
        f"[local_application] contains = shop … Local::SQLite#order: {where} 'order' (known: 'orders')",
        f"[local_application] contains = shop … Local::SQLite#x: {where} 'x' (known: 'orders')",
    ]


text = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1)


@given(st.fixed_dictionaries({"dbname": text}, optional={"user": text, "host": text}))
def test_connections_come_back(connection: dict[str, str]) -> None:
    assert parse_connection(write_connection(connection)) == connection
