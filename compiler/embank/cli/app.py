"""The cliff application, and the base class of every command."""

from __future__ import annotations

import argparse
import gc
import logging
import sys
import traceback
from importlib.metadata import EntryPoint
from itertools import takewhile
from typing import Any

from cliff.app import App
from cliff.command import Command
from cliff.commandmanager import CommandManager

from embank import __version__
from embank.cli.commands import COMMANDS
from embank.cli.openstack import adapt
from embank.cli.output.writing import OUTPUT, lost_output
from embank.cli.overview import GROUPS, group_overview
from embank.cli.report import Reported
from embank.diagnostics import did_you_mean
from embank.errors import EmbankError, ExitCode
from embank.plaintext import plain

NO_COLUMN = "No recognized column names in"  # cliff's ValueError, of a mistake in `-c`
HELP = ("-h", "--help")


class EmbankApp(App):
    """`embank`: the commands of the table, without cliff's interactive mode."""

    NAME = "embank"

    def __init__(self) -> None:
        manager = CommandManager(None)
        super().__init__("Compiles data-protection plans into workflow files.", __version__, manager)
        # An EntryPoint loads its class when it is used, and not before.
        manager.commands = {name: EntryPoint(name, entry.target, "embank.cli") for name, entry in COMMANDS.items()}

    def build_option_parser(
        self, description: str | None, version: str | None, argparse_kwargs: dict[str, Any] | None = None
    ) -> argparse.ArgumentParser:
        """The options that every command takes. Not --help: what it is asked for depends on the command."""
        parser = argparse.ArgumentParser(prog=self.NAME, add_help=False, allow_abbrev=False)
        parser.add_argument("--version", action="version", version=f"{self.NAME} {version}")
        parser.add_argument("--debug", action="store_true", help="show where in the code an error came from")
        # cliff's, without an effect here
        parser.add_argument("-v", "--verbose", action="count", help=argparse.SUPPRESS)
        parser.add_argument("-q", "--quiet", action="count", help=argparse.SUPPRESS)
        parser.add_argument("--log-file", help=argparse.SUPPRESS)
        return parser

    def configure_logging(self) -> None:
        """Warnings of libraries go to stderr; Embank itself writes no log."""
        logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")

    def interact(self) -> None:
        """Options without a command."""
        sys.stderr.write("embank: no command given; `embank --help` lists them\n")
        raise SystemExit(int(ExitCode.USAGE))

    def run_subcommand(self, argv: list[str]) -> int:
        """Find the command, exactly: an abbreviation that works today is ambiguous tomorrow."""
        words = list(takewhile(lambda word: not word.startswith("-"), argv))
        result: int
        if argv[0] in HELP:  # before the command, as other programs want it
            result = super().run_subcommand(["help", *(word for word in argv if word not in HELP)])
            return result
        if any(" ".join(words[:length]) in COMMANDS for length in (2, 1)):
            result = super().run_subcommand(argv)
            return result
        if len(words) == 1 and words[0] in GROUPS and argv[1:2] in (["-h"], ["--help"]):
            sys.stdout.write(group_overview(words[0]))
            return ExitCode.OK
        what = f"command {plain(' '.join(words[:2]))!r}" if words else f"option {plain(argv[0])!r} before the command"
        sys.stderr.write(f"embank: there is no {what}; {_hint(words)}\n")
        return ExitCode.USAGE


def _hint(words: list[str]) -> str:
    """What was meant, as far as it can be guessed."""
    if words and words[0] in GROUPS:
        return f"one of: {', '.join(name for name in COMMANDS if name.startswith(f'{words[0]} '))}"
    known = (*COMMANDS, *GROUPS)
    hint = did_you_mean(" ".join(words[:2]), known) or did_you_mean("".join(words[:1]), known)
    return hint or "`embank --help` lists the commands"


class EmbankCommand(Command):
    """A command, here and in the `openstack` client. `take_action` returns an exit code, and raises EmbankError for
    expected failures.
    """

    auth_required = False  # for the client: plugins log in themselves, and many commands need no cloud

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Without options."""
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        if not isinstance(self.app, EmbankApp):
            adapt(parser, self.app)
        return parser

    def get_description(self) -> str:
        """From the table, so that help says it once."""
        entry = COMMANDS.get((self.cmd_name or "").removeprefix("embank "))
        return entry.description if entry else str(super().get_description())

    def get_epilog(self) -> str:
        """Nothing. cliff would say which package a command comes from, and read all that are installed for it."""
        return ""

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run the action; one place maps what went wrong to an exit code and a message."""
        # A large graph is millions of objects that live until the end: looking for garbage among them after
        # every 700 new ones doubles the time that compiling takes.
        gc.set_threshold(200_000, 20, 100)
        try:
            result: Any = super().run(parsed_args)
            sys.stdout.flush()
            return result or ExitCode.OK
        except Reported as error:
            return error.exit_code
        except EmbankError as error:
            sys.stderr.write(f"embank: {plain(str(error))}\n")
            if self.app.options.debug:
                traceback.print_exc()
            return error.exit_code
        except KeyboardInterrupt:
            return ExitCode.INTERRUPTED
        except OSError as error:
            if error.errno not in OUTPUT or error.filename:
                return self._bug(error)
            return lost_output(error)
        except Exception as error:
            if not str(error).startswith(NO_COLUMN):
                return self._bug(error)
            sys.stderr.write(f"embank: {plain(str(error))}\n")
            return ExitCode.USAGE

    def _bug(self, error: Exception) -> int:
        sys.stderr.write(f"embank: a bug in Embank: {type(error).__name__}: {plain(str(error))}\n")
        sys.stderr.write("embank: run it again with --debug and report what it prints\n")
        if self.app.options.debug:
            traceback.print_exc()
        return ExitCode.INTERNAL
