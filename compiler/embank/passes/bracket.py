"""Third pass: find the closers, and build the cleanup workflow from them.

A closer (`@closes`) stays an activity where it is, and gets a copy in the cleanup workflow, which runs when
anything failed (decision PROJECT-1). There the closers stand in post order: those of a dependent before those of
its parents, also through resources without any; those of one resource in the order of their phases.

A closer's copy asks the checkpoint whether what it closes was started and not closed, and does nothing
otherwise. It is tried several times: nobody else will thaw the guest. And it has a timeout, whatever the plan
says: the closers of its parents wait for it to end, well or not, and one that hangs must not keep them for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from embank.diagnostics import Checked, Diagnostic
from embank.graph import topological_order
from embank.model import Body, Kind, Phase, Policy, Request, Resource, Task, Workflow
from embank.passes.merge import merge, merge_problem

LEAST_RETRIES = 3
TIMEOUT = 300  # s for each try of a closer whose type has none in the plan
ORDER = list(Phase)


def bracket(workflow: Workflow) -> Checked[Workflow]:
    """The workflow with its cleanup body, if there is anything to clean up."""
    problems = tuple(_unreachable(workflow.request))
    if problems:
        return Checked(workflow, problems)
    (body,) = workflow.bodies
    closers = [task for task in body.tasks if task.closes is not None]
    if not closers:
        return Checked(workflow)
    cleanup, owners = _post_order(workflow.request, [_closer(workflow.request, task) for task in closers])
    first = _first_copies(cleanup.tasks)
    problem = merge_problem(cleanup, first, owners, "these closers")
    if problem:
        return Checked(workflow, (problem,))
    return Checked(replace(workflow, cleanup=(merge(cleanup, first),)))


def _unreachable(request: Request) -> Iterator[Diagnostic]:
    for name, spec in request.types.items():
        for phase, activity in spec.activities.items():
            closed = activity.closes
            if closed is None:
                continue
            who = f"{spec.plugin}: activity_{request.operation}_{phase} of {name} closes {str(closed)!r}"
            if closed not in spec.activities:
                hint = f"implement activity_{request.operation}_{closed}, or remove the mark"
                yield Diagnostic("EMB502", f"{who}, which nothing implements", hint=hint)
            elif ORDER.index(phase) <= ORDER.index(closed):
                hint = f"phases come in this order: {', '.join(ORDER)}"
                yield Diagnostic("EMB502", f"{who}, which does not come before it", hint=hint)


def _closer(request: Request, task: Task) -> Task:
    given = (request.policies.get(resource.type, Policy()).timeout for resource in task.resources)
    policy = replace(
        task.policy,
        retry_count=max(LEAST_RETRIES, task.policy.retry_count),
        retry_delay=task.policy.retry_delay or 1,
        timeout=max(timeout or TIMEOUT for timeout in given),
    )
    return replace(task, kind=Kind.CLOSER, policy=policy)


def _post_order(request: Request, closers: list[Task]) -> tuple[Body, list[Resource]]:
    """Every closer, an aggregated one under each of its resources, and a no-op for every resource without one,
    so that order passes through it. Also the resource that each task stands under.
    """
    graph = request.graph
    number = {resource.key: index for index, resource in enumerate(graph.resources)}
    mine: list[list[Task]] = [[] for _ in graph.resources]
    for closer in closers:
        for resource in closer.resources:
            mine[number[resource.key]].append(closer)
    tasks: list[Task] = []
    owners: list[Resource] = []
    requires: list[tuple[int, ...]] = []
    last = [0] * len(graph.resources)
    # Dependents first, so that what a task requires has its number already.
    for node in reversed(topological_order(graph.dependents)):
        below = tuple(sorted(last[dependent] for dependent in graph.dependents[node]))
        for task in mine[node] or [Task(Kind.JOIN, Phase.POST, (graph.resources[node],))]:
            requires.append(below)
            below = (len(tasks),)
            tasks.append(task)
            owners.append(graph.resources[node])
        last[node] = len(tasks) - 1
    return Body(tuple(tasks), tuple(requires)), owners


def _first_copies(tasks: Sequence[Task]) -> list[int]:
    """An aggregated closer was put under each of its resources: all copies are the first one."""
    first: dict[int, int] = {}
    return [first.setdefault(id(task), index) for index, task in enumerate(tasks)]
