"""What the commands for Mistral share: where it is, which workflow an execution runs, watching it, keeping it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from embank.cli.options import add_state_directory
from embank.cli.report import need
from embank.cli.telling import events_to
from embank.errors import UsageError
from embank.plaintext import plain

if TYPE_CHECKING:
    from embank.document import Document
    from embank.journal.directory import ExecutionDirectory
    from embank.mistral.api.client import Mistral
    from embank.mistral.api.seen import Seen
    from embank.reporting.summary import Summary

__all__ = ["add_engine_options", "add_state_directory", "engine_of", "follow", "keep", "workflow_of"]


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Where Mistral is, and how to log in."""
    parser.add_argument("--mistral-url", metavar="URL", help="where Mistral is, such as http://HOST:8989/v2")
    parser.add_argument("--os-cloud", metavar="CLOUD", help="an entry of clouds.yaml (default: the OS_* variables)")


def engine_of(arguments: argparse.Namespace, url: str = "") -> Mistral:
    """The engine that the options, the environment, or else `url` name. Raises UsageError, EngineError."""
    from embank.mistral.api.client import Mistral
    from embank.mistral.api.connection import connect

    return Mistral(connect(arguments.mistral_url, arguments.os_cloud, otherwise=url))


def workflow_of(arguments: argparse.Namespace) -> tuple[Mistral, str, Document, bytes]:
    """The engine, the whole id, and the workflow file of an execution: as it was kept here when it was submitted,
    else as the engine has it. Raises ExecutionMissing, UsageError, EngineError, Reported.
    """
    from embank.inputs.workflow import parse_workflow
    from embank.journal.directory import ExecutionMissing, state_directory
    from embank.journal.heading import read_heading

    try:
        directory = state_directory(arguments.state_dir).find(arguments.execution)
    except ExecutionMissing:
        if not is_whole(arguments.execution):
            raise
        engine = engine_of(arguments)
        source = engine.source(arguments.execution).encode()
        name = f"(the workflow of {arguments.execution} in Mistral)"
        return engine, arguments.execution, need(parse_workflow(source, name)), source
    heading = read_heading(directory.read().entries, str(directory.journal))
    if not heading.engine:
        raise UsageError(
            f"the execution {directory.id} was run here, not by Mistral: "
            f"`{directory.command('execution show')}` tells of it"
        )
    source = directory.workflow.read_bytes()
    document = need(parse_workflow(source, str(directory.workflow)))
    return engine_of(arguments, heading.engine_url), directory.id, document, source


def is_whole(execution: str) -> bool:
    """Whether this can be the whole id of an execution in Mistral."""
    from uuid import UUID

    try:
        return str(UUID(execution)) == execution
    except ValueError:
        return False


def keep(
    document: Document, source: bytes, seen: Seen, url: str, arguments: argparse.Namespace
) -> ExecutionDirectory:
    """Keep what was seen, in the place of what was kept before."""
    from embank.journal.directory import state_directory
    from embank.mistral.api.client import namespace_of
    from embank.mistral.importing import import_execution

    state, namespace = state_directory(arguments.state_dir), namespace_of(document.sha256)
    return import_execution(state, document, source, seen, url=url, namespace=namespace)


def follow(
    engine: Mistral, document: Document, source: bytes, execution: str, arguments: argparse.Namespace
) -> Summary | None:
    """Watch until the execution has ended, and keep it. None: a person does not want to watch any more."""
    from embank.clock import SystemClock
    from embank.journal.kept import read_kept
    from embank.mistral.watching import patiently, watch
    from embank.reporting.live import progress_on

    progress = progress_on(sys.stderr)
    try:
        with events_to(arguments.events) as listeners:
            watch(lambda: engine.look(execution), document, [progress, *listeners])
    except KeyboardInterrupt:
        return None
    finally:
        leave(progress)
    seen = patiently(lambda: engine.look(execution, retried(document)), say)
    directory = keep(document, source, seen, engine.url, arguments)
    clock = SystemClock()
    return read_kept(directory, clock).summary(clock)


def retried(document: Document) -> Callable[[str, str], bool]:
    """Of which tasks every attempt is worth asking for: those that may have had more than one."""

    def wants(workflow: str, task: str) -> bool:
        flow = document.workflows.get(workflow)
        spec = flow.tasks.get(task) if flow else None
        return spec is not None and spec.retry is not None

    return wants


def leave(progress: object) -> None:
    """Give the terminal back: the display of an execution that goes on elsewhere does not end by itself."""
    close = getattr(progress, "close", None)
    if close is not None:
        close()


def say(text: str) -> None:
    """A line for the person who watches."""
    sys.stderr.write(f"{plain(text)}\n")
