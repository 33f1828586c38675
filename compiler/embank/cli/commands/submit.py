"""`embank submit|watch|import|schedule`: executing workflow files on OpenStack Mistral."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from embank.cli.app import EmbankCommand
from embank.cli.engine import (
    add_engine_options,
    add_state_directory,
    engine_of,
    follow,
    keep,
    retried,
    say,
    workflow_of,
)
from embank.cli.executing import read_file
from embank.cli.output.overwriting import refuse_overwriting_by_events
from embank.cli.telling import tell
from embank.errors import ExitCode, UsageError
from embank.plaintext import plain

if TYPE_CHECKING:
    from embank.document import Document
    from embank.mistral.api.client import Mistral


ENGINE = "mistral:23"  # whose rules a file has to keep


class Submit(EmbankCommand):
    """`embank submit`: checks the file, puts it into Mistral, starts it."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("file", metavar="FILE", help="the workflow file ('-': standard input)")
        parser.add_argument("--watch", action="store_true", help="watch it until it has ended")
        parser.add_argument("--events", metavar="FILE", help="with --watch: write what happens as JSON lines")
        add_engine_options(parser)
        add_state_directory(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Print the id of the execution; with --watch exit as the execution does."""
        from uuid import uuid4

        from embank.journal.directory import state_directory
        from embank.mistral.api.errors import EngineError
        from embank.mistral.watching import patiently
        from embank.reporting.command_lines import command_line

        if parsed_args.events and not parsed_args.watch:
            raise UsageError("--events needs --watch: without it nothing is seen of the execution")
        refuse_overwriting_by_events(parsed_args.events, parsed_args.file)
        document, source = _checked(parsed_args.file)
        engine = engine_of(parsed_args)
        namespace = put(engine, document, source)
        execution, state = str(uuid4()), state_directory(parsed_args.state_dir).path
        try:
            engine.start(execution, document.main, namespace, f"Embank, {document.file}")
        except EngineError as error:
            if not error.is_final:
                say(
                    "nobody knows whether it was started, or will be. When Mistral answers: "
                    f"{command_line('watch', execution, state)}"
                )
            raise
        seen = patiently(lambda: engine.look(execution), say)
        directory = keep(document, source, seen, engine.url, parsed_args)
        sys.stderr.write(f"{plain(document.main)}: submitted to {plain(engine.url)}\n")
        if not parsed_args.watch:
            sys.stdout.write(f"{execution}\n")
            say(f"watch it: {directory.command('watch')}")
            say(f"stop it:  {directory.command('cancel')}")
            return ExitCode.OK
        return watched(engine, document, source, execution, parsed_args)


class Watch(EmbankCommand):
    """`embank watch`: what happens in Mistral, as `embank run` shows it; and the summary at the end."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("execution", metavar="EXECUTION", help="its id; the beginning of it if it is known here")
        parser.add_argument(
            "--events", metavar="FILE", help="write what happens as JSON lines ('-': standard output)"
        )
        add_engine_options(parser)
        add_state_directory(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Exit as the execution does."""
        refuse_overwriting_by_events(parsed_args.events)
        engine, execution, document, source = workflow_of(parsed_args)
        return watched(engine, document, source, execution, parsed_args)


class Import(EmbankCommand):
    """`embank import`: keeps what Mistral says of an execution, for `execution show` and `execution logs`."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("execution", metavar="EXECUTION", help="its id")
        add_engine_options(parser)
        add_state_directory(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Exit 0 whatever became of the execution."""
        engine, execution, document, source = workflow_of(parsed_args)
        seen = engine.look(execution, retried(document))
        directory = keep(document, source, seen, engine.url, parsed_args)
        say(f"{execution} is {seen.state} in Mistral: `{directory.command('execution show')}` tells more")
        return ExitCode.OK


class Schedule(EmbankCommand):
    """`embank schedule`: has Mistral start a protect workflow again and again."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("file", metavar="FILE", help="the workflow file")
        parser.add_argument("--cron", metavar="PATTERN", required=True, help="when, such as '0 3 * * *'")
        parser.add_argument("--name", metavar="NAME", help="the cron trigger's name (default: the workflow's)")
        parser.add_argument("--count", metavar="N", type=int, help="how many times (default: until it is deleted)")
        add_engine_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """A workflow that works on one checkpoint cannot be scheduled."""
        document, source = _checked(parsed_args.file)
        if document.run["operation"] != "protect":
            raise UsageError(f"{document.file} is to {document.run['operation']} one checkpoint: only protect recurs")
        engine = engine_of(parsed_args)
        namespace = put(engine, document, source)
        name = parsed_args.name or document.main
        first = engine.schedule(name, document.main, namespace, parsed_args.cron, parsed_args.count)
        sys.stdout.write(f"{plain(name)}: next at {plain(first)} UTC, as {parsed_args.cron!r} says\n")
        return ExitCode.OK


def _checked(file: str) -> tuple[Document, bytes]:
    """A workflow file that Mistral will take. Raises Reported, InputUnreadable, UsageError."""
    from embank.review.engines import rules_for

    return read_file(file, rules_for(ENGINE))


def put(engine: Mistral, document: Document, source: bytes) -> str:
    """Put a workflow file into the engine: its namespace there. Raises EngineError."""
    from embank.mistral.api.client import namespace_of

    namespace = namespace_of(document.sha256)
    engine.upload(source, namespace, document.main)
    return namespace


def watched(engine: Mistral, document: Document, source: bytes, execution: str, arguments: argparse.Namespace) -> int:
    """Watch to the end, keep what was seen, tell the summary: the exit code of the execution."""
    from embank.journal.directory import state_directory
    from embank.reporting.command_lines import command_line

    summary = follow(engine, document, source, execution, arguments)
    if summary is None:
        state = state_directory(arguments.state_dir).path
        say("not watched any more; the execution goes on in Mistral.")
        say(f"watch it: {command_line('watch', execution, state)}")
        say(f"stop it:  {command_line('cancel', execution, state)}")
        return ExitCode.INTERRUPTED
    tell(summary, arguments)
    return summary.exit_code
