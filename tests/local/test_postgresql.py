"""Local::PostgreSQL against a real server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from embank.checkpoint.records.status import Status
from embank.conformance.driver import Driver, KitContext
from embank.conformance.plugin import RESOURCE_IDS, ProtectionPluginConformance, Subject
from embank.plugins import Operation, Resource
from embank_plugins.local import LocalError
from embank_plugins.local.postgresql.plugin import PostgreSQLPlugin, scratch_name
from kit.postgresql import Server, start_postgresql

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("postgresql")]

NAME = 'the "Shop\'s" ledger'
RESOURCE = Resource("Local::PostgreSQL", "ledger", "Ledger")
CONTENT = r"""
CREATE SCHEMA "odd schema";
CREATE TABLE "odd schema".entries (id serial PRIMARY KEY, what text NOT NULL, data bytea, at timestamptz);
INSERT INTO "odd schema".entries (what, data, at)
    SELECT 'entry ' || n || E' \t\\ ä 😀', decode(repeat('00ff', 100), 'hex'), timestamptz '2026-01-01'
    FROM generate_series(1, 500) n;
CREATE VIEW recent AS SELECT id, what FROM "odd schema".entries WHERE id > 490;
CREATE FUNCTION answer() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 42; END $$;
SELECT lo_from_bytea(4711, '\x001122ff');
ALTER TABLE "odd schema".entries OWNER TO shopkeeper;
GRANT SELECT ON recent TO accountant;
COMMENT ON VIEW recent IS 'the last ten';
"""
DATABASE = r"""
ALTER DATABASE :"name" SET search_path TO 'odd schema', public, "$user";
ALTER DATABASE :"name" SET work_mem TO '7MB';
ALTER DATABASE :"name" SET shop.colour TO 'blue; DROP TABLE x --';
ALTER ROLE accountant IN DATABASE :"name" SET statement_timeout TO '5s';
ALTER DATABASE :"name" CONNECTION LIMIT 17;
ALTER DATABASE :"name" OWNER TO shopkeeper;
COMMENT ON DATABASE :"name" IS 'It''s the \ ledger';
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"name" TO accountant WITH GRANT OPTION;
"""


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def named(script: str, name: str) -> str:
    return script.replace(':"name"', quoted(name))


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Server]:
    """The server, started once."""
    with start_postgresql() as started:
        yield started


@pytest.fixture
def server(postgresql: Server) -> Iterator[Server]:
    """The server with the database that is protected, and no others afterwards."""
    postgresql.sql("CREATE ROLE shopkeeper; CREATE ROLE accountant LOGIN;")
    postgresql.sql(f"CREATE DATABASE {quoted(NAME)} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C';")
    postgresql.sql(CONTENT, NAME)
    postgresql.sql(named(DATABASE, NAME))
    yield postgresql
    for name in postgresql.databases():
        if name != "postgres":
            postgresql.sql(f"DROP DATABASE {quoted(name)} WITH (FORCE);")
    postgresql.sql("DROP ROLE IF EXISTS shopkeeper; DROP ROLE IF EXISTS accountant;")


def configuration(server: Server, key: str = "ledger", more: str = "restore_prefix = restored_") -> str:
    name = NAME.replace("'", "\\'")
    connection = server.connection(f"'{name}'").replace("\\", "\\\\").replace('"', '\\"')
    database = f'database = {key} "{connection}" Ledger'
    return f"[local_postgresql]\n{database}\npassword_file = {server.password_file}\n{more}\n"


def without_connect(script: str) -> list[str]:
    return [line for line in script.splitlines() if not line.startswith("\\connect")]


@pytest.fixture
def plugin(server: Server, configure: Any) -> PostgreSQLPlugin:
    return configure(PostgreSQLPlugin, configuration(server))


class TestConformance(ProtectionPluginConformance):
    @pytest.fixture(params=[RESOURCE_IDS[2]])
    def resource_id(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def steps(self) -> Iterator[int]:
        """Before each database is created, filled, equipped, noted, renamed and dropped: each step takes seconds."""
        return iter((1, 5, 6, 13, 14, 21, 23, 24, 26))

    @pytest.fixture
    def subject(self, resource_id: str, server: Server, configure: Any, as_word: Any) -> Subject:
        before = server.dump(NAME)

        def compare() -> None:
            assert server.dump(NAME) == before
            assert server.databases() == ["postgres", NAME], "no scratch database is left"

        return Subject(
            configure(PostgreSQLPlugin, configuration(server, as_word(resource_id))),
            Resource("Local::PostgreSQL", resource_id, "Ledger"),
            lambda: server.sql(f"DROP DATABASE {quoted(NAME)};"),
            compare,
            {Operation.RESTORE: {"existing": "replace"}},
        )


def test_what_is_saved(server: Server, plugin: PostgreSQLPlugin, drive: Any) -> None:
    checkpoint = drive(plugin, RESOURCE).protect()
    saved = checkpoint.section(RESOURCE).load()
    assert saved["pg_dump"].startswith("pg_dump (PostgreSQL) ")
    assert saved["database"]["server"] == server.sql("SHOW server_version")
    assert saved["database"]["collate"] == "C"
    assert saved["database"]["connection_limit"] == 17
    assert [None, "work_mem", "7MB"] in saved["database"]["settings"]
    assert saved["entries"] > 5
    assert saved["bytes"] > 0


@pytest.mark.parametrize("within_freeze", [True, False])
def test_the_dump_is_taken_when_it_was_asked_for(plugin: PostgreSQLPlugin, drive: Any, within_freeze: bool) -> None:
    driver: Driver = drive(plugin, RESOURCE, protect={"within_freeze": within_freeze})
    checkpoint = driver.begin()
    for phase in driver.implemented[Operation.PROTECT]:
        driver.call(Operation.PROTECT, phase, checkpoint, KitContext(checkpoint, Operation.PROTECT))
        if phase == "ready":
            assert (list(checkpoint.section(RESOURCE).names()) == ["dump"]) == within_freeze
    assert list(checkpoint.section(RESOURCE).names()) == ["dump"]


def test_an_existing_database_is_not_replaced_unasked(server: Server, plugin: PostgreSQLPlugin, drive: Any) -> None:
    driver = drive(plugin, RESOURCE)
    checkpoint = driver.protect()
    server.sql('TRUNCATE "odd schema".entries', NAME)
    before = server.dump(NAME)
    with pytest.raises(LocalError, match="exists: restore with `existing: replace`"):
        driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
    assert server.dump(NAME) == before
    assert server.databases() == ["postgres", NAME]


def test_a_database_in_use_is_not_replaced(server: Server, plugin: PostgreSQLPlugin, drive: Any) -> None:
    driver = drive(plugin, RESOURCE, restore={"existing": "replace"})
    checkpoint = driver.protect()
    before = server.dump(NAME)
    with subprocess.Popen(server.session(NAME), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as user:
        user.stdin.write("SELECT 'here';\n")
        user.stdin.flush()
        assert user.stdout.readline() == "here\n"
        with pytest.raises(LocalError, match="is in use: stop what uses it"):
            driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
        user.stdin.close()
    assert server.dump(NAME) == before
    assert server.databases() == ["postgres", NAME]


def test_what_a_killed_restore_left_is_no_obstacle(server: Server, plugin: PostgreSQLPlugin, drive: Any) -> None:
    """Its database, which its pg_restore still is at work on."""
    driver = drive(plugin, RESOURCE, restore={"existing": "replace"})
    checkpoint = driver.protect()
    before = server.dump(NAME)
    left = scratch_name(checkpoint, RESOURCE)
    server.sql(f"CREATE DATABASE {left}")
    with subprocess.Popen(server.session(left), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as user:
        user.stdin.write("SELECT 'here';\n")
        user.stdin.flush()
        assert user.stdout.readline() == "here\n"
        driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
        user.stdin.close()
    assert server.dump(NAME) == before
    assert server.databases() == ["postgres", NAME]


def test_a_deletion_drops_what_a_killed_restore_left(server: Server, plugin: PostgreSQLPlugin, drive: Any) -> None:
    """It was never repeated."""
    driver = drive(plugin, RESOURCE)
    checkpoint = driver.protect()
    for left in (scratch_name(checkpoint, RESOURCE), scratch_name(checkpoint, RESOURCE) + "_old"):
        server.sql(f"CREATE DATABASE {left}")
    assert driver.delete(checkpoint) == []
    assert server.databases() == ["postgres", NAME]


def test_a_deletion_does_not_need_the_server(
    server: Server, plugin: PostgreSQLPlugin, configure: Any, drive: Any
) -> None:
    checkpoint = drive(plugin, RESOURCE).protect()
    checkpoint.move(Status.DELETING)
    text = configuration(server).replace(f"port={server.port}", "port=1")
    driver = drive(configure(PostgreSQLPlugin, text), RESOURCE)
    (message,) = driver.run(Operation.DELETE, checkpoint).messages
    assert "should a restore have been killed" in message
    assert "Connection refused" in message
    assert list(checkpoint.section(RESOURCE).names()) == []


def test_restoring_to_another_database(server: Server, plugin: PostgreSQLPlugin, drive: Any) -> None:
    target = 'restored_"é \\ 1'
    driver = drive(plugin, RESOURCE, restore={"target": target})
    checkpoint = driver.protect()
    mine = driver.again(checkpoint, "restore")
    context = driver.run(Operation.RESTORE, mine)
    assert context.restored(RESOURCE) == {"database": target}
    after = server.dump(target).replace(quoted(target), quoted(NAME)).replace(target, NAME)
    assert without_connect(after) == without_connect(server.dump(NAME))


@pytest.mark.parametrize("target", ["postgres", "template1", "x", "Restored_1", "restored_" + "x" * 55])
def test_other_databases_cannot_be_reached(server: Server, plugin: PostgreSQLPlugin, drive: Any, target: str) -> None:
    driver = drive(plugin, RESOURCE, restore={"target": target, "existing": "replace"})
    checkpoint = driver.protect()
    with pytest.raises(LocalError, match=r"not allowed|longer than"):
        driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
    assert server.databases() == ["postgres", NAME]


def test_a_failing_restore_leaves_everything_as_it_was(server: Server, plugin: PostgreSQLPlugin, drive: Any) -> None:
    """The owner of a table does not exist any more: pg_restore fails half-way."""
    driver = drive(plugin, RESOURCE, restore={"existing": "replace"})
    checkpoint = driver.protect()
    server.sql(f"ALTER DATABASE {quoted(NAME)} OWNER TO embank")
    server.sql("REASSIGN OWNED BY shopkeeper TO embank; DROP OWNED BY shopkeeper; DROP ROLE shopkeeper;", NAME)
    before = server.dump(NAME)
    with pytest.raises(LocalError, match='role "shopkeeper" does not exist'):
        driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
    assert server.dump(NAME) == before
    assert server.databases() == ["postgres", NAME]


def test_restoring_without_owners(server: Server, plugin: PostgreSQLPlugin, drive: Any) -> None:
    driver = drive(plugin, RESOURCE, restore={"existing": "replace", "owners": False})
    checkpoint = driver.protect()
    server.sql(f"DROP DATABASE {quoted(NAME)}; DROP ROLE shopkeeper; DROP ROLE accountant;")
    driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
    assert server.sql("SELECT count(*), answer() FROM entries", NAME) == "500|42"
    assert server.sql("SELECT tableowner FROM pg_tables WHERE tablename = 'entries'", NAME) == "embank"


def test_a_wrong_password_fails_and_is_not_shown(server: Server, configure: Any, drive: Any, tmp_path: Any) -> None:
    passwords = tmp_path / "wrong"
    passwords.write_text("*:*:*:*:hunter2\n")
    passwords.chmod(0o600)
    text = configuration(server).replace(str(server.password_file), str(passwords))
    driver = drive(configure(PostgreSQLPlugin, text), RESOURCE)
    checkpoint = driver.begin()
    with pytest.raises(LocalError, match="password authentication failed") as failure:
        driver.run(Operation.PROTECT, checkpoint)
    assert "hunter2" not in str(failure.value)
    assert list(checkpoint.section(RESOURCE).names()) == []


def test_a_dump_that_fails_half_way_saves_nothing(server: Server, plugin: PostgreSQLPlugin, drive: Any) -> None:
    """A table's file is gone: pg_dump notices when it has written a good part already."""
    server.sql("UPDATE pg_class SET relfilenode = 1 WHERE relname = 'entries'", NAME)
    driver = drive(plugin, RESOURCE, protect={"within_freeze": False})
    checkpoint = driver.begin()
    with pytest.raises(LocalError, match=r"pg_dump failed \(1\)"):
        driver.run(Operation.PROTECT, checkpoint)
    assert list(checkpoint.section(RESOURCE).names()) == []


def test_programs_that_are_not_there(server: Server, configure: Any, drive: Any, tmp_path: Any) -> None:
    text = configuration(server, more=f"bin_dir = {tmp_path}")
    driver = drive(configure(PostgreSQLPlugin, text), RESOURCE)
    with pytest.raises(LocalError, match="psql cannot be started: No such file"):
        driver.run(Operation.PROTECT, driver.begin())


def test_environment_of_the_operator_does_not_matter(
    server: Server, plugin: PostgreSQLPlugin, drive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGHOST": "192.0.2.1", "PGPASSWORD": "wrong", "PGSSLMODE": "require"}.items():
        monkeypatch.setenv(name, value)
    drive(plugin, RESOURCE).protect()
