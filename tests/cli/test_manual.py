"""The man page says what help says, and man has no complaint."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from embank.cli.commands import COMMANDS
from embank.cli.main import main
from embank.cli.manual import manual
from embank.errors import ExitCode

PAGE = Path(__file__).resolve().parents[2] / "docs" / "embank.1"
Golden = Callable[[str | Path, str], None]
FORMATTERS = {
    "man": ["man", "--warnings", "--local-file"],
    "groff": ["groff", "-man", "-Tutf8", "-ww"],
    "mandoc": ["mandoc", "-Tlint", "-Wwarning"],
}


def test_it_is_that_of_these_commands(golden: Golden) -> None:
    golden(PAGE, manual())


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_it_is_formatted_without_a_warning(formatter: str) -> None:
    if not shutil.which(formatter):
        pytest.skip(f"there is no {formatter} here")
    done = subprocess.run(
        [*FORMATTERS[formatter], PAGE],
        capture_output=True, text=True, env=os.environ | {"MANPAGER": "cat", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    if formatter == "mandoc":  # the page has no date, which would change with every commit
        (complaint,) = done.stdout.splitlines()
        assert 'missing date, using ""' in complaint
    else:
        assert (done.returncode, done.stderr) == (0, "")
        assert "check every digest" in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_with_its_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*name.split(), "--help"]) == 0
    usage = capsys.readouterr().out.split("\n\n")[0]
    page = manual()
    section = page.split(f".SS embank {name}\n")[1].split(".S")[0] + page.split(".SH OUTPUT FORMATS")[1]
    for option in set(re.findall(r"--[a-z-]+", usage)):
        assert option.replace("-", "\\-") in section


def test_every_exit_code_is_there() -> None:
    status = manual().split(".SH EXIT STATUS")[1]
    for code in ExitCode:
        assert rf"\fB{code.value}\fR" in status


def test_no_text_is_taken_for_a_request() -> None:
    requests = {line.split()[0] for line in manual().splitlines() if line.startswith((".", "'"))}
    assert requests == {".TH", ".SH", ".SS", ".TP", ".PP", ".B"}
    assert manual().isascii()
