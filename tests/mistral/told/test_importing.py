"""Imported executions lie beside those of the runner, and commands tell of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from embank.clock import SystemClock
from embank.document import Document
from embank.errors import ExitCode, UsageError
from embank.journal.directory import ExecutionDirectory, ExecutionLocked, StateDirectory
from embank.journal.entries import EXECUTION
from embank.journal.file import Journal
from embank.journal.heading import read_heading
from embank.journal.kept import read_kept
from embank.journal.standing import glance
from embank.mistral.importing import ImportRefused, import_execution, imported
from kit import engine, forked

FAILED = """
    begin             SUCCESS 0-1
    activities        ERROR   1-9
    activities/freeze SUCCESS 1-3
    activities/copy   ERROR   3-7 no
    cleanup           {0}     9-10
    cleanup/thaw      {0}     9-10 why
    abandon           SUCCESS 10-11
"""
AT_WORK = "begin SUCCESS 0-1 \n activities RUNNING 1- \n activities/freeze RUNNING 2-"


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    return StateDirectory(tmp_path / ".embank")


@pytest.fixture
def keep(state: StateDirectory, shop: Document) -> Any:
    def do(table: str, *arguments: Any, **options: Any) -> ExecutionDirectory:
        return import_execution(state, shop, engine.SHOP, engine.look(table, *arguments), **options)

    return do


def embank(tmp_path: Path, *arguments: str, code: int = 0) -> str:
    """stdout and stderr of a command."""
    done = forked.embank(tmp_path, *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_show_logs_and_list(tmp_path: Path, keep: Any) -> None:
    keep(FAILED.format("SUCCESS"), "ERROR", 11)
    show = embank(tmp_path, "execution", "show", engine.ID)
    assert "shop: FAILED after 11 s; nothing is left open" in show
    assert "activities/copy" in show
    assert "T::App#web" in show, "how long it was frozen"
    logs = embank(tmp_path, "execution", "logs", engine.ID)
    assert "08:00:03" in logs.replace("09:00:03", "08:00:03")
    assert "activities/copy" in logs
    assert embank(tmp_path, "execution", "list", "-f", "value").split()[-2:] == ["ERROR", "4"]


def test_what_stayed_open(tmp_path: Path, keep: Any) -> None:
    kept = keep(FAILED.format("ERROR"), "ERROR", 11)
    assert glance(kept).exit_code == 5
    assert read_kept(kept, SystemClock()).summary(SystemClock()).exit_code is ExitCode.FAILED_OPEN
    show = embank(tmp_path, "execution", "show", engine.ID)
    assert "STILL OPEN" in show
    assert f"embank cancel {engine.ID}" in show, "resume is for what the runner executed"
    assert "embank resume" not in show


def test_a_false_success(tmp_path: Path, keep: Any) -> None:
    """The list, the summary and the exit code say the same of it."""
    kept = keep("begin SUCCESS 0-1 \n activities SUCCESS 1-2 \n complete SUCCESS 2-3", "SUCCESS", 3)
    seen, summary = glance(kept), read_kept(kept, SystemClock()).summary(SystemClock())
    assert (seen.state, seen.exit_code) == ("ERROR", 4)
    assert (summary.state, summary.exit_code) == ("ERROR", 4)
    show = embank(tmp_path, "execution", "show", engine.ID)
    assert "warning: the engine says SUCCESS, but activities/freeze (never run), " in show
    assert "the engine says SUCCESS, but" in embank(tmp_path, "execution", "logs", engine.ID)


def test_one_that_goes_on_is_replaced(state: StateDirectory, tmp_path: Path, keep: Any) -> None:
    kept = keep(AT_WORK)
    assert glance(kept).exit_code is None
    show = embank(tmp_path, "execution", "show", engine.ID)
    assert f"embank watch {engine.ID}" in show
    assert "embank resume" not in show
    again = keep(FAILED.format("SUCCESS"), "ERROR", 11)
    assert again.path == kept.path
    assert glance(again).exit_code == 4
    assert sorted(path.name for path in state.path.iterdir()) == [".gitignore", "executions"], "nothing is left over"
    assert [each.id for each in state.all()] == [engine.ID]


def test_resume_says_where_it_is_executed(tmp_path: Path, keep: Any) -> None:
    keep(AT_WORK, url="http://mistral:8989/v2")
    said = embank(tmp_path, "resume", engine.ID, code=64)
    assert "Mistral executes it (http://mistral:8989/v2)" in said
    assert f"embank watch {engine.ID}" in said


def test_the_heading(keep: Any) -> None:
    kept = keep(AT_WORK, url="https://me:secret@mistral:8989/v2", namespace="embank-0123")
    heading = read_heading(kept.read().entries, "journal")
    assert (heading.engine, heading.engine_namespace) == ("mistral", "embank-0123")
    assert heading.engine_url == "https://mistral:8989/v2"
    assert b"secret" not in kept.journal.read_bytes()
    assert heading.execution == engine.ID
    assert kept.workflow.read_bytes() == engine.SHOP
    assert imported(kept) == heading


def test_a_journal_of_before_there_were_engines(keep: Any) -> None:
    (first, *_) = keep(AT_WORK).read().entries
    old = {name: value for name, value in first.items() if not name.startswith("engine")}
    assert read_heading((old,), "journal").engine == ""


def local(state: StateDirectory, keep: Any) -> ExecutionDirectory:
    """An execution of the runner, under the id of one in the engine."""
    heading = read_heading(keep(AT_WORK).read().entries, "journal")
    own = state.create(engine.ID.replace("5", "6"), engine.SHOP)
    journal = Journal(own.journal)
    journal.append(engine.START.isoformat(), EXECUTION, replace(heading, engine="").to_json())
    journal.commit()
    journal.close()
    return own


def test_one_of_the_runner_is_not_replaced(state: StateDirectory, keep: Any, shop: Document) -> None:
    own = local(state, keep)
    before = own.journal.read_bytes()
    assert imported(own) is None
    with pytest.raises(ImportRefused) as refused:
        import_execution(state, shop, engine.SHOP, replace(engine.look(AT_WORK), execution=own.id))
    assert refused.value.exit_code == 7
    assert own.journal.read_bytes() == before


@pytest.mark.parametrize("damage", [b"", b"nonsense\n"])
def test_one_that_cannot_be_read_is_not_replaced(keep: Any, damage: bytes) -> None:
    kept = keep(AT_WORK)
    kept.journal.write_bytes(damage)
    with pytest.raises(ImportRefused):
        keep(AT_WORK)
    assert kept.journal.read_bytes() == damage


def test_one_that_is_locked_is_not_replaced(keep: Any) -> None:
    kept = keep(AT_WORK)
    before = kept.journal.read_bytes()
    with kept.locked(), pytest.raises(ExecutionLocked) as locked:
        keep(FAILED.format("SUCCESS"), "ERROR", 11)
    assert locked.value.exit_code == 7
    assert kept.journal.read_bytes() == before


@pytest.mark.parametrize("execution", ["", "..", "../../etc", "a/b", "x" * 300, "-f", "a\nb"])
def test_an_id_is_no_path(state: StateDirectory, shop: Document, execution: str) -> None:
    with pytest.raises(UsageError):
        import_execution(state, shop, engine.SHOP, replace(engine.look(AT_WORK), execution=execution))
    assert not state.path.exists()


def test_a_state_directory_that_cannot_be_written(tmp_path: Path, shop: Document) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="--state-dir"):
        import_execution(StateDirectory(tmp_path / "file"), shop, engine.SHOP, engine.look(AT_WORK))


CANCELLED = (
    "begin SUCCESS 0-1 \n activities CANCELLED 1-5 \n activities/freeze SUCCESS 1-3 \n activities/copy SUCCESS 3-6"
)
CLOSED = f"{CANCELLED} \n cleanup SUCCESS 7-8 \n cleanup/thaw SUCCESS 7-8 \n abandon SUCCESS 8-9"


@pytest.mark.parametrize(
    ("table", "ended_with", "code"),
    [
        (FAILED.format("SUCCESS"), "ERROR", 4),
        (FAILED.format("ERROR"), "ERROR", 5),
        (AT_WORK, "ERROR", 5),
        (AT_WORK, "SUCCESS", 5),
        ("begin RUNNING 0-", "ERROR", 4),
        ("begin ERROR 0-1 \n . ERROR 0-1 code 7: somebody else has it", "ERROR", 7),
        (CANCELLED, "CANCELLED", 5),
        (CLOSED, "CANCELLED", 130),
    ],
)
def test_everybody_says_the_same_exit_code(keep: Any, table: str, ended_with: str, code: int) -> None:
    kept = keep(table, ended_with, 20)
    assert glance(kept).exit_code == code
    assert read_kept(kept, SystemClock()).summary(SystemClock()).exit_code == code
