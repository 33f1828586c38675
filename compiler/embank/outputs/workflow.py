"""Writes a workflow file (Mistral DSL 2.0): a header, the main workflow, and the reverse workflows it runs.

    <name>               direct    begin → activities → complete; on error cleanup → abandon → fail
    <name>_activities…   reverse   one task per activity, with explicit `requires`; `done` requires every last one
                         direct    if asked for: what follows each task, `join: all` where several come together
    <name>_cleanup…      direct    the closers, each followed by others whether it succeeded or not (decision PASS-2)

The words are in the templates `workflow*.yaml.j2`. The text is streamed, a batch of tasks at a time: a
hundred thousand resources need no more memory than the workflow itself (docs/field-notes.md, 4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import embank
from embank.graph import reverse
from embank.model import Body, Json, Kind, Lower, Operation, Phase, Resource, Task, Workflow
from embank.outputs.render import environment, template_errors
from embank.resource_graph import to_chunks
from embank.task_input import said_of
from embank.task_parameters import COMPLETED

CHUNK = 256 * 1024  # characters of the resource graph in one task: far below Mistral's field limit (1 MiB)
BATCH = 100  # tasks in one rendering of the template: setting one up costs as much as two tasks
DONE = "done"  # the last task of every reverse workflow, and the one it is started with


class Counts(NamedTuple):
    """What the header and the lock say of a workflow."""

    resources: int
    activities: int
    constraints: int
    closers: int


def write_workflow(workflow: Workflow, template_dir: str | None = None) -> Iterator[str]:
    """The text of the workflow file, in pieces. The same workflow gives the same text, to the byte.

    Raises InputUnreadable or TemplateBroken when `template_dir` is the cause, Unwritable for a key of the
    parameters that no YAML file can hold.
    """
    with template_errors():
        templates = environment(template_dir)
        head = templates.get_template("workflow.yaml.j2")
        yield from head.generate(_main(workflow))
        render_body = templates.get_template("workflow_body.yaml.j2").render
        render_tasks = templates.get_template("workflow_tasks.yaml.j2").render
        for bodies in (workflow.bodies, workflow.cleanup):
            for body in bodies:
                cleanup = bodies is workflow.cleanup
                direct = cleanup or workflow.request.lower is Lower.DIRECT
                yield render_body(body=body, whole=bodies[0], cleanup=cleanup, direct=direct)
                write = _closers if cleanup else _tasks_direct if direct else _tasks
                tasks = write(body, bodies)
                while batch := list(islice(tasks, BATCH)):
                    yield render_tasks(tasks=batch, direct=direct)


def count(workflow: Workflow) -> Counts:
    """The numbers of a workflow, for its header and its lock."""
    return Counts(
        resources=len(workflow.request.graph.resources),
        activities=_of_kind(workflow.bodies, Kind.ACTIVITY),
        constraints=sum(len(required) for body in workflow.bodies for required in body.requires),
        closers=_of_kind(workflow.cleanup, Kind.CLOSER),
    )


def _of_kind(bodies: Sequence[Body], kind: Kind) -> int:
    return sum(task.kind is kind for body in bodies for task in body.tasks)


def _main(workflow: Workflow) -> dict[str, Json]:
    request = workflow.request
    protect = request.operation is Operation.PROTECT
    used = {task.phase for body in workflow.bodies for task in body.tasks if task.kind is Kind.ACTIVITY}
    counts = count(workflow)
    return {
        "workflow": workflow,
        "request": request,
        "body": workflow.bodies[0].name,
        "cleanup": workflow.cleanup[0].name if workflow.cleanup else "",
        "direct": request.lower is Lower.DIRECT,
        "counts": counts,
        "phases": [phase for phase in Phase if phase in used],
        "version": embank.__version__,
        "lock": _lock(workflow, counts),
        "status": COMPLETED[request.operation],
        # counted first, so that they need not be held
        "chunk_count": sum(1 for _ in to_chunks(request.graph, CHUNK)) if protect else 1,
        "chunks": to_chunks(request.graph, CHUNK) if protect else [None],
    }


def _lock(workflow: Workflow, counts: Counts) -> dict[str, Json]:
    request = workflow.request
    sources = [
        {"kind": source.kind, "name": source.name}
        | ({"version": source.version} if source.version else {})
        | {"sha256": source.sha256}
        for source in request.sources
    ]
    return {"embank": embank.__version__, **counts._asdict(), **({"sources": sources} if sources else {})}


class TaskFacts(NamedTuple):
    """What the template `workflow_tasks` needs to know of one task."""

    task: Task
    separate: bool  # an empty line before it
    heading: tuple[Resource, ...]  # the resources to name in a comment before it
    resources: Sequence[dict[str, Json]]
    part: str  # the name of the workflow that a PART runs
    requires: Sequence[str] = ()
    follow: Sequence[str] = ()  # the tasks that start when it ends, well or not
    then: Sequence[str] = ()  # the tasks that start when it has succeeded
    join: bool = False  # it waits for several tasks


def _tasks(body: Body, bodies: Sequence[Body]) -> Iterator[TaskFacts]:
    """The tasks of a reverse workflow, and `done` at the end."""
    required = {index for requires in body.requires for index in requires}
    for facts, requires in zip(_facts(body, bodies), body.requires, strict=True):
        yield facts._replace(requires=[body.tasks[index].name for index in requires])
    last = [task.name for index, task in enumerate(body.tasks) if index not in required]
    yield _done(body)._replace(requires=last)


def _tasks_direct(body: Body, bodies: Sequence[Body]) -> Iterator[TaskFacts]:
    """The same order, said from the other side: what follows each task."""
    followers = reverse(body.requires)
    last = 0
    for index, facts in enumerate(_facts(body, bodies)):
        then = [body.tasks[after].name for after in followers[index]]
        last += not then
        yield facts._replace(then=then or [DONE], join=len(body.requires[index]) > 1)
    yield _done(body)._replace(join=last > 1)


def _done(body: Body) -> TaskFacts:
    done = Task(Kind.JOIN, name=DONE, description="Everything above has succeeded.")
    return TaskFacts(done, bool(body.tasks), (), (), "")


def _closers(body: Body, bodies: Sequence[Body]) -> Iterator[TaskFacts]:
    """The tasks of a direct workflow: the same order, but a failure holds nobody back."""
    followers = reverse(body.requires)
    for index, facts in enumerate(_facts(body, bodies)):
        follow = [body.tasks[after].name for after in followers[index]]
        yield facts._replace(follow=follow, join=len(body.requires[index]) > 1)


def _facts(body: Body, bodies: Sequence[Body]) -> Iterator[TaskFacts]:
    """What to say of each task besides its order."""
    before: tuple[Resource, ...] | None = None
    facts: list[dict[str, Json]] = []
    for task in body.tasks:
        new = task.resources != before
        if new:
            facts = [said_of(resource) for resource in task.resources]
        yield TaskFacts(
            task,
            new and before is not None,
            task.resources if new else (),
            _with_parameters(facts, task) if task.aggregated else facts,
            bodies[task.part].name if task.part is not None else "",
        )
        before = task.resources


def _with_parameters(facts: Sequence[dict[str, Json]], task: Task) -> list[dict[str, Json]]:
    parameters = task.parameters or ({},) * len(facts)
    return [
        {**resource, "parameters": given} if given else resource
        for resource, given in zip(facts, parameters, strict=True)
    ]
