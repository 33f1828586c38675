"""`embank help`."""

from __future__ import annotations

import argparse
import sys

from embank.cli.app import EmbankCommand
from embank.cli.overview import overview
from embank.errors import ExitCode


class Help(EmbankCommand):
    """Show help for a command, or `help exit-codes`."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """What help is asked for."""
        parser = super().get_parser(prog_name)
        parser.add_argument("topic", metavar="TOPIC", nargs="*", help="a command, a group of them, or exit-codes")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Print the overview, the table of exit codes, or what the command itself says."""
        if not parsed_args.topic:
            sys.stdout.write(overview())
        elif parsed_args.topic == ["exit-codes"]:
            sys.stdout.write(exit_codes())
        else:
            code: int = self.app.run_subcommand([*parsed_args.topic, "--help"])
            return code
        return ExitCode.OK


def exit_codes() -> str:
    """The table of exit codes."""
    return "".join(f"{code.value:>4}  {code.meaning}\n" for code in ExitCode)
