"""Fourth pass: take out the no-ops, so that exactly the same order holds between the tasks that remain.

A no-op with in predecessors and out successors is replaced by in × out edges. Where that is more than the in +
out edges it has, it stays, as a `std.noop` join. So the edges never grow in number, and the cheapest first
keeps the whole near-linear: a chain of no-ops between two wide fans goes link by link, not fan by fan.
"""

from __future__ import annotations

from dataclasses import replace
from heapq import heapify, heappop, heappush

from embank.diagnostics import Checked
from embank.model import Body, Kind, Workflow
from embank.passes.reachability import transitive_reduction

# Each is near-linear, and tangled graphs of thousands could go on for dozens; a join too many changes no order.
ROUNDS = 8

JOIN = "Hold the order: what follows waits for all of these."


def prune(workflow: Workflow) -> Checked[Workflow]:
    """The workflow with no more joins than its order needs."""
    return Checked(
        replace(
            workflow,
            bodies=tuple(_pruned(body) for body in workflow.bodies),
            cleanup=tuple(pruned for body in workflow.cleanup if (pruned := _pruned(body)).tasks),
        )
    )


def _pruned(body: Body) -> Body:
    """Contraction makes edges that others imply; without them a join can be worth less than its edges."""
    for _ in range(ROUNDS):
        body = _contracted(body)
        if not any(task.kind is Kind.JOIN for task in body.tasks):
            return body
        requires = tuple(map(tuple, transitive_reduction(body.requires)))
        if requires == body.requires:
            return body
        body = replace(body, requires=requires)
    return _contracted(body)


def _contracted(body: Body) -> Body:
    before = [set(required) for required in body.requires]
    after: list[set[int]] = [set() for _ in before]
    for node, required in enumerate(before):
        for below in required:
            after[below].add(node)
    noop = bytearray(task.kind is Kind.JOIN for task in body.tasks)
    _contract(before, after, noop)
    return _remaining(body, before, after, noop)


def _contract(before: list[set[int]], after: list[set[int]], noop: bytearray) -> None:
    """Contract no-ops, cheapest first. A contracted one has 2 in `noop`; one that stays has 1."""
    heap = [(len(before[node]) * len(after[node]), node) for node in range(len(noop)) if noop[node]]
    heapify(heap)
    while heap:
        cost, node = heappop(heap)
        sources, targets = before[node], after[node]
        # An entry is stale when a neighbour went since; there is a newer one.
        if noop[node] != 1 or cost != len(sources) * len(targets) or cost > len(sources) + len(targets):
            continue
        noop[node] = 2
        for source in sources:
            after[source].discard(node)
            after[source] |= targets
        for target in targets:
            before[target].discard(node)
            before[target] |= sources
        for neighbour in (*sources, *targets):
            if noop[neighbour] == 1:
                heappush(heap, (len(before[neighbour]) * len(after[neighbour]), neighbour))


def _remaining(body: Body, before: list[set[int]], after: list[set[int]], noop: bytearray) -> Body:
    kept = [node for node in range(len(noop)) if noop[node] != 2]
    place = {old: new for new, old in enumerate(kept)}
    tasks = []
    for node in kept:
        task = body.tasks[node]
        if noop[node]:
            task = replace(task, description=JOIN)
        tasks.append(task)
    return Body(tuple(tasks), tuple(tuple(sorted(place[below] for below in before[node])) for node in kept))
