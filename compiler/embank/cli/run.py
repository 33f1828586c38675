"""`embank run`: execute a workflow file on this machine."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from embank.cli.app import EmbankCommand
from embank.cli.options import OS_CLOUD, add_cloud, add_directory, add_state_directory, whole
from embank.cli.output import give_up_output, mind_terminals
from embank.cli.overwriting import refuse_overwriting_by_events
from embank.cli.report import need
from embank.errors import UsageError
from embank.plaintext import plain

if TYPE_CHECKING:
    from embank.clock import Clock
    from embank.document import Document
    from embank.inputs.provider.find import Provider
    from embank.inputs.workflow import Rule
    from embank.journal.directory import Record
    from embank.journal.heading import Heading
    from embank.reporting.detached import Detached
    from embank.reporting.events import Listener
    from embank.reporting.summary import Summary
    from embank.runner.local import Outcome, TakenUp

YES = ("y", "yes")
STALLED = 2.0  # s after which a terminal that takes no output is not waited for
_QUESTION = threading.Lock()  # one at a time: an answer belongs to the question that was asked last


class Run(EmbankCommand):
    """`embank run`."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options."""
        parser = super().get_parser(prog_name)
        parser.add_argument("file", metavar="FILE", help="the workflow file ('-': standard input)")
        add_directory(parser)
        add_cloud(parser)
        add_execution_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Read it, find its provider, run it."""
        from embank.inputs.provider.find import find_provider, load_providers

        refuse_overwriting_by_events(parsed_args.events, parsed_args.file)
        document, source = read_file(parsed_args.file)
        files = need(load_providers(parsed_args.provider_config_dir))
        place = document.workflows[document.main].place
        provider = need(find_provider(files, document.run["provider"], place))
        return run_document(document, source, provider, parsed_args, debug=self.app.options.debug)


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
    with kept(state_directory(arguments.state_dir), heading, source, clock) as record:
        outcome = execute(document, provider, heading, record, arguments, clock=clock, debug=debug)
    tell(outcome.summary, arguments)
    return outcome.exit_code


def execute(
    document: Document,
    provider: Provider,
    heading: Heading,
    record: Record,
    arguments: argparse.Namespace,
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
        listeners = stack.enter_context(events_to(arguments.events))
        progress = stack.enter_context(_progress())
        actions = stack.enter_context(closing(Actions([provider], debug=_show if debug else None)))
        options = Options(
            parallel=heading.parallel,
            fail_fast=heading.fail_fast,
            grace=arguments.grace,
            confirm=partial(_confirm, progress) if sys.stdin.isatty() and sys.stderr.isatty() else None,
            keep_signals=True,
        )
        return local.execute(
            document,
            actions.perform,
            execution=heading.execution,
            options=options,
            listeners=[mind_terminals(), progress, *listeners],
            clock=clock,
            record=record,
            taken_up=taken_up,
        )


@contextmanager
def _progress() -> Iterator[Detached]:
    """What shows it on stderr."""
    from embank.reporting.detached import Detached
    from embank.reporting.live import progress_on

    streams = sys.stdout, sys.stderr
    progress = Detached(progress_on(sys.stderr))
    try:
        yield progress
    finally:
        progress.close(STALLED)
        sys.stdout, sys.stderr = streams  # rich takes them, and cannot give them back on a terminal that stalls


def tell(summary: Summary, arguments: argparse.Namespace) -> None:
    """Print a summary on stdout; on stderr when stdout is taken, because the events go there."""
    from embank.journal.directory import state_directory
    from embank.reporting.summary_text import summary_text

    state = state_directory(arguments.state_dir).path
    out = sys.stderr if arguments.events == "-" else sys.stdout
    try:
        out.writelines(f"{line}\n" for line in summary_text(summary, state))
        sys.stdout.flush()
    except OSError as error:  # what was done is done, whether or not anybody can read about it
        give_up_output(error)


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


@contextmanager
def events_to(target: str | None) -> Iterator[Sequence[Listener]]:
    """The listener that `--events` asks for. Raises UsageError when the file cannot be written. Events that are lost
    later (a full disk) change nothing about the execution.
    """
    from embank.reporting.detached import Detached
    from embank.reporting.events import EventWriter

    if target is None:
        yield ()
    elif target == "-":
        writer = Detached(EventWriter(sys.stdout))
        try:
            yield (writer,)
        finally:
            writer.close()
    else:
        try:
            stream = Path(target).open("w", encoding="utf-8")  # noqa: SIM115  # closed below
        except OSError as error:
            raise UsageError(f"cannot write {target}: {error.strerror or error}") from error
        writer = Detached(EventWriter(stream))
        try:
            yield (writer,)
        finally:
            writer.close()
            try:
                stream.close()
            except OSError as error:
                sys.stderr.write(f"embank: {target} is not complete: {error.strerror or error}\n")


def _show(text: str) -> None:
    sys.stderr.write(text)


def _confirm(progress: Detached, task: str) -> bool:
    """Ask. Read without a buffer: Python cannot exit while a thread waits in one."""
    with _QUESTION:
        progress.catch_up(STALLED)  # the live display has to be out of the way
        sys.stderr.write(f"{plain(task)} waits (pause-before). Start it? [y/N] ")
        sys.stderr.flush()
        return os.read(sys.stdin.fileno(), 1024).decode(errors="replace").strip().lower() in YES
