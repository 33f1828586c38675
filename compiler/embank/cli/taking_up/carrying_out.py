"""Taking up an execution whose runner left off: all of it, or only what closes it, as `runner.resume` decides."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from embank.cli.executing import execute
from embank.cli.taking_up.prospects import say_prospects
from embank.cli.taking_up.staleness import same_provider
from embank.cli.telling import events_to, tell
from embank.errors import UsageError

if TYPE_CHECKING:
    from embank.clock import SystemClock
    from embank.inputs.provider.find import Provider
    from embank.journal.directory import ExecutionDirectory
    from embank.journal.kept import KeptExecution
    from embank.reporting.summary import Summary
    from embank.runner.resume import Decision


class Ended(UsageError):
    """There is nothing to be done any more."""


def take_up(directory: ExecutionDirectory, arguments: argparse.Namespace, *, cancel: bool, debug: bool) -> Summary:
    """Do what is left of an execution, or only what closes it. Raises EmbankError, before anything is done; Ended
    when nothing is left.
    """
    from embank.actions.failed_checkpoint import says_it_failed
    from embank.clock import SystemClock
    from embank.journal.kept import read_kept
    from embank.runner import resume

    clock = SystemClock()
    with directory.locked():
        found = read_kept(directory, clock, closing=cancel)
        clock.not_before(found.replayed.end)
        situation = resume.situation_of(found, clock, cancel_asked=directory.cancel.exists())
        decision = resume.decide(situation, cancel=cancel)
        if isinstance(decision, resume.NothingToDo):
            raise Ended(
                f"the execution {directory.id} has ended ({found.left_off}), and nothing of it is open: "
                f"`{directory.command('execution show')}` tells how it went"
            )
        if isinstance(decision, resume.CompleteJournal):
            return _complete(found, arguments, clock)
        _say_why(decision)
        provider = same_provider(found, arguments, may_have_changed=not isinstance(decision, resume.GoOn))
        if isinstance(decision, resume.RunClosersAgain):
            return _close_again(found, provider, arguments, clock, debug=debug)
        if isinstance(decision, resume.GoOn) and says_it_failed(found.replayed.conductor, provider):
            decision = resume.decide(replace(situation, checkpoint_failed=True), cancel=cancel)
            _say_why(decision)
        by = decision.by if isinstance(decision, resume.Cancel) else ""
        return _go_on(found, provider, arguments, clock, cancel_by=by, debug=debug)


def _say_why(decision: Decision) -> None:
    from embank.runner.resume import Cancel

    if isinstance(decision, Cancel) and decision.why:
        sys.stderr.write(f"{decision.why}\n")


def find(arguments: argparse.Namespace) -> ExecutionDirectory:
    """The execution that is named. Raises ExecutionMissing."""
    from embank.journal.directory import state_directory

    return state_directory(arguments.state_dir).find(arguments.execution)


def _complete(found: KeptExecution, arguments: argparse.Namespace, clock: SystemClock) -> Summary:
    """Write the last line of a journal."""
    sys.stderr.write("all of it was done when its runner left off: its journal is completed\n")
    summary = found.summary(clock)
    found.complete(summary, clock)
    tell(summary, arguments)
    return summary


def _close_again(
    found: KeptExecution, provider: Provider, arguments: argparse.Namespace, clock: SystemClock, *, debug: bool
) -> Summary:
    """Run the closers of an execution that has ended with something open."""
    from embank.journal.closers_again import closed_in, closers_alone, merged
    from embank.journal.entries import CLOSERS

    first = found.summary(clock)
    sys.stderr.write("the execution has ended with something open: its closers run again\n")
    document = closers_alone(found.document)
    with events_to(arguments.events) as listeners, found.opened(clock) as record:
        record.journal.append(clock.now().isoformat(timespec="microseconds"), CLOSERS, {})
        outcome = execute(document, provider, found.heading, record, arguments, listeners, clock=clock, debug=debug)
    again = merged(first, outcome.summary, set(closed_in(outcome.execution)))
    tell(again, arguments)
    return again


def _go_on(
    found: KeptExecution,
    provider: Provider,
    arguments: argparse.Namespace,
    clock: SystemClock,
    *,
    cancel_by: str,
    debug: bool,
) -> Summary:
    """Run what is left; what is cancelled, only as far as closers."""
    from embank.runner.local import TakenUp

    say_prospects(found, clock, cancel_by)
    with events_to(arguments.events) as listeners, found.opened(clock) as record:
        outcome = execute(
            found.document,
            provider,
            found.heading,
            record,
            arguments,
            listeners,
            clock=clock,
            debug=debug,
            taken_up=TakenUp(found.replayed, cancel_by),
        )
    summary = found.also_before(outcome.summary, outcome.execution, clock)
    tell(summary, arguments)
    return summary
