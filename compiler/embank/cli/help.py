"""`embank help`."""

from __future__ import annotations

import argparse
import sys

from cliff.help import HelpCommand

from embank.cli.app import EmbankCommand
from embank.cli.commands import COMMANDS
from embank.cli.main import overview
from embank.diagnostics import did_you_mean
from embank.errors import ExitCode, UsageError


class Help(EmbankCommand, HelpCommand):
    """Show help for a command, or `help exit-codes`."""

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Print the overview, the table of exit codes, or a command's help."""
        topic = " ".join(parsed_args.cmd)
        if not topic:
            sys.stdout.write(overview())
        elif topic == "exit-codes":
            sys.stdout.write(exit_codes())
        elif topic in COMMANDS:
            super().take_action(parsed_args)
        else:
            group = [f"  {name:<20} {COMMANDS[name].summary}\n" for name in COMMANDS if name.startswith(topic + " ")]
            if not group:
                hint = did_you_mean(topic, COMMANDS) or "`embank --help` lists the commands"
                raise UsageError(f"there is no command {topic!r}; {hint}")
            sys.stdout.write("".join(group))
        return ExitCode.OK


def exit_codes() -> str:
    """The table of exit codes."""
    return "".join(f"{code.value:>4}  {code.meaning}\n" for code in ExitCode)
