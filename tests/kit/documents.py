"""Documents built by hand: `documents.task("copy", requires="freeze")`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from embank.diagnostics import Place
from embank.document import Document, Does, Expression, Flow, TaskSpec, WorkflowSpec
from embank.task_input import decode
from embank.task_parameters import ACTIONS

PLACE = Place("file.yaml", 7, 3)
RUN = {"provider": "p", "plan": "shop", "operation": "protect", "checkpoint": "c", "execution": "e"}


def task(name: str, action: str = "test.do", **fields: Any) -> TaskSpec:
    """A task; `requires`, `on_success` … may be one string of names."""
    for key in ("requires", "on_success", "on_error", "on_complete"):
        if isinstance(fields.get(key), str):
            fields[key] = tuple(fields[key].split())
    if fields.get("workflow"):
        return TaskSpec(name, PLACE, **fields)
    return TaskSpec(name, PLACE, action=action, does=does(action, fields.get("input", {})), **fields)


def does(action: str, given: Mapping[str, Any]) -> Does | None:
    """What a reader would make of an input that held only what such an action takes."""
    known = {name: given.get(name) for name in ACTIONS.get(action, ()) if name in given or name == "run"}
    return decode(action, known)[0] if action in ACTIONS else None


def workflow(name: str, flow: Flow, tasks: Iterable[TaskSpec], **fields: Any) -> WorkflowSpec:
    return WorkflowSpec(name, flow, PLACE, tasks={each.name: each for each in tasks}, **fields)


def reverse(name: str, *tasks: TaskSpec, **fields: Any) -> WorkflowSpec:
    """A reverse workflow with a sink `done`, unless the tasks have one."""
    required = {name for each in tasks for name in each.requires}
    if not any(each.name == "done" for each in tasks):
        last = tuple(each.name for each in tasks if each.name not in required)
        tasks = (*tasks, task("done", "std.noop", requires=last))
    return workflow(name, Flow.REVERSE, tasks, **fields)


def direct(name: str, *tasks: TaskSpec, **fields: Any) -> WorkflowSpec:
    return workflow(name, Flow.DIRECT, tasks, **fields)


def document(*workflows: WorkflowSpec) -> Document:
    """The first workflow is the main one."""
    return Document("file.yaml", "0" * 64, workflows[0].name, {each.name: each for each in workflows})


def calling(*tasks: TaskSpec, **fields: Any) -> Document:
    """A main workflow that does nothing but run these tasks as a reverse workflow."""
    main = direct("main", task("all", workflow="body", input={"task_name": "done"}), **fields)
    return document(main, reverse("body", *tasks))


def bracketed(body: Iterable[TaskSpec], closers: Iterable[TaskSpec] = ()) -> Document:
    """The shape of a compiled file: begin, activities, complete; cleanup and abandon when anything fails."""
    run = Expression("variable", "run", PLACE)
    given = {"run": run, "task_name": "done"}
    closers = tuple(closers)
    error = "cleanup" if closers else "abandon"
    main = [
        task("begin", "embank.begin", input={"run": run}, on_success="activities", on_error="abandon"),
        task("activities", workflow="body", input=given, on_success="complete", on_error=error),
        task("complete", "embank.complete", input={"run": run, "status": "available"}, on_error=error),
        *([task("cleanup", workflow="closers", input=given, on_complete="abandon")] if closers else []),
        task("abandon", "embank.complete", input={"run": run, "status": "error"}, on_complete="fail"),
    ]
    parts = [direct("main", *main, vars={"run": RUN}), reverse("body", *body, input=("run",))]
    return document(*parts, *([reverse("closers", *closers, input=("run",))] if closers else []))


def activity(name: str, phase: str, resource: str, **fields: Any) -> TaskSpec:
    """An activity of a resource "TYPE#ID"."""
    return _about("embank.activity", name, phase, resource, **fields)


def closer(name: str, phase: str, closes: str, resource: str, **fields: Any) -> TaskSpec:
    """A cleanup task."""
    return _about("embank.cleanup", name, phase, resource, closes=closes, **fields)


def _about(action: str, name: str, phase: str, resource: str, **fields: Any) -> TaskSpec:
    kind, _, id_ = resource.partition("#")
    more = {key: fields.pop(key) for key in list(fields) if key not in TaskSpec.__dataclass_fields__}
    run = Expression("variable", "run", PLACE)
    resources = {"resource": {"type": kind, "id": id_, "name": id_}}
    return task(name, action, input={"run": run, "activity": phase, **resources, **more}, **fields)
