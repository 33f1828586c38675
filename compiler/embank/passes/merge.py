"""Several tasks of a body become one: for `aggregate`, and for the closers in `bracket`.

Merging is given as a list: task i becomes part of task first[i], which is i itself for a task that stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from embank.diagnostics import Diagnostic
from embank.graph import find_cycle
from embank.model import Body, Policy, Resource, Task

LONGEST_WAY = 8


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


def merge_problem(body: Body, first: Sequence[int], owners: Sequence[Resource], what: str) -> Diagnostic | None:
    """The diagnostic for a merge that would make a cycle, or None. `owners` has the resource of each task.

    Of the resources that were to go together it names those that are in each other's way, not all.
    """
    edges: list[set[int]] = [set() for _ in body.tasks]
    for index, required in enumerate(body.requires):
        for below in required:
            edges[first[below]].add(first[index])
    cycle = find_cycle([sorted(targets) for targets in edges])
    if cycle is None:
        return None
    came, left = _way_round(body, first, cycle)
    torn = [node for node in cycle if came[node] != left[node]]  # at least one: there was no cycle before
    together = "; ".join(f"{owners[left[node]]} and {owners[came[node]]}" for node in torn)
    start = cycle.index(torn[0])
    steps = [f"{body.tasks[left[torn[0]]].phase} of {owners[left[torn[0]]]}"]
    for node in (*cycle[start + 1 :], *cycle[:start]):
        both = f" with {owners[left[node]]}" if came[node] != left[node] else ""
        steps.append(f"{body.tasks[node].phase} of {owners[came[node]]}{both}")
    steps.append(f"{body.tasks[came[torn[0]]].phase} of {owners[came[torn[0]]]}")
    if len(steps) > LONGEST_WAY:
        steps[LONGEST_WAY // 2 : -LONGEST_WAY // 2] = ["…"]
    return Diagnostic(
        "EMB501",
        f"{what} cannot be one task, because one must come before the other: {together}",
        hint=f"the order is {' → '.join(steps)}; the plugin's aggregate() must give them different keys",
    )


def _way_round(body: Body, first: Sequence[int], cycle: Sequence[int]) -> tuple[dict[int, int], dict[int, int]]:
    """For each merged task on a cycle: by which of its members the cycle comes, and by which it leaves."""
    members: dict[int, list[int]] = {node: [] for node in cycle}
    for index, node in enumerate(first):
        if node in members:
            members[node].append(index)
    came: dict[int, int] = {}
    left: dict[int, int] = {}
    for here, there in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
        left[here], came[there] = next(
            (below, index) for index in members[there] for below in body.requires[index] if first[below] == here
        )
    return came, left


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
