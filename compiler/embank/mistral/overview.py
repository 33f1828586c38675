"""What follows from all that an engine says of an execution together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from embank.conductor.conductor import INTERNAL
from embank.conductor.program import used_when_all_is_well
from embank.document import Document, TaskSpec
from embank.mistral.api.seen import CANCELLED, SUCCESS, Seen
from embank.mistral.attempted import attempted, has_begun


@dataclass(frozen=True, slots=True)
class Inside:
    """What is below a task that runs a workflow: when the last action there was heard of; the states of the tasks
    of that workflow.
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


def insides(document: Document, seen: Seen) -> dict[str, Inside]:
    """By the paths of tasks that run workflows."""
    last: dict[str, datetime] = {}
    states: dict[str, set[str]] = {}
    for path, task in seen.tasks.items():
        above, _, _ = path.rpartition("/")
        states.setdefault(above, set()).add(task.state)
        spec = spec_at(document, path)
        if spec and acts(spec) and (made := attempted(task, spec)):
            latest = made[-1].ended or made[-1].started
            while above:
                last[above] = max(latest, last.get(above, latest))
                above, _, _ = above.rpartition("/")
    return {path: Inside(last[path], frozenset(states.get(path, ()))) for path in last}


def acts(spec: TaskSpec) -> bool:
    """Whether a task has an action that a worker does."""
    return bool(spec.action) and spec.action not in INTERNAL


def cancelled_at(seen: Seen) -> datetime | None:
    """When it was cancelled, if it was: the workflows in it were cancelled at the same time."""
    if seen.state != CANCELLED:
        return None
    ended = [task.ended for task in seen.tasks.values() if task.state == CANCELLED and task.ended]
    return min(ended, default=seen.ended or seen.started)


def begun_before_any_cancel(document: Document, seen: Seen) -> Counter[str]:
    """How often each task has begun that no failure calls for."""
    well = called_for_by_success(document)
    begun: Counter[str] = Counter()
    for path, task in seen.tasks.items():
        if well(path) and has_begun(task) and (spec := spec_at(document, path)):
            begun[path] = 1 if spec.workflow else len(attempted(task, spec, all_made=False))
    return +begun


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
