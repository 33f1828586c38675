"""`embank cancel`: ending an execution, whoever executes it."""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING

from embank.cli.app import EmbankCommand
from embank.cli.engine import add_engine_options
from embank.cli.executing import add_watching_options
from embank.cli.options import add_directory
from embank.cli.output.overwriting import refuse_overwriting_by_events
from embank.cli.taking_up.carrying_out import Ended, find, take_up
from embank.errors import ExitCode, UsageError
from embank.plaintext import plain

if TYPE_CHECKING:
    from embank.journal.directory import ExecutionDirectory
    from embank.reporting.summary import Summary

LOOK_EVERY = 0.2  # s between two looks whether the runner has ended


class Cancel(EmbankCommand):
    """`embank cancel`: asks the runner to stop in order; without one it runs the closers itself."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("execution", metavar="EXECUTION", help="its id, or the beginning of it")
        parser.add_argument("--no-wait", action="store_true", help="do not wait until a runner at work has stopped")
        add_directory(parser)
        add_watching_options(parser)
        add_engine_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Exit 0 when nothing is left open, 5 otherwise."""
        from embank.cli.engine_cancel import cancel_in_engine, is_in_engine

        refuse_overwriting_by_events(parsed_args.events)
        if is_in_engine(parsed_args):
            return cancel_in_engine(parsed_args)
        from embank.journal.directory import ExecutionLocked
        from embank.journal.kept import NotBegun

        directory = find(parsed_args)
        while True:
            try:
                summary = take_up(directory, parsed_args, cancel=True, debug=self.app.options.debug)
                return _code_of(summary)
            except ExecutionLocked:
                code = _ask(directory, wait=not parsed_args.no_wait)
                if code is not None:
                    return code
            except (Ended, NotBegun) as error:
                sys.stderr.write(f"{plain(str(error))}\n")
                return ExitCode.OK


def _code_of(summary: Summary) -> int:
    """The exit code of `cancel`. That it failed is as asked; that it was stopped before all was closed is not
    (decision CLI-2).
    """
    if summary.state != "INTERRUPTED" and summary.exit_code is not ExitCode.FAILED_OPEN:
        return ExitCode.OK
    return summary.exit_code


def _ask(directory: ExecutionDirectory, *, wait: bool) -> int | None:
    """Ask the runner that is at work, and wait until it has stopped. None: it left off before it had."""
    from embank.clock import SystemClock
    from embank.journal.kept import read_kept
    from embank.reporting.summary_text import summary_text

    try:
        os.close(os.open(directory.cancel, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise UsageError(f"{directory.cancel} cannot be written: {error.strerror or error}") from error
    sys.stderr.write(f"asked the runner of {directory.id} to stop\n")
    if not wait:
        return ExitCode.OK
    sys.stderr.write("waiting until it has; Ctrl-C: wait no longer, it stops all the same\n")
    try:
        while directory.is_locked():
            time.sleep(LOOK_EVERY)
    except KeyboardInterrupt:
        command = plain(directory.command("execution show"))
        sys.stderr.write(f"not waiting any longer: `{command}` tells how it goes\n")
        return ExitCode.INTERRUPTED
    clock = SystemClock()
    found = read_kept(directory, clock, closing=True)
    if not found.finished:
        sys.stderr.write("its runner left off before it had stopped: what it has left open is closed here\n")
        return None
    summary = found.summary(clock)
    if summary.exit_code is ExitCode.OK:
        sys.stderr.write("it had succeeded before it could be stopped\n")
    sys.stdout.writelines(f"{line}\n" for line in summary_text(summary, directory.state))
    return _code_of(summary)
