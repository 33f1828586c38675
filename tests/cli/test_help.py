"""What help says: of each command its own, wherever it is asked for."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cliff.command import Command

from embank.cli.app import EmbankApp
from embank.cli.commands import COMMANDS
from embank.cli.main import main
from embank.cli.overview import GROUPS

Embank = Callable[..., subprocess.CompletedProcess[str]]
Said = tuple[int, str, str]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """`say("run", "--help")`: exit code, stdout and stderr, on a terminal of 80 columns."""

    def run(*arguments: str, columns: int = 80) -> Said:
        monkeypatch.setenv("COLUMNS", str(columns))
        code = main(arguments)
        return (code, *capsys.readouterr())

    return run


def parser_of(name: str) -> argparse.ArgumentParser:
    app = EmbankApp()
    factory: type[Command] = app.command_manager.find_command(name.split())[0]
    return factory(app, None, cmd_name=name).get_parser(f"embank {name}")


def visible(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if action.help != argparse.SUPPRESS]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_prints_its_own_help(name: str, say: Callable[..., Said]) -> None:
    code, out, err = say(*name.split(), "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: embank {name} [-h]")
    flowing = " ".join(out.split())
    assert COMMANDS[name].description in flowing
    for action in visible(parser_of(name)):
        for word in action.option_strings or [str(action.metavar)]:
            assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", out), f"{word} is not in its help"
    assert (
        say(*name.split(), "-h") == say("help", *name.split()) == say("--debug", *name.split(), "-h") == (0, out, "")
    )


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("name", ["", *GROUPS, *COMMANDS])
def test_help_fits_the_terminal(name: str, columns: int, say: Callable[..., Said]) -> None:
    _, out, _ = say(*name.split(), "--help", columns=columns)
    assert max(map(len, out.splitlines())) <= columns


@pytest.mark.parametrize("name", COMMANDS)
def test_whatever_a_command_takes_is_explained(name: str) -> None:
    unexplained = [action.dest for action in visible(parser_of(name)) if len(action.help or "") < 6]
    assert not unexplained


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_lists_its_commands(group: str, say: Callable[..., Said]) -> None:
    code, out, err = say(group, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"usage: embank {group} COMMAND ")
    listed = re.findall(rf"^  ({group} \w+)  ", out, flags=re.MULTILINE)
    assert listed == [name for name in COMMANDS if name.startswith(f"{group} ")]
    assert say(group, "-h") == say("help", group) == say("--help", group) == (0, out, "")


def test_the_overview_lists_all_commands(say: Callable[..., Said]) -> None:
    code, out, err = say("--help")
    assert (code, err) == (0, "")
    for name, entry in COMMANDS.items():
        assert re.search(rf"^  {name}  +{re.escape(entry.summary)}$", out, flags=re.MULTILINE)
    assert say("-h") == say("help") == say("--debug", "--help") == say("--debug", "help") == (0, out, "")


def test_help_is_the_same_after_other_arguments(say: Callable[..., Said]) -> None:
    _, out, _ = say("run", "--help")
    assert say("run", "shop.protect.yaml", "--parallel", "2", "--help") == (0, out, "")
    assert say("--help", "run") == (0, out, "")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("chekpoint list", "there is no command 'chekpoint list'; did you mean 'checkpoint list'?"),
        ("chekpoint --help", "there is no command 'chekpoint'; did you mean 'checkpoint'?"),
        ("help rehearsal", "there is no command 'rehearsal'; did you mean 'rehearse'?"),
        ("checkpoint lst -h", "there is no command 'checkpoint lst'; one of: checkpoint list, checkpoint show"),
        ("checkpoint", "there is no command 'checkpoint'; one of: checkpoint list, checkpoint show"),
        ("nonsense --help", "there is no command 'nonsense'; `embank --help` lists the commands"),
        ("--nonsense", "there is no option '--nonsense' before the command; `embank --help` lists the commands"),
    ],
)
def test_what_there_is_not_has_no_help(line: str, hint: str, say: Callable[..., Said]) -> None:
    code, out, err = say(*line.split())
    assert (code, out) == (64, "")
    assert err.startswith(f"embank: {hint}")


def test_options_of_a_command_may_be_abbreviated(say: Callable[..., Said]) -> None:
    """Also those that begin as one of the options that every command takes."""
    code, _, err = say("rehearse", "--d", "no-such-file", "neither-this")
    assert code == 64
    assert "neither-this" in err
    assert "unrecognized" not in err


@pytest.mark.parametrize("line", ["--help", "run --help", "help checkpoint list", "checkpoint --help"])
def test_a_process_of_its_own_says_the_same(line: str, embank: Embank, say: Callable[..., Said]) -> None:
    done = embank(*line.split(), COLUMNS="80")
    assert (done.returncode, done.stdout, done.stderr) == say(*line.split())


def test_the_overview_comes_without_the_heavy_imports() -> None:
    program = Path(sys.executable).parent / "embank"
    command = [sys.executable, "-X", "importtime", program, "--help"]
    imported = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert "embank.cli.overview" in imported
    for heavy in ("cliff", "yaml", "jinja2", "jsonschema", "oslo_config", "stevedore", "importlib.metadata"):
        assert not re.search(rf"\| +{re.escape(heavy)}\b", imported), heavy


def test_the_table_of_exit_codes_says_when_resume_refuses(embank: Embank) -> None:
    codes = dict(line.split(maxsplit=1) for line in embank("help", "exit-codes").stdout.splitlines())
    refused = "the provider's file, the cloud, a plugin or Embank is not what it was (resume --allow-stale goes on)"
    assert codes["6"] == refused
    assert "stale" in codes["2"], "a workflow file that is not up to date is a difference"
