"""`embank resume|cancel`: taking up an execution whose runner left off, and ending one."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from embank.cli.app import EmbankCommand
from embank.cli.engine import add_engine_options
from embank.cli.options import add_directory
from embank.cli.report import need
from embank.cli.run import add_watching_options, execute, tell
from embank.errors import EmbankError, ExitCode, UsageError
from embank.plaintext import plain

if TYPE_CHECKING:
    from embank.inputs.provider import Provider
    from embank.run.clock import SystemClock
    from embank.run.executions import ExecutionDirectory
    from embank.run.heading import Heading
    from embank.run.kept import KeptExecution
    from embank.run.summary import Summary

SHOWN = 40  # tasks of each kind that are listed
LOOK_EVERY = 0.2  # s between two looks whether the runner has ended


class Stale(EmbankError):
    """Something is not as it was when the execution began."""

    exit_code = ExitCode.STALE


class Ended(UsageError):
    """There is nothing to be done any more."""


class Resume(EmbankCommand):
    """`embank resume`: goes on where the runner left off."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("execution", metavar="EXECUTION", help="its id, or the beginning of it")
        parser.add_argument(
            "--allow-stale", action="store_true", help="go on although the provider or a plugin has changed"
        )
        add_directory(parser)
        add_watching_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """The exit code is that of the execution."""
        directory = _find(parsed_args)
        _refuse_imported(directory)
        return take_up(directory, parsed_args, "", debug=self.app.options.debug).exit_code


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

        if is_in_engine(parsed_args):
            return cancel_in_engine(parsed_args)
        from embank.run.executions import ExecutionLocked
        from embank.run.interruptions import CANCEL
        from embank.run.kept import NotBegun

        directory = _find(parsed_args)
        while True:
            try:
                summary = take_up(directory, parsed_args, CANCEL, debug=self.app.options.debug)
                return _code_of(summary)
            except ExecutionLocked:
                code = _ask(directory, wait=not parsed_args.no_wait)
                if code is not None:
                    return code
            except (Ended, NotBegun) as error:
                sys.stderr.write(f"{plain(str(error))}\n")
                return ExitCode.OK


def take_up(directory: ExecutionDirectory, arguments: argparse.Namespace, cancel_by: str, *, debug: bool) -> Summary:
    """Run what is left of an execution, or only what closes it. Raises EmbankError, before anything is done."""
    from embank.run.clock import SystemClock
    from embank.run.entries import GIVEN_UP
    from embank.run.given_up import is_given_up
    from embank.run.interruptions import CANCEL
    from embank.run.kept import read_kept
    from embank.run.local import TakenUp

    clock = SystemClock()
    with directory.locked():
        found = read_kept(directory, clock, closing=bool(cancel_by))
        clock.not_before(found.replayed.end)
        if found.finished:
            return _end_again(found, arguments, clock, debug=debug)
        if directory.cancel.exists() and not cancel_by and not found.replayed.interrupted_by:
            sys.stderr.write("somebody asked to cancel it before its runner left off: it is cancelled\n")
            cancel_by = CANCEL
        provider = _provider(found, arguments, cancelling=bool(cancel_by))
        if not cancel_by and is_given_up(found.replayed.conductor, provider):
            sys.stderr.write(
                "its checkpoint says that it has failed: the journal could not be written to the end. Nothing is "
                "repeated; what is still open is closed\n"
            )
            cancel_by = GIVEN_UP
        _say_what_becomes_of(found, clock, cancel_by)
        with found.opened(clock) as record:
            outcome = execute(
                found.document,
                provider,
                found.heading,
                record,
                arguments,
                clock=clock,
                debug=debug,
                taken_up=TakenUp(found.replayed, cancel_by),
            )
    summary = found.also_before(outcome.summary, outcome.execution, clock)
    tell(summary, arguments)
    return summary


def _end_again(found: KeptExecution, arguments: argparse.Namespace, clock: SystemClock, *, debug: bool) -> Summary:
    """Do what is left of an execution that has ended: closers that did not succeed, the last line of the journal.

    Raises Ended when nothing is left.
    """
    first = found.summary(clock)
    if first.exit_code == ExitCode.FAILED_OPEN:
        return _close_again(found, first, arguments, clock, debug=debug)
    if found.says_so:
        raise Ended(
            f"the execution {found.directory.id} has ended ({found.left_off}), and nothing of it is open: "
            "`embank execution show` tells how it went"
        )
    sys.stderr.write("all of it was done when its runner left off: its journal is completed\n")
    found.complete(first, clock)
    tell(first, arguments)
    return first


def _close_again(
    found: KeptExecution, first: Summary, arguments: argparse.Namespace, clock: SystemClock, *, debug: bool
) -> Summary:
    """Run the closers of an execution that has ended with something open."""
    from embank.run.closers_again import closed_in, closers_alone, merged
    from embank.run.entries import CLOSERS

    provider = _provider(found, arguments, cancelling=True)
    sys.stderr.write("the execution has ended with something open: its closers run again\n")
    document = closers_alone(found.document)
    with found.opened(clock) as record:
        record.journal.append(clock.now().isoformat(timespec="microseconds"), CLOSERS, {})
        outcome = execute(document, provider, found.heading, record, arguments, clock=clock, debug=debug)
    again = merged(first, outcome.summary, set(closed_in(outcome.execution)))
    tell(again, arguments)
    return again


def _find(arguments: argparse.Namespace) -> ExecutionDirectory:
    from embank.run.executions import state_directory

    return state_directory(arguments.state_dir).find(arguments.execution)


def _refuse_imported(directory: ExecutionDirectory) -> None:
    """What an engine executes is not taken up here as well."""
    from embank.engines.importing import imported

    if heading := imported(directory):
        raise UsageError(
            f"the execution {directory.id} is not this machine's: Mistral executes it ({heading.engine_url}). "
            f"`embank watch {directory.id}` shows how it goes on; a task that failed is run again there, with "
            f"`mistral task-rerun TASK_ID`; `embank cancel {directory.id}` ends it and runs its closers"
        )


def _provider(found: KeptExecution, arguments: argparse.Namespace, *, cancelling: bool) -> Provider:
    """The provider that the execution began with. Raises Stale when it has changed: closers run all the same."""
    from embank.inputs.provider import find_provider, load_providers

    heading = found.heading
    files = need(load_providers(arguments.provider_config_dir or heading.providers))
    provider = need(find_provider(files, heading.provider))
    changes = list(_changes(heading, found, provider))
    if changes and not (cancelling or arguments.allow_stale):
        raise Stale(
            f"the execution {found.directory.id} cannot simply go on: {'; '.join(changes)}. Make it as it was, go on "
            f"with --allow-stale, or close and end it with `embank cancel {found.directory.id}`"
        )
    for change in changes:
        sys.stderr.write(f"warning: {plain(change)}\n")
    return provider


def _changes(heading: Heading, found: KeptExecution, provider: Provider) -> Iterator[str]:
    from embank.run.heading import heading_of
    from embank.run.kept import source_changed

    if source_changed(heading):
        sys.stderr.write(
            f"{plain(heading.file)} has changed since; the execution goes on with what it began with "
            f"({plain(str(found.directory.workflow))})\n"
        )
    now = heading_of(
        found.document,
        provider,
        heading.execution,
        providers=heading.providers,
        parallel=heading.parallel,
        fail_fast=heading.fail_fast,
    )
    yield from heading.changes(now)


def _say_what_becomes_of(found: KeptExecution, clock: SystemClock, cancel_by: str) -> None:
    """Every task, and why it is kept, repeated, given up or still to come; of many the first ones."""
    from embank.run.resuming import standings

    if found.contents.damage:
        sys.stderr.write(f"{plain(found.contents.damage)}; what the checkpoint says is open will be closed\n")
    elif found.contents.torn:
        sys.stderr.write("the last line of the journal was torn off, and is dropped\n")
    left = found.replayed.left(clock.monotonic()).cancelled(cancel_by)
    shown: dict[str, int] = {}
    for task, verdict, why in standings(found.replayed.conductor.execution, left):
        shown[verdict] = shown.get(verdict, 0) + 1
        if shown[verdict] <= SHOWN or verdict == "repeated":
            sys.stderr.write(f"  {verdict:<9} {plain(task)}: {plain(why)}\n")
    _warn_of_what_is_open(found, clock, cancel_by)
    for verdict, count in shown.items():
        if count > SHOWN and verdict != "repeated":
            sys.stderr.write(f"  {verdict:<9} … and {count - SHOWN} more\n")


def _warn_of_what_is_open(found: KeptExecution, clock: SystemClock, cancel_by: str) -> None:
    """Who thawed by hand what the execution had frozen must not get a backup that looks like one of one moment."""
    if cancel_by or found.replayed.interrupted_by:
        return
    for window in found.summary(clock).open[:SHOWN]:
        since = (found.replayed.started + timedelta(seconds=window.start)).astimezone()
        sys.stderr.write(
            f"  open      {plain(window.resource)}: {window.phase} was started at {since:%H:%M:%S}. If somebody\n"
            "            has closed it by hand since then, stop this (Ctrl-C): what is saved now would not be\n"
            "            of the same moment as what was saved before\n"
        )


def _code_of(summary: Summary) -> int:
    """The exit code of `cancel`. That it failed is as asked; that it was stopped before all was closed is not."""
    if summary.state != "INTERRUPTED" and summary.exit_code is not ExitCode.FAILED_OPEN:
        return ExitCode.OK
    return summary.exit_code


def _ask(directory: ExecutionDirectory, *, wait: bool) -> int | None:
    """Ask the runner that is at work, and wait until it has stopped. None: it left off before it had."""
    from embank.run.clock import SystemClock
    from embank.run.kept import read_kept
    from embank.run.summary_text import summary_text

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
        sys.stderr.write(f"not waiting any longer: `embank execution show {directory.id}` tells how it goes\n")
        return ExitCode.INTERRUPTED
    clock = SystemClock()
    found = read_kept(directory, clock, closing=True)
    if not found.finished:
        sys.stderr.write("its runner left off before it had stopped: what it has left open is closed here\n")
        return None
    summary = found.summary(clock)
    if summary.exit_code is ExitCode.OK:
        sys.stderr.write("it had succeeded before it could be stopped\n")
    sys.stdout.writelines(f"{line}\n" for line in summary_text(summary))
    return _code_of(summary)
