"""Completion in a real bash, with what `embank complete` prints and nothing else installed."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from embank.cli.commands import COMMANDS
from embank.cli.main import main

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `embank complete` prints, in a file."""
    file = tmp_path_factory.mktemp("completion") / "embank"
    file.write_text(subprocess.run([BIN / "embank", "complete"], capture_output=True, text=True, check=True).stdout)
    return file


@pytest.fixture
def complete(script: Path, tmp_path: Path) -> Callable[[str], list[str]]:
    """`complete("embank comp")`: what bash would offer for the last word of the line."""

    def offer(line: str) -> list[str]:
        words = line.split(" ")
        ask = f"COMP_WORDS=({' '.join(word or repr('') for word in words)}); COMP_CWORD={len(words) - 1}; _embank"
        done = subprocess.run(
            ["bash", "--norc", "-c", f"source {script} && {ask} && printf '%s\\n' \"${{COMPREPLY[@]}}\""],
            capture_output=True, text=True, check=True, cwd=tmp_path,
        )  # fmt: skip
        assert not done.stderr
        return sorted(done.stdout.split())

    return offer


def test_commands_groups_options_and_files_are_offered(complete: Callable[[str], list[str]], tmp_path: Path) -> None:
    (tmp_path / "shop.protect.yaml").touch()
    assert complete("embank ") == sorted({name.split()[0] for name in COMMANDS})
    assert complete("embank comp") == ["compile", "complete"]
    assert complete("embank checkpoint ") == ["delete", "list", "prune", "show", "verify"]
    assert complete("embank checkpoint pr") == ["prune"]
    assert complete("embank compile protect --re") == ["--resources"]
    assert complete("embank compile protect --resources x --ma") == ["--max-tasks"]
    assert complete("embank run shop") == ["shop.protect.yaml"]
    assert complete("embank nonsense --") == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_offers_its_options(
    name: str, complete: Callable[[str], list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*name.split(), "--help"]) == 0
    usage = capsys.readouterr().out.split("\n\n")[0]
    named = set(re.findall(r"--[a-z-]+", usage))
    offered = set(complete(f"embank {name} --"))
    assert named <= offered
    assert "--help" in offered


@pytest.mark.parametrize(
    "typed",
    ["embank a[$(touch_it)] ", "embank `touch_it` --", "embank run $(touch_it) --", "embank a[$(touch_it)] --"],
)
def test_what_is_typed_is_not_executed(typed: str, script: Path, tmp_path: Path) -> None:
    *words, last = typed.split(" ")
    quoted = " ".join(f"'{word}'" for word in (*words, last))
    program = f"touch_it() {{ touch {tmp_path}/done; }}; source {script}; COMP_WORDS=({quoted}); "
    program += f"COMP_CWORD={len(words)}; _embank"
    done = subprocess.run(["bash", "--norc", "-uc", program], capture_output=True, text=True, check=True)
    assert not done.stderr
    assert not (tmp_path / "done").exists()


def test_arguments_of_any_form_come_before_an_option(complete: Callable[[str], list[str]]) -> None:
    for argument in ("shop.protect.yaml", "a/b", "x:y", "*", "größe", "a=b"):
        assert complete(f"embank run '{argument}' --par") == ["--parallel"]
    assert complete("embank --debug run --par") == ["--parallel"]
    assert complete("embank help checkpoint pr") == ["prune"]


def test_a_directory_can_be_gone_into(complete: Callable[[str], list[str]], tmp_path: Path) -> None:
    (tmp_path / "providers.d").mkdir()
    assert complete("embank run prov") == ["providers.d"]


def test_the_shell_of_the_person_stays_as_it_was(script: Path) -> None:
    program = (
        f"cmd=mine; set -u; before=$(declare -F; set); source {script}; COMP_WORDS=(embank run --); COMP_CWORD=2; "
        "_embank; declare -F; echo $cmd; compgen -v"
    )
    names = subprocess.run(
        ["bash", "--norc", "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert [name for name in names if name in ("cur", "words", "word", "command", "options", "line", "i")] == []
    assert names[:4] == ["declare", "-f", "_embank", "mine"]


class Terminal:
    """Bash at a terminal, as a person has it."""

    def __init__(self, work: Path) -> None:
        self.master, slave = pty.openpty()
        environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "TERM": "dumb", "PS1": "$ ", "HOME": str(work)}
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"],
            stdin=slave, stdout=slave, stderr=slave, cwd=work, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(slave)

    def type(self, keys: str, until: str) -> str:
        """What is shown after these keys, up to a text."""
        os.write(self.master, keys.encode())
        shown, deadline = "", time.monotonic() + 60
        while until not in shown:
            left = deadline - time.monotonic()
            assert left > 0, f"{until!r} did not come: {shown!r}"
            if select.select([self.master], [], [], left)[0]:
                shown += os.read(self.master, 4096).decode()
        return shown


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.process.kill()
    terminal.process.wait()
    os.close(terminal.master)


def test_the_tab_key_works(terminal: Terminal) -> None:
    terminal.type('eval "$(embank complete)"; echo "rea""dy"\n', "ready")
    shown = terminal.type("embank checkpoint \t\t", "verify")
    assert re.search(r"\bdelete\s+list\s+prune\s+show\s+verify\b", shown)
    terminal.type("pr\t", "prune ")
    terminal.type("--keep-d\t", "--keep-daily ")
