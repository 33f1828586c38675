"""Direct workflows: which tasks come together, which may come alone, and what follows for those that wait.

A task comes when the one before it ends, well (`on-success`), not (`on-error`) or either way (`on-complete`). What
it depends on is named by a *reason*: ALWAYS for the first tasks; "task, outcome" behind on-success or on-error;
behind on-complete that of the task before. Tasks with the same reason come together or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from embank.diagnostics import Place
from embank.document import TaskSpec, WorkflowSpec
from embank.graph import topological_order
from embank.inputs.shape import Shape, quoted
from embank.inputs.workflow import keys

Reason = tuple[str, ...]
ALWAYS: Reason = ()


class Edge(NamedTuple):
    """What leads to a task: the task before, by which key."""

    task: str
    key: str


class Branches(NamedTuple):
    """What leads to each task, and why. `handled`: some failure is handled by an `on-error`."""

    inbound: Mapping[str, Sequence[Edge]]
    reasons: Mapping[str, Reason]
    handled: bool


def check_branches(shape: Shape, spec: WorkflowSpec) -> None:
    """Joins, and tasks that several others lead to. For a workflow whose names are right and that has no circle."""
    if not spec.tasks:
        return
    inbound: dict[str, list[Edge]] = {name: [] for name in spec.tasks}
    for task in spec.tasks.values():
        for edge, name in followers(task):
            if name in inbound:
                inbound[name].append(edge)
    handled = any(task.on_error for task in spec.tasks.values())
    branches = Branches(inbound, _reasons(spec, inbound), handled)
    tasks = shape.located.value[spec.name]["tasks"]
    for task in spec.tasks.values():
        if task.join:
            _check_join(shape, spec, task, branches)
        elif isinstance(tasks[task.name], dict) and "join" not in tasks[task.name]:  # else it was reported
            _check_twice(shape, task, branches)


def followers(task: TaskSpec) -> Iterator[tuple[Edge, str]]:
    """What leads on from a task, and to where."""
    yield from ((Edge(task.name, "on-success"), name) for name in task.on_success)
    yield from ((Edge(task.name, "on-error"), name) for name in task.on_error)
    yield from ((Edge(task.name, "on-complete"), name) for name in task.on_complete)


def _reasons(spec: WorkflowSpec, inbound: Mapping[str, Sequence[Edge]]) -> dict[str, Reason]:
    names = list(spec.tasks)
    number = {name: index for index, name in enumerate(names)}
    edges = [[number[name] for _, name in followers(task) if name in number] for task in spec.tasks.values()]
    reasons: dict[str, Reason] = {}
    for index in topological_order(edges):
        name = names[index]
        found = {_reason(edge, reasons) for edge in inbound[name]}
        # Several that differ: one of its own, for nobody knows when it comes, and how often.
        reasons[name] = ALWAYS if not found else found.pop() if len(found) == 1 else (name,)
    return reasons


def _reason(edge: Edge, reasons: Mapping[str, Reason]) -> Reason:
    return reasons[edge.task] if edge.key == "on-complete" else edge


def _check_join(shape: Shape, spec: WorkflowSpec, task: TaskSpec, branches: Branches) -> None:
    inbound, reasons, handled = branches.inbound[task.name], branches.reasons, branches.handled
    what = f"task {quoted(task.name)}"
    place = shape.located.place(shape.located.value[spec.name]["tasks"][task.name], "join")
    if len(task.name) > keys.JOIN_NAME:
        message = f"the name of {what} is too long for one with `join`"
        shape.problem("EMB607", message, task.place, f"at most {keys.JOIN_NAME} characters")
    if not inbound:
        hint = "name it in `on-complete` of the tasks that it waits for, or take `join` out"
        shape.problem("EMB618", f"{what} waits with `join`, and no task leads to it", place, hint)
    elif not handled and all(edge.key == "on-success" for edge in inbound):
        return  # the workflow fails with the task that does not come: `--lower direct` (decision FILE-6)
    elif unsure := [edge for edge in inbound if edge.key != "on-complete"]:
        for edge in unsure:
            message = f"task {quoted(edge.task)}: {edge.key} leads to {quoted(task.name)}, which waits with `join`"
            hint = f"it may never come, and {task.name} would wait for ever: use `on-complete`"
            shape.problem("EMB604", message, _place(shape, spec, edge, task.name), hint)
    elif len({reasons[edge.task] for edge in inbound}) > 1:
        first = inbound[0].task
        other = next(edge.task for edge in inbound if reasons[edge.task] != reasons[first])
        message = f"{what} waits with `join` for {quoted(first)} and {quoted(other)}, and one may come alone"
        hint = "it would wait for ever, or fail; let it wait for tasks that come together"
        shape.problem("EMB618", message, place, hint)


def _place(shape: Shape, spec: WorkflowSpec, edge: Edge, name: str) -> Place:
    """Where a task names the one that follows it."""
    mapping = shape.located.value[spec.name]["tasks"][edge.task]
    names = mapping[edge.key]
    if isinstance(names, list):
        return shape.located.place(names, names.index(name))
    return shape.located.place(mapping, edge.key)


def _check_twice(shape: Shape, task: TaskSpec, branches: Branches) -> None:
    seen: dict[Reason, Edge] = {}
    for edge in branches.inbound[task.name]:
        found = _all_reasons(edge, branches.reasons)
        other = next((seen[reason] for reason in found if reason in seen), None)
        if other:
            ways = f"{other.key} of {quoted(other.task)} and {edge.key} of {quoted(edge.task)}"
            message = f"task {quoted(task.name)} would run more than once: {ways} both lead to it"
            shape.problem("EMB620", message, task.place, "give it `join: all`, or take one of them out")
            return
        seen.update(dict.fromkeys(found, edge))


def _all_reasons(edge: Edge, reasons: Mapping[str, Reason]) -> tuple[Reason, ...]:
    """When this edge is followed; on-complete also whenever on-success or on-error of the same task is."""
    if edge.key != "on-complete":
        return (edge,)
    return (reasons[edge.task], (edge.task, "on-success"), (edge.task, "on-error"))
