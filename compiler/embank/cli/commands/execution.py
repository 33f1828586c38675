"""`embank execution list|show|logs`: the executions that are kept on this machine."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from cliff.lister import Lister

from embank.cli.app import EmbankCommand
from embank.cli.columns import Code, Text
from embank.cli.options import add_state_directory
from embank.errors import ExitCode
from embank.plaintext import plain


class ExecutionList(EmbankCommand, Lister):
    """`embank execution list`: the newest first."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        add_state_directory(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """A row an execution."""
        from embank.journal.directory import state_directory
        from embank.journal.standing import glance

        state = state_directory(parsed_args.state_dir, existing=True)
        seen = sorted((glance(each) for each in state.all()), key=lambda one: (one.started, one.id), reverse=True)
        if not seen:
            sys.stderr.write(f"there are no executions in {plain(str(state.path.absolute()))}\n")
        rows = [(one.id, Text(one.workflow), one.started[:19], str(one.state), Code(one.exit_code)) for one in seen]
        return ("id", "workflow", "started", "state", "exit code"), rows


class ExecutionShow(EmbankCommand):
    """`embank execution show`: how it stands, or ended."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("execution", metavar="EXECUTION", help="its id, or the beginning of it")
        parser.add_argument("--json", action="store_true", help="everything, as JSON")
        add_state_directory(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Exit 0 whatever became of it: the question was answered."""
        from embank.clock import SystemClock
        from embank.journal.directory import state_directory
        from embank.journal.kept import read_kept
        from embank.journal.standing import Standing, glance
        from embank.journal.standing_text import standing_text
        from embank.reporting.summary_text import summary_text

        directory = state_directory(parsed_args.state_dir).find(parsed_args.execution)
        clock = SystemClock()
        seen = glance(directory)  # first: it may end between the two looks
        found = read_kept(directory, clock)
        if parsed_args.json:
            data = {**found.summary(clock).to_data(), "state": str(seen.state), "exit_code": seen.exit_code}
            sys.stdout.write(f"{json.dumps(data, indent=2)}\n")
        else:
            summary = found.summary(clock)
            lines = summary_text(summary, directory.state) if found.finished else standing_text(found, seen, clock)
            sys.stdout.writelines(f"{line}\n" for line in lines)
            if found.finished and seen.state is Standing.LEFT_OFF:
                command = plain(directory.command("resume"))
                sys.stdout.write(f"  its runner left off before it wrote that down: {command}\n")
        return ExitCode.OK


class ExecutionLogs(EmbankCommand):
    """`embank execution logs`: all that happened, as it was shown then."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("execution", metavar="EXECUTION", help="its id, or the beginning of it")
        parser.add_argument("--json", action="store_true", help="as JSON lines, like those of `run --events`")
        add_state_directory(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Play the journal for a listener."""
        from embank.clock import SystemClock
        from embank.journal.directory import state_directory
        from embank.journal.file import JournalDamaged
        from embank.journal.kept import read_kept
        from embank.reporting.events import EventWriter
        from embank.reporting.progress import LogLines

        directory = state_directory(parsed_args.state_dir).find(parsed_args.execution)
        listener = EventWriter(sys.stdout) if parsed_args.json else LogLines(sys.stdout)
        found = read_kept(directory, SystemClock(), [listener], damaged=True)
        if found.contents.damage:
            raise JournalDamaged(found.contents.damage)
        return ExitCode.OK
