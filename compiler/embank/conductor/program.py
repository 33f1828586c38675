"""A document with its names replaced by numbers, so that running it costs next to nothing."""

from __future__ import annotations

from dataclasses import dataclass

from embank.document import COMMANDS, Document, Flow, TaskSpec, WorkflowSpec
from embank.graph import depth_first, find_cycle, reverse, topological_order


@dataclass(frozen=True, slots=True)
class Steps:
    """The tasks of a workflow that a run of it can reach, in file order. Other tasks are numbers here.

    In a reverse workflow `requires` and `dependents` hold the order; in a direct one the tasks start
    with `starts`, and what follows a task is found by name in `number`; `inbound` counts the tasks before each.
    """

    flow: Flow
    tasks: tuple[TaskSpec, ...]
    number: dict[str, int]
    requires: tuple[tuple[int, ...], ...] = ()
    dependents: tuple[tuple[int, ...], ...] = ()
    starts: tuple[int, ...] = ()
    inbound: tuple[int, ...] = ()


class Program:
    """The workflows of a document as Steps, built when first asked for.

    Raises ValueError for what could never end or never start: a cycle of `requires`, a loop of direct
    tasks, workflows that call themselves, names that lead nowhere. `inputs.workflow` reports all of
    these before, with their places; here they are refused so that no hand-made document can hang.
    """

    def __init__(self, document: Document) -> None:
        self.document = document
        self._steps: dict[tuple[str, str], Steps] = {}
        if document.workflows[document.main].flow is not Flow.DIRECT:
            raise ValueError(f"the main workflow {document.main!r} must be of type direct")
        names = {name: number for number, name in enumerate(document.workflows)}
        calls = [
            [names[task.workflow] for task in spec.tasks.values() if task.workflow]
            for spec in document.workflows.values()
        ]
        if find_cycle(calls):
            raise ValueError("a workflow calls itself")
        for spec in document.workflows.values():
            if not spec.tasks:
                raise ValueError(f"workflow {spec.name!r} has no tasks")
            if find_cycle(_edges(spec)):
                raise ValueError(f"the tasks of workflow {spec.name!r} go round in a circle")

    def steps(self, workflow: str, target: str) -> Steps:
        """The steps of a workflow; of a reverse one those that lead to the task `target` (Mistral runs no
        others). Raises ValueError when there is no such task.
        """
        key = (workflow, target)
        if key not in self._steps:
            spec = self.document.workflows[workflow]
            self._steps[key] = _direct(spec) if spec.flow is Flow.DIRECT else _reverse(spec, target)
        return self._steps[key]


def _edges(spec: WorkflowSpec) -> list[list[int]]:
    """For each task the numbers of those that it requires (reverse) or that follow it (direct)."""
    number = {name: index for index, name in enumerate(spec.tasks)}
    edges = []
    for task in spec.tasks.values():
        names = task.requires
        if spec.flow is Flow.DIRECT:
            followers = task.on_success + task.on_error + task.on_complete
            names = tuple(name for name in followers if name not in COMMANDS)
        if unknown := [name for name in names if name not in number]:
            raise ValueError(f"task {task.name!r} of workflow {spec.name!r} names {unknown[0]!r}, which is no task")
        edges.append([number[name] for name in names])
    return edges


def _direct(spec: WorkflowSpec) -> Steps:
    tasks = tuple(spec.tasks.values())
    inbound = [0] * len(tasks)
    for targets in _edges(spec):
        for target in targets:
            inbound[target] += 1
    starts = tuple(number for number, count in enumerate(inbound) if not count)
    number = {task.name: index for index, task in enumerate(tasks)}
    return Steps(Flow.DIRECT, tasks, number, starts=starts, inbound=tuple(inbound))


def _reverse(spec: WorkflowSpec, target: str) -> Steps:
    if target not in spec.tasks:
        raise ValueError(f"workflow {spec.name!r} has no task {target!r} to run towards (task_name)")
    tasks = tuple(spec.tasks.values())
    edges = _edges(spec)
    needed = sorted(depth_first(edges, [list(spec.tasks).index(target)]))
    position = {number: index for index, number in enumerate(needed)}
    requires = [[position[other] for other in edges[number]] for number in needed]
    return Steps(
        Flow.REVERSE,
        tuple(tasks[number] for number in needed),
        {tasks[number].name: index for index, number in enumerate(needed)},
        tuple(map(tuple, requires)),
        tuple(map(tuple, reverse(requires))),
    )


def expected_tasks(document: Document) -> int:
    """How many tasks with an action run when nothing fails (for "3 of 12")."""
    names = list(document.workflows)
    number = {name: index for index, name in enumerate(names)}
    used = [used_when_all_is_well(spec) for spec in document.workflows.values()]
    calls = [[number[task.workflow] for task in tasks if task.workflow] for tasks in used]
    counts = [0] * len(names)
    for index in reversed(topological_order(calls)):
        own = sum(1 for task in used[index] if task.action and not task.action.startswith("std."))
        counts[index] = own + sum(counts[called] for called in calls[index])
    return counts[number[document.main]]


def used_when_all_is_well(spec: WorkflowSpec) -> list[TaskSpec]:
    """The tasks that on-success and on-complete lead to; in a reverse workflow all."""
    if spec.flow is Flow.REVERSE:
        return list(spec.tasks.values())
    follows = {name for task in spec.tasks.values() for name in task.on_success + task.on_error + task.on_complete}
    stack = [name for name in spec.tasks if name not in follows]
    used: dict[str, TaskSpec] = {}
    while stack:
        name = stack.pop()
        if name not in used and name not in COMMANDS:
            used[name] = spec.tasks[name]
            stack.extend(spec.tasks[name].on_success + spec.tasks[name].on_complete)
    return list(used.values())
