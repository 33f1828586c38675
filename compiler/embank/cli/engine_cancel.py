"""Cancelling an execution in Mistral, and closing what it has left open: Mistral itself runs no closers then."""

from __future__ import annotations

import argparse
import time
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from embank.cli.engine import is_whole, keep, retried, say, workflow_of
from embank.cli.telling import tell
from embank.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from embank.document import Document
    from embank.mistral.api.client import Mistral
    from embank.mistral.api.seen import Seen

LOOK_EVERY = 1.0  # s


def is_in_engine(arguments: argparse.Namespace) -> bool:
    """Whether Mistral executes it: as is known here, or because the options say where Mistral is."""
    from embank.journal.directory import ExecutionMissing, state_directory
    from embank.journal.standing import glance

    try:
        directory = state_directory(arguments.state_dir).find(arguments.execution)
    except ExecutionMissing:
        return bool(arguments.mistral_url or arguments.os_cloud) and is_whole(arguments.execution)
    return bool(glance(directory).engine)


def cancel_in_engine(arguments: argparse.Namespace) -> int:
    """Stop it, wait for what runs, run the closers in an execution of their own. Exit 0 when nothing is open."""
    from embank.clock import SystemClock
    from embank.journal.kept import read_kept
    from embank.mistral.api.seen import CANCELLED
    from embank.mistral.watching import patiently

    engine, execution, document, source = workflow_of(arguments)
    seen = patiently(lambda: engine.look(execution, retried(document)), say)
    if seen.ended is None:
        patiently(lambda: engine.cancel(execution), say)
        say(f"cancelled in Mistral: {execution}")
    elif seen.state != CANCELLED and not _is_open(document, source, seen, engine, arguments):
        raise UsageError(f"the execution {execution} has ended ({seen.state}), and nothing of it is open")
    _wait_for_actions(engine, execution, arguments.grace)
    closed = _close(engine, document, execution)
    summary = read_kept(keep(document, source, closed, engine.url, arguments), SystemClock()).summary(SystemClock())
    tell(summary, arguments)
    return ExitCode.OK if summary.exit_code in (ExitCode.INTERRUPTED, ExitCode.FAILED) else summary.exit_code


def _is_open(document: Document, source: bytes, seen: Seen, engine: Mistral, arguments: argparse.Namespace) -> bool:
    """Whether it has ended with a closer that failed."""
    from embank.clock import SystemClock
    from embank.journal.kept import read_kept

    found = read_kept(keep(document, source, seen, engine.url, arguments), SystemClock())
    return found.summary(SystemClock()).exit_code is ExitCode.FAILED_OPEN


def _wait_for_actions(engine: Mistral, execution: str, grace: float) -> None:
    """Mistral does not interrupt actions: what freezes now must not freeze after it was thawed."""
    from embank.mistral.watching import patiently

    until = time.monotonic() + grace
    while running := patiently(lambda: engine.acting(execution), say):
        if time.monotonic() >= until:
            say(f"still running after {grace:g} s: {', '.join(running[:5])}; the closers run all the same")
            return
        time.sleep(LOOK_EVERY)


def _close(engine: Mistral, document: Document, execution: str) -> Seen:
    from embank.mistral.closing import closing_workflow, with_closers
    from embank.mistral.watching import patiently

    name, text = closing_workflow(document, execution)
    namespace = engine.namespace(execution)
    engine.upload(text.encode(), namespace, name)
    closing = str(uuid4())
    engine.start(closing, name, namespace, f"Embank, closers of {execution}")
    say(f"its closers run in the execution {closing}")
    while patiently(lambda: engine.look(closing), say).ended is None:
        time.sleep(LOOK_EVERY)
    seen = [patiently(partial(engine.look, each, retried(document)), say) for each in (execution, closing)]
    return with_closers(*seen)
