"""What follows from all that an engine says of an execution together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from embank.document import Document, TaskSpec
from embank.engines.attempted import has_begun
from embank.engines.seen import CANCELLED, Seen, SeenTask
from embank.run.program import used_when_all_is_well


@dataclass(frozen=True, slots=True)
class Inside:
    """What is below a task that runs a workflow: when the engine last said anything of it; the states of the tasks of
    that workflow.
    """

    last: datetime
    states: frozenset[str]


def spec_at(document: Document, path: str) -> TaskSpec | None:
    """The task at a path of a document, if there is one."""
    flow, spec = document.workflows[document.main], None
    for depth, name in enumerate(path.split("/")):
        if depth and not (spec and spec.workflow):
            return None
        flow = document.workflows[spec.workflow] if spec else flow
        spec = flow.tasks.get(name)
    return spec


def called_for_by_success(document: Document) -> Callable[[str], bool]:
    """Says of a path whether its task runs when all is well: no failure calls for it."""
    names = {task.name for task in used_when_all_is_well(document.workflows[document.main])}
    return lambda path: path.partition("/")[0] in names


def insides(seen: Seen) -> dict[str, Inside]:
    """By the paths of tasks that run workflows."""
    last: dict[str, datetime] = {}
    states: dict[str, set[str]] = {}
    for path, task in seen.tasks.items():
        latest = max(_moments(task))
        above, _, _ = path.rpartition("/")
        states.setdefault(above, set()).add(task.state)
        while above:
            last[above] = max(latest, last.get(above, latest))
            above, _, _ = above.rpartition("/")
    return {path: Inside(last[path], frozenset(states.get(path, ()))) for path in last}


def _moments(task: SeenTask) -> Iterator[datetime]:
    yield task.started
    if task.ended:
        yield task.ended
    for attempt in task.attempts:
        yield attempt.started
        if attempt.ended:
            yield attempt.ended


def cancelled_at(seen: Seen) -> datetime | None:
    """When it was cancelled, if it was: the workflows in it were cancelled at the same time."""
    if seen.state != CANCELLED:
        return None
    ended = [task.ended for task in seen.tasks.values() if task.state == CANCELLED and task.ended]
    return min(ended, default=seen.ended or seen.started)


def begun_before_any_cancel(document: Document, seen: Seen) -> Iterator[str]:
    """The tasks with actions that have begun, and that are not called for by a failure."""
    well = called_for_by_success(document)
    for path, task in seen.tasks.items():
        spec = spec_at(document, path)
        acts = spec is not None and spec.action and not spec.action.startswith("std.")
        if acts and has_begun(task) and well(path):
            yield path
