"""Executing a workflow file on this machine: what `run`, `resume` and the deletion of checkpoints share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from embank.cli.options import OS_CLOUD, add_state_directory, whole
from embank.cli.output.writing import mind_terminals
from embank.cli.report import need
from embank.cli.telling import confirm, events_to, progress, show, tell
from embank.errors import UsageError

if TYPE_CHECKING:
    from embank.clock import Clock
    from embank.document import Document
    from embank.inputs.provider.find import Provider
    from embank.inputs.workflow import Rule
    from embank.journal.directory import Record
    from embank.journal.heading import Heading
    from embank.reporting.events import Listener
    from embank.runner.local import Outcome, TakenUp


def add_execution_options(parser: argparse.ArgumentParser) -> None:
    """How a new execution is run, watched and kept."""
    parser.add_argument(
        "--parallel", metavar="N", type=whole(1), default=4, help="activities that work at once (default: 4)"
    )
    parser.add_argument("--fail-fast", action="store_true", help="start no other activities after one has failed")
    add_watching_options(parser)


def add_watching_options(parser: argparse.ArgumentParser) -> None:
    """How any execution is watched, stopped and kept."""
    parser.add_argument("--events", metavar="FILE", help="write what happens as JSON lines ('-': standard output)")
    parser.add_argument(
        "--grace",
        metavar="SECONDS",
        type=whole(0),
        default=30,
        help="how long an interrupted activity may take to come to an end (default: 30)",
    )
    add_state_directory(parser)


def run_document(
    document: Document,
    source: bytes,
    provider: Provider,
    arguments: argparse.Namespace,
    *,
    debug: bool,
    execution: str = "",
) -> int:
    """Execute a document, whose text is `source`, in a new execution that is kept. `execution`: its id, when somebody
    had to know it before.
    """
    from uuid import uuid4

    from embank.clock import SystemClock
    from embank.journal.directory import state_directory
    from embank.journal.heading import heading_of
    from embank.journal.kept import kept

    execution, clock = execution or str(uuid4()), SystemClock()
    heading = heading_of(
        document,
        provider,
        execution,
        providers=str(Path(provider.file).resolve().parent),
        parallel=arguments.parallel,
        fail_fast=arguments.fail_fast,
        cloud=os.environ.get(OS_CLOUD, ""),
    )
    with ExitStack() as stack:
        # What is refused leaves no execution behind, which somebody might resume.
        listeners = stack.enter_context(events_to(arguments.events))
        record = stack.enter_context(kept(state_directory(arguments.state_dir), heading, source, clock))
        outcome = execute(document, provider, heading, record, arguments, listeners, clock=clock, debug=debug)
    tell(outcome.summary, arguments)
    return outcome.exit_code


def execute(
    document: Document,
    provider: Provider,
    heading: Heading,
    record: Record,
    arguments: argparse.Namespace,
    listeners: Sequence[Listener],
    *,
    clock: Clock,
    debug: bool,
    taken_up: TakenUp | None = None,
) -> Outcome:
    """Run to the end, showing progress on stderr."""
    from embank.actions.actions import Actions
    from embank.runner import local
    from embank.runner.options import Options

    with ExitStack() as stack:
        shown = stack.enter_context(progress())
        actions = stack.enter_context(closing(Actions([provider], debug=show if debug else None)))
        options = Options(
            parallel=heading.parallel,
            fail_fast=heading.fail_fast,
            grace=arguments.grace,
            confirm=partial(confirm, shown) if sys.stdin.isatty() and sys.stderr.isatty() else None,
            keep_signals=True,
        )
        return local.execute(
            document,
            actions.perform,
            execution=heading.execution,
            options=options,
            listeners=[mind_terminals(), shown, *listeners],
            clock=clock,
            record=record,
            taken_up=taken_up,
        )


def read_file(file: str, rules: Sequence[Rule] = ()) -> tuple[Document, bytes]:
    """A workflow file and its text, checked by these rules, too. Raises Reported, InputUnreadable, UsageError."""
    import hashlib

    from embank.inputs.workflow import parse_workflow, read_workflow

    if file == "-":
        source = sys.stdin.buffer.read()
        return need(parse_workflow(source, file, rules)), source
    document = need(read_workflow(file, rules))
    source = Path(file).read_bytes()
    if hashlib.sha256(source).hexdigest() != document.sha256:
        raise UsageError(f"{file} was changed while it was read: run it again")
    return document, source
