"""Where executions are kept: commands that look in another place than where one was started say where they looked."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Embank = Callable[..., subprocess.CompletedProcess[str]]
NAMES = "--state-dir DIRECTORY (or EMBANK_STATE_DIR) names the directory that it was started with"


@pytest.mark.parametrize("command", [("execution", "show"), ("execution", "logs"), ("resume",), ("cancel",)])
def test_who_looks_in_the_wrong_place_is_told_the_place(
    tmp_path: Path, embank: Embank, command: tuple[str, ...]
) -> None:
    done = embank(*command, "X")
    listing = "`embank execution list` shows those that are kept there"
    said = f"embank: there is no execution 'X' in {tmp_path / '.embank'}: {listing}. {NAMES}\n"
    assert (done.returncode, done.stderr) == (64, said)


def test_the_list_of_another_place_is_that_of_the_other_place(tmp_path: Path, embank: Embank) -> None:
    done = embank("execution", "show", "X", "--state-dir", "my executions")
    assert f"`embank execution list --state-dir '{tmp_path}/my executions'` shows those" in done.stderr


@pytest.mark.parametrize("by", ["option", "variable"])
def test_a_list_of_a_directory_that_is_none_is_refused(tmp_path: Path, embank: Embank, by: str) -> None:
    (tmp_path / "file").touch()
    for name, problem in (("file", "is not a directory"), ("nowhere", "does not exist")):
        if by == "option":
            done = embank("execution", "list", "--state-dir", name)
        else:
            done = embank("execution", "list", EMBANK_STATE_DIR=name)
        source = " (from EMBANK_STATE_DIR)" if by == "variable" else ""
        said = f"embank: the state directory {tmp_path / name}{source} {problem}\n"
        assert (done.returncode, done.stdout, done.stderr) == (64, "", said)


def test_where_nothing_has_run_yet_the_list_is_empty(tmp_path: Path, embank: Embank) -> None:
    done = embank("execution", "list")
    assert (done.returncode, done.stderr) == (0, f"there are no executions in {tmp_path / '.embank'}\n")
    (tmp_path / "empty").mkdir()
    done = embank("execution", "list", "--state-dir", "empty")
    assert (done.returncode, done.stderr) == (0, f"there are no executions in {tmp_path / 'empty'}\n")
