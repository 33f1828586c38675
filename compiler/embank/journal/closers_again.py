"""Running the closers of an execution again that has ended with something open, until they have succeeded.

The closers ask the checkpoint what is still open, so those that have run do nothing (decision RUN-5). In the
journal this is a part of its own, behind a line `closers`: a new conductor, on the cleanup workflow alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from embank.conductor.execution import Execution
from embank.conductor.states import SUCCEEDED
from embank.document import COMMANDS, Closer, Document, WorkflowSpec
from embank.errors import ExitCode
from embank.reporting.summary import Summary
from embank.task_parameters import CLEANUP


def closers_alone(document: Document) -> Document:
    """The document with a main workflow that begins with the closers. Raises ValueError when it has none."""
    main = document.workflows[document.main]
    for task in main.tasks.values():
        called = document.workflows.get(task.workflow)
        if called and any(each.action == CLEANUP for each in called.tasks.values()):
            tasks = {name: main.tasks[name] for name in _from(task.name, main)}
            return replace(document, workflows={**document.workflows, document.main: replace(main, tasks=tasks)})
    raise ValueError(f"{document.file} has no closers")


def _from(first: str, main: WorkflowSpec) -> list[str]:
    """A task of the main workflow and all that may follow it, such as the giving back of the lease."""
    found, stack = {first: None}, [first]
    while stack:
        task = main.tasks[stack.pop()]
        for name in task.on_success + task.on_error + task.on_complete:
            if name not in found and name not in COMMANDS:
                found[name] = None
                stack.append(name)
    return list(found)


def closed_in(execution: Execution) -> Iterator[tuple[str, str]]:
    """The resources, and their phases, whose closers in the cleanup have succeeded."""
    for row, spec in enumerate(execution.specs):
        if isinstance(spec.does, Closer) and execution.state.task[row] is SUCCEEDED:
            for resource in spec.resources:
                yield str(resource), spec.does.closes


def merged(first: Summary, again: Summary, closed: set[tuple[str, str]]) -> Summary:
    """What is to be said of an execution whose closers ran again: why it failed, and what is open now."""
    end = round((again.started - first.started).total_seconds() + again.seconds, 6)
    windows = tuple(
        replace(window, end=end) if window.end is None and (window.resource, window.phase) in closed else window
        for window in first.windows
    )
    is_open = any(window.end is None for window in windows)
    return replace(
        first,
        exit_code=ExitCode.FAILED_OPEN if is_open else ExitCode.FAILED,
        seconds=end,
        windows=windows,
        failures=(*(each for each in first.failures if not each.closer), *again.failures),
        warnings=(*first.warnings, *again.warnings),
    )
