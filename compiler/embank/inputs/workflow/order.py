"""The order of the tasks of one workflow: names that lead nowhere, circles, tasks that would never run."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from embank.diagnostics import Place, Related, did_you_mean
from embank.document import COMMANDS, Flow, TaskSpec, WorkflowSpec
from embank.graph import depth_first, find_cycle
from embank.inputs.shape import Shape, quoted
from embank.inputs.workflow import keys
from embank.inputs.workflow.branches import check_branches

SHOWN = 100  # tasks of a circle that a message names
COMPARED = 1000  # names that a misspelt one is compared with: difflib takes its time


def check_order(shape: Shape, spec: WorkflowSpec, targets: Collection[str]) -> None:
    """`targets`: the tasks that a reverse workflow is started with (task_name)."""
    before = len(shape.problems)
    number = {name: index for index, name in enumerate(spec.tasks)}
    edges = [_resolved(shape, spec, task, number) for task in spec.tasks.values()]
    tasks = list(spec.tasks.values())
    cycle = find_cycle(edges)
    if cycle:
        _report_cycle(shape, spec, [tasks[index] for index in cycle])
    elif spec.flow is Flow.DIRECT:
        if len(shape.problems) == before:
            check_branches(shape, spec)
    elif targets and len(shape.problems) == before:
        _check_all_run(shape, tasks, edges, [number[name] for name in targets], sorted(targets))


def closest(word: str, names: Collection[str]) -> str:
    """did_you_mean, for very many names."""
    near = [name for name in names if abs(len(name) - len(word)) <= 3] if len(names) > COMPARED else list(names)
    return did_you_mean(word, near[:COMPARED])


def _resolved(shape: Shape, spec: WorkflowSpec, task: TaskSpec, number: dict[str, int]) -> list[int]:
    """The numbers of the tasks that a task requires, or that follow it; what cannot be is reported."""
    found: list[int] = []
    for key, name in _references(task):
        if spec.flow is Flow.DIRECT and name in COMMANDS:
            continue
        if name in number and name != task.name:
            found.append(number[name])
            continue
        place = _reference_place(shape, spec, task, key, name)
        what = f"task {quoted(task.name)}: {key}"
        if spec.flow is Flow.DIRECT and name in keys.COMMANDS_REFUSED:
            shape.problem("EMB604", f"{what} {quoted(name)} is not supported", place, keys.COMMANDS_REFUSED[name])
        elif name == task.name:
            shape.problem("EMB610", f"{what} names the task itself: it would never run", place, "take it out")
        else:
            hint = closest(name, number) or "take the name out, or add the task"
            shape.problem("EMB608", f"{what} names {quoted(name)}, and there is no such task", place, hint)
    return found


def _references(task: TaskSpec) -> Iterator[tuple[str, str]]:
    yield from (("requires", name) for name in task.requires)
    yield from (("on-success", name) for name in task.on_success)
    yield from (("on-error", name) for name in task.on_error)
    yield from (("on-complete", name) for name in task.on_complete)


def _reference_place(shape: Shape, spec: WorkflowSpec, task: TaskSpec, key: str, name: str) -> Place:
    mapping = shape.located.value[spec.name]["tasks"][task.name]
    value = mapping[key]
    return (
        shape.located.place(value, value.index(name))
        if isinstance(value, list)
        else shape.located.place(mapping, key)
    )


def _report_cycle(shape: Shape, spec: WorkflowSpec, cycle: Sequence[TaskSpec]) -> None:
    verb = "requires" if spec.flow is Flow.REVERSE else "is followed by"
    names = [quoted(task.name) for task in (*cycle, cycle[0])]
    if len(names) > SHOWN:
        names[SHOWN:-1] = [f"… ({len(names) - SHOWN - 1} more)"]
    message = f"these tasks go round in a circle, so none of them would ever run: {f' {verb} '.join(names)}"
    related = tuple(Related(task.place, f"{task.name} is here") for task in cycle[1:SHOWN])
    shape.problem(
        "EMB609", message, cycle[0].place, f"take one `{'requires' if verb == 'requires' else 'on-…'}` out", related
    )


def _check_all_run(
    shape: Shape,
    tasks: Sequence[TaskSpec],
    edges: Sequence[Sequence[int]],
    starts: Sequence[int],
    names: Sequence[str],
) -> None:
    """A reverse workflow runs what its target requires. Of tasks that never run, those that nothing requires
    are reported: the others follow from them.
    """
    runs = set(depth_first(edges, starts))
    if len(runs) == len(tasks):
        return
    required = {target for targets in edges for target in targets}
    for index, task in enumerate(tasks):
        if index not in runs and index not in required:
            message = (
                f"task {quoted(task.name)} would never run: {names[0]} does not require it, nor what it requires"
            )
            shape.problem("EMB613", message, task.place, f"add it to the `requires` of {names[0]}")
