"""Direct workflows: which tasks come together, which may come alone, and what follows for those that wait.

A task comes when the one before it ends, well (`on-success`), not (`on-error`) or either way (`on-complete`). What
it depends on is named by a *reason*: ALWAYS for the first tasks; "task, outcome" behind on-success or on-error;
behind on-complete that of the task before. Tasks with the same reason come together or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

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


def check_branches(shape: Shape, spec: WorkflowSpec) -> None:
    """Joins, and tasks that several others lead to. For a workflow whose names are right and that has no circle."""
    inbound: dict[str, list[Edge]] = {name: [] for name in spec.tasks}
    for task in spec.tasks.values():
        for edge, name in followers(task):
            if name in inbound:
                inbound[name].append(edge)
    reasons = _reasons(spec, inbound)
    for task in spec.tasks.values():
        if task.join:
            _check_join(shape, spec, task, inbound[task.name], reasons)
        else:
            _check_twice(shape, task, inbound[task.name], reasons)


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


def _check_join(
    shape: Shape, spec: WorkflowSpec, task: TaskSpec, inbound: Sequence[Edge], reasons: Mapping[str, Reason]
) -> None:
    what = f"task {quoted(task.name)}"
    mapping = shape.located.value[spec.name]["tasks"][task.name]
    place = shape.located.place(mapping, "join")
    if len(task.name) > keys.JOIN_NAME:
        message = f"the name of {what} is too long for one with `join`"
        shape.problem("EMB607", message, task.place, f"at most {keys.JOIN_NAME} characters")
    if not inbound:
        message = f"{what} waits with `join`, and no task leads to it"
        shape.problem(
            "EMB618", message, place, "name it in `on-complete` of the tasks it waits for, or take `join` out"
        )
        return
    odd = [edge for edge in inbound if edge.key != "on-complete"]
    for edge in odd:
        source = shape.located.value[spec.name]["tasks"][edge.task]
        names = source[edge.key]
        at = shape.located.place(names, names.index(task.name)) if isinstance(names, list) else None
        message = f"task {quoted(edge.task)}: {edge.key} leads to {quoted(task.name)}, which waits with `join`"
        hint = f"it may never come, and {task.name} would wait for ever: use `on-complete`"
        shape.problem("EMB604", message, at or shape.located.place(source, edge.key), hint)
    first = inbound[0]
    other = next((edge for edge in inbound if reasons[edge.task] != reasons[first.task]), None)
    if other and not odd:
        message = (
            f"{what} waits with `join` for {quoted(first.task)} and {quoted(other.task)}, and one may come alone"
        )
        shape.problem(
            "EMB618", message, place, "it would wait for ever, or fail; let it wait for tasks that always come"
        )


def _check_twice(shape: Shape, task: TaskSpec, inbound: Sequence[Edge], reasons: Mapping[str, Reason]) -> None:
    seen: dict[Reason, Edge] = {}
    for edge in inbound:
        for reason in _all_reasons(edge, reasons):
            if reason in seen:
                names = f"{quoted(seen[reason].task)} and {quoted(edge.task)}"
                if seen[reason].task == edge.task:
                    names = f"{seen[reason].key} and {edge.key} of {quoted(edge.task)}"
                message = f"task {quoted(task.name)} would run more than once: {names} lead to it, each time"
                shape.problem("EMB620", message, task.place, "give it `join: all`, or take one of them out")
                return
        for reason in _all_reasons(edge, reasons):
            seen[reason] = edge
    return


def _all_reasons(edge: Edge, reasons: Mapping[str, Reason]) -> tuple[Reason, ...]:
    """When this edge is followed; on-complete also whenever on-success or on-error of the same task is."""
    if edge.key != "on-complete":
        return (edge,)
    return (reasons[edge.task], (edge.task, "on-success"), (edge.task, "on-error"))
