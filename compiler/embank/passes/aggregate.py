"""Second pass: activities with the same key of their plugin become one task that takes several resources.

Reference, last paragraph: "a plugin that handles multiple resources or that aggregates multiple resources to
one task". A closer is merged by its own key, whatever became of the activity that it closes: what is open is
known for each resource, and a closer that takes several runs when one of them is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from embank.diagnostics import Checked, Diagnostic
from embank.graph import find_cycle, reverse
from embank.model import Body, Kind, Policy, Request, Task, Workflow

Groups = dict[tuple[str, str, str], list[int]]


def aggregate(workflow: Workflow) -> Checked[Workflow]:
    """The body with every group merged at the place of its first member."""
    (body,) = workflow.bodies
    groups, problems = _groups(workflow.request, body)
    if problems or not groups:
        return Checked(workflow, tuple(problems))
    first = list(range(len(body.tasks)))
    for members in groups.values():
        for member in members:
            first[member] = members[0]
    grouped = {member for members in groups.values() for member in members}
    tasks = (replace(task, aggregated=True) if index in grouped else task for index, task in enumerate(body.tasks))
    merged = merge(replace(body, tasks=tuple(tasks)), first)
    cycle = cycle_of_merge(merged, f"these {workflow.request.operation} activities")
    if cycle:
        return Checked(workflow, (cycle,))
    return Checked(replace(workflow, bodies=(merged,)))


def merge(body: Body, first: Sequence[int]) -> Body:
    """The body in which task i became part of task first[i]; edges within a merged task become loops."""
    kept = [index for index, target in enumerate(first) if target == index]
    place = {old: new for new, old in enumerate(kept)}
    members: dict[int, list[int]] = {old: [] for old in kept}
    for index, target in enumerate(first):
        members[target].append(index)
    requires = [
        sorted({place[first[below]] for member in members[old] for below in body.requires[member]}) for old in kept
    ]
    tasks = [_merged([body.tasks[member] for member in members[old]]) for old in kept]
    return Body(tuple(tasks), tuple(map(tuple, requires)))


def cycle_of_merge(body: Body, what: str) -> Diagnostic | None:
    """The diagnostic for a body that a merge made cyclic, or None."""
    cycle = find_cycle(reverse(body.requires))
    if cycle is None:
        return None
    merged = [body.tasks[node] for node in cycle if len(body.tasks[node].resources) > 1]
    together = "; ".join(" and ".join(map(str, task.resources)) for task in merged)
    way = " → ".join(_label(body.tasks[node]) for node in [*cycle, cycle[0]])
    return Diagnostic(
        "EMB501",
        f"{what} cannot be one task, because one must come before the other: {together}",
        hint=f"the way round: {way}; the plugin's aggregate() must give them different keys",
    )


def _groups(request: Request, body: Body) -> tuple[Groups, list[Diagnostic]]:
    """Members of every key in file order, by (plugin, phase, key)."""
    groups: Groups = {}
    problems: list[Diagnostic] = []
    for index, task in enumerate(body.tasks):
        if task.kind is not Kind.ACTIVITY or task.phase is None:
            continue
        (resource,) = task.resources
        plugin = request.types[resource.type]
        try:
            key = plugin.aggregate(task.phase, resource)
        except Exception as error:  # a plugin's code: whatever it raises is its author's to hear
            message = f"{plugin.plugin}: aggregate() failed for {resource}: {type(error).__name__}: {error}"
            problems.append(Diagnostic("EMB503", message, hint="this is a fault of the plugin"))
            continue
        if key is not None:
            groups.setdefault((plugin.plugin, task.phase, key), []).append(index)
    return groups, problems


def _merged(tasks: Sequence[Task]) -> Task:
    if all(task is tasks[0] for task in tasks):
        return tasks[0]
    return replace(
        tasks[0],
        resources=tuple(resource for task in tasks for resource in task.resources),
        parameters=tuple(parameters for task in tasks for parameters in task.parameters),
        policy=_most_patient([task.policy for task in tasks]),
    )


def _most_patient(policies: Sequence[Policy]) -> Policy:
    timeouts = [policy.timeout for policy in policies]
    intervals = [policy.poll_interval for policy in policies if policy.poll_interval is not None]
    return Policy(
        retry_count=max(policy.retry_count for policy in policies),
        retry_delay=max(policy.retry_delay for policy in policies),
        timeout=None if None in timeouts else max(timeout for timeout in timeouts if timeout is not None),
        poll_interval=min(intervals, default=None),
    )


def _label(task: Task) -> str:
    more = f" and {len(task.resources) - 1} more" if len(task.resources) > 1 else ""
    return f"{task.phase} of {task.resources[0]}{more}"
