"""Which tasks must have succeeded when an execution has: an engine may say SUCCESS without having run them all."""

from __future__ import annotations

from collections.abc import Iterator

from embank.conductor.program import used_when_all_is_well
from embank.document import Document
from embank.mistral.seen import SUCCESS, Seen


def expected_paths(document: Document) -> Iterator[str]:
    """The path of every task that must be SUCCESS when the main workflow ends in SUCCESS, in file order."""
    used = {name: used_when_all_is_well(flow) for name, flow in document.workflows.items()}
    stack = [("", iter(used[document.main]))]
    while stack:
        above, tasks = stack[-1]
        task = next(tasks, None)
        if task is None:
            stack.pop()
            continue
        yield above + task.name
        if task.workflow:
            stack.append((f"{above}{task.name}/", iter(used[task.workflow])))


def missing(document: Document, seen: Seen) -> tuple[str, ...]:
    """The expected tasks that have not succeeded."""
    return tuple(path for path in expected_paths(document) if not _succeeded(seen, path))


def _succeeded(seen: Seen, path: str) -> bool:
    return path in seen.tasks and seen.tasks[path].state == SUCCESS
