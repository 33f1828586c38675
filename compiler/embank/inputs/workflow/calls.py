"""Which workflow runs which: sub-workflows that are not there, that call themselves, or get the wrong input."""

from __future__ import annotations

from collections.abc import Mapping

from embank.diagnostics import Related
from embank.document import TARGET, Flow, TaskSpec, WorkflowSpec
from embank.graph import find_cycle
from embank.inputs.shape import Shape, quoted
from embank.inputs.workflow.actions import check_run
from embank.inputs.workflow.order import closest
from embank.model import Json


def check_calls(shape: Shape, specs: Mapping[str, WorkflowSpec]) -> dict[str, set[str]]:
    """For each reverse workflow the tasks that it is started with, as far as they are right."""
    targets: dict[str, set[str]] = {}
    _check_target_names(shape, specs)
    for caller in specs.values():
        for task in caller.tasks.values():
            if not task.workflow:
                continue
            mapping = shape.located.value[caller.name]["tasks"][task.name]
            called = specs.get(task.workflow)
            if called is None:
                place = shape.located.place(mapping, "workflow")
                message = f"task {quoted(task.name)}: there is no workflow {quoted(task.workflow)} in this file"
                shape.problem("EMB612", message, place, closest(task.workflow, specs))
            elif target := _check_input(shape, task, mapping, called):
                targets.setdefault(called.name, set()).add(target)
    _check_recursion(shape, specs)
    return targets


def _check_input(shape: Shape, task: TaskSpec, mapping: dict[str, Json], called: WorkflowSpec) -> str:
    """Check what a workflow is called with. The name of the task it is started with, or ""."""
    raw: Json = mapping.get("input")
    start = shape.located.place(mapping, "input" if raw else "workflow")
    what = f"task {quoted(task.name)}"
    wanted = (*called.input, TARGET) if called.flow is Flow.REVERSE else called.input
    for name in wanted:
        if name not in task.input:
            hint = "which task to run towards: `task_name: done`" if name == TARGET else f"add `{name}:`"
            shape.problem("EMB616", f"{what}: workflow {quoted(called.name)} needs the input {name}", start, hint)
    for name, value in task.input.items():
        place = shape.located.place(raw, name)
        if name not in wanted:
            hint = closest(name, wanted) or (f"it takes {', '.join(wanted)}" if wanted else "it takes none")
            message = f"{what}: workflow {quoted(called.name)} has no input {quoted(name)}"
            shape.problem("EMB616", message, shape.located.key_place(raw, name), hint)
        elif name == "run":
            for wrong in check_run(value):
                shape.problem("EMB616", f"{what}: {name} {wrong.message}", place, wrong.hint)
        elif name == TARGET and not isinstance(value, str):
            shape.problem("EMB616", f"{what}: {TARGET} must be the name of a task", place, "such as `done`")
        elif name == TARGET and value not in called.tasks:
            message = f"{what}: workflow {quoted(called.name)} has no task {quoted(value)}"
            shape.problem("EMB608", message, place, closest(value, called.tasks))
    target = task.input.get(TARGET)
    return target if called.flow is Flow.REVERSE and isinstance(target, str) and target in called.tasks else ""


def _check_target_names(shape: Shape, specs: Mapping[str, WorkflowSpec]) -> None:
    """Engines take `task_name` for themselves, unless the workflow has an input of that name."""
    for spec in specs.values():
        if spec.flow is Flow.REVERSE and TARGET in spec.input:
            names = shape.located.value[spec.name]["input"]
            message = f"workflow {quoted(spec.name)}: {TARGET} cannot be the name of an input"
            place = shape.located.place(names, names.index(TARGET))
            shape.problem("EMB607", message, place, "it says which task to run towards; take it out")


def _check_recursion(shape: Shape, specs: Mapping[str, WorkflowSpec]) -> None:
    workflows = list(specs.values())
    number = {name: index for index, name in enumerate(specs)}
    calls = [[number[task.workflow] for task in spec.tasks.values() if task.workflow in number] for spec in workflows]
    cycle = find_cycle(calls)
    if cycle:
        names = " runs ".join(quoted(workflows[index].name) for index in (*cycle, cycle[0]))
        related = tuple(Related(workflows[index].place, f"{workflows[index].name} is here") for index in cycle[1:])
        message = f"these workflows run themselves without end: {names}"
        shape.problem("EMB612", message, workflows[cycle[0]].place, "take one of the tasks out", related)
