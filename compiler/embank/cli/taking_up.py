"""Taking up an execution whose runner left off: all of it, or only what closes it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from embank.cli.options import OS_CLOUD
from embank.cli.report import need
from embank.cli.run import execute, tell
from embank.errors import EmbankError, ExitCode, UsageError
from embank.plaintext import plain

if TYPE_CHECKING:
    from embank.clock import SystemClock
    from embank.inputs.provider.find import Provider
    from embank.journal.directory import ExecutionDirectory
    from embank.journal.heading import Heading
    from embank.journal.kept import KeptExecution
    from embank.reporting.summary import Summary

SHOWN = 40  # tasks of each kind that are listed


class Stale(EmbankError):
    """Something is not as it was when the execution began."""

    exit_code = ExitCode.STALE


class Ended(UsageError):
    """There is nothing to be done any more."""


def take_up(directory: ExecutionDirectory, arguments: argparse.Namespace, cancel_by: str, *, debug: bool) -> Summary:
    """Run what is left of an execution, or only what closes it. Raises EmbankError, before anything is done."""
    from embank.actions.given_up import is_given_up
    from embank.clock import SystemClock
    from embank.conductor.resuming import CHECKPOINT_FAILED
    from embank.journal.kept import read_kept
    from embank.runner.interruptions import CANCEL
    from embank.runner.local import TakenUp

    clock = SystemClock()
    with directory.locked():
        found = read_kept(directory, clock, closing=bool(cancel_by))
        clock.not_before(found.replayed.end)
        if found.finished:
            return _end_again(found, arguments, clock, debug=debug)
        only_closers = found.replayed.before is not None  # of an execution that had ended: nothing is there to cancel
        if only_closers:
            cancel_by = ""
        elif directory.cancel.exists() and not cancel_by and not found.replayed.interrupted_by:
            sys.stderr.write("somebody asked to cancel it before its runner left off: it is cancelled\n")
            cancel_by = CANCEL
        provider = _provider(found, arguments, cancelling=bool(cancel_by) or only_closers)
        if not cancel_by and not only_closers and is_given_up(found.replayed.conductor, provider):
            sys.stderr.write(
                "its checkpoint says that it has failed: the journal could not be written to the end. Nothing is "
                "repeated; what is still open is closed\n"
            )
            cancel_by = CHECKPOINT_FAILED
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


def find(arguments: argparse.Namespace) -> ExecutionDirectory:
    """The execution that is named. Raises ExecutionMissing."""
    from embank.journal.directory import state_directory

    return state_directory(arguments.state_dir).find(arguments.execution)


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
            f"`{found.directory.command('execution show')}` tells how it went"
        )
    sys.stderr.write("all of it was done when its runner left off: its journal is completed\n")
    found.complete(first, clock)
    tell(first, arguments)
    return first


def _close_again(
    found: KeptExecution, first: Summary, arguments: argparse.Namespace, clock: SystemClock, *, debug: bool
) -> Summary:
    """Run the closers of an execution that has ended with something open."""
    from embank.journal.closers_again import closed_in, closers_alone, merged
    from embank.journal.entries import CLOSERS

    provider = _provider(found, arguments, cancelling=True)
    sys.stderr.write("the execution has ended with something open: its closers run again\n")
    document = closers_alone(found.document)
    with found.opened(clock) as record:
        record.journal.append(clock.now().isoformat(timespec="microseconds"), CLOSERS, {})
        outcome = execute(document, provider, found.heading, record, arguments, clock=clock, debug=debug)
    again = merged(first, outcome.summary, set(closed_in(outcome.execution)))
    tell(again, arguments)
    return again


def _provider(found: KeptExecution, arguments: argparse.Namespace, *, cancelling: bool) -> Provider:
    """The provider that the execution began with. Raises Stale when it has changed: closers run all the same
    (decision RUN-2).
    """
    from embank.inputs.provider.find import find_provider, load_providers

    heading = found.heading
    if heading.cloud:  # what was begun in a cloud goes on there, unless somebody says otherwise
        os.environ.setdefault(OS_CLOUD, heading.cloud)
    files = need(load_providers(arguments.provider_config_dir or heading.providers))
    provider = need(find_provider(files, heading.provider))
    changes = list(_changes(heading, found, provider))
    if changes and not (cancelling or arguments.allow_stale):
        raise Stale(
            f"the execution {found.directory.id} cannot simply go on: {'; '.join(changes)}. Make it as it was, go on "
            f"with --allow-stale, or close and end it with `{found.directory.command('cancel')}`"
        )
    for change in changes:
        sys.stderr.write(f"warning: {plain(change)}\n")
    return provider


def _changes(heading: Heading, found: KeptExecution, provider: Provider) -> Iterator[str]:
    from embank.journal.heading import heading_of
    from embank.journal.kept import source_changed

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
        cloud=os.environ.get(OS_CLOUD, ""),
    )
    yield from heading.changes(now)


def _say_what_becomes_of(found: KeptExecution, clock: SystemClock, cancel_by: str) -> None:
    """Every task, and why it is kept, repeated, given up or still to come; of many the first ones."""
    from embank.conductor.resuming import prospects

    if found.contents.damage:
        sys.stderr.write(
            f"{plain(found.contents.damage)}. What was done after that is not known: the closers ask the checkpoint, "
            "and close what it says is open\n"
        )
        return
    if found.contents.torn:
        sys.stderr.write("the last line of the journal was torn off, and is dropped: it was not acted upon\n")
    left = found.replayed.left(clock.monotonic()).cancelled(cancel_by)
    shown: dict[str, int] = {}
    for task, verdict, why in prospects(found.replayed.conductor.execution, left):
        shown[verdict] = shown.get(verdict, 0) + 1
        if shown[verdict] <= SHOWN or verdict == "repeated":
            sys.stderr.write(f"  {verdict:<9} {plain(task)}: {plain(why)}\n")
    for verdict, count in shown.items():
        if count > SHOWN and verdict != "repeated":
            sys.stderr.write(f"  {verdict:<9} … and {count - SHOWN} more\n")
    _warn_of_what_is_open(found, clock, cancel_by)


def _warn_of_what_is_open(found: KeptExecution, clock: SystemClock, cancel_by: str) -> None:
    """Who thawed by hand what the execution had frozen must not get a backup that looks like one of one moment."""
    if cancel_by or found.replayed.interrupted_by:
        return
    windows = found.summary(clock).open
    for window in windows[:SHOWN]:
        since = (found.replayed.started + timedelta(seconds=window.start)).astimezone()
        sys.stderr.write(f"  open      {plain(window.resource)}: {window.phase} was started at {since:%H:%M:%S}\n")
    if windows:
        sys.stderr.write(
            "If somebody has closed any of that by hand since then (has thawed it, say), press Ctrl-C: what is\n"
            "saved now would not be of the same moment as what was saved before.\n"
        )
