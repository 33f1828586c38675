"""First pass: from the resource graph to a task for every activity, in the order of the edge rules.

Every resource is visited once and every edge once. Phases that nobody implements become no-op joins,
which carry the order until `prune` takes them out.

    green   parent.pre ──────► dependent.pre          teal   resource.pre ──► resource.ready
    yellow  resource.pre ────► resource.parallel             dependent.ready ──► parent.ready
    red     resource.parallel ► resource.post                resource.ready ──► resource.parallel (own only)
    indigo  dependent.post ──► parent.post

The last teal edge exists only where the resource's own plugin implements `ready`. Were it everywhere, a
dependent's pre would precede the parent's parallel of a plugin that knows three phases, and docs/reference.md
says that one runs "regardless of the dependent resources' activities" (decision PASS-1). See docs/order.md.
"""

from __future__ import annotations

from dataclasses import replace

from embank.diagnostics import Checked
from embank.graph import reverse, topological_order
from embank.model import EMPTY, Body, Kind, Phase, Policy, Request, Resource, Task, Workflow


def traverse(workflow: Workflow) -> Checked[Workflow]:
    """The body with a task for every phase of every resource, no-ops included."""
    request = workflow.request
    graph = request.graph
    joined = _joins_at_ready(request)
    nodes = _number(joined)
    tasks: list[Task] = []
    requires: list[tuple[int, ...]] = []
    parents = reverse(graph.dependents)
    for index, resource in enumerate(graph.resources):
        own = nodes[index]
        below = [nodes[dependent] for dependent in graph.dependents[index]]
        above = [nodes[parent] for parent in parents[index]]
        implemented = request.types[resource.type].activities
        edges = {
            Phase.PRE: [node[Phase.PRE] for node in above],
            Phase.PARALLEL: [own[Phase.PRE]],
            Phase.POST: [own[Phase.PARALLEL], *(node[Phase.POST] for node in below)],
        }
        if Phase.READY in own:
            edges[Phase.READY] = [own[Phase.PRE], *(node[Phase.READY] for node in below)]
            if Phase.READY in implemented:
                edges[Phase.PARALLEL].append(own[Phase.READY])
        for phase in own:
            tasks.append(_task(request, resource, phase))
            requires.append(tuple(sorted(edges[phase])))
    return Checked(replace(workflow, bodies=(Body(tuple(tasks), tuple(requires)),)))


def _joins_at_ready(request: Request) -> bytearray:
    """1 for resources whose `ready` can matter: they or something above them implements it."""
    graph = request.graph
    joined = bytearray(len(graph.resources))
    for node in topological_order(graph.dependents):
        if Phase.READY in request.types[graph.resources[node].type].activities:
            joined[node] = 1
        if joined[node]:
            for dependent in graph.dependents[node]:
                joined[dependent] = 1
    return joined


def _number(joined: bytearray) -> list[dict[Phase, int]]:
    """The number of every (resource, phase), in file order."""
    with_ready = tuple(Phase)
    without = tuple(phase for phase in Phase if phase is not Phase.READY)
    nodes: list[dict[Phase, int]] = []
    count = 0
    for joins in joined:
        phases = with_ready if joins else without
        nodes.append({phase: count + offset for offset, phase in enumerate(phases)})
        count += len(phases)
    return nodes


def _task(request: Request, resource: Resource, phase: Phase) -> Task:
    activity = request.types[resource.type].activities.get(phase)
    if activity is None:
        return Task(Kind.JOIN, phase, (resource,))
    return Task(
        Kind.ACTIVITY,
        phase,
        (resource,),
        parameters=(request.parameters.get(resource.key, EMPTY),),
        description=activity.description,
        policy=request.policies.get(resource.type, Policy()),
        closes=activity.closes,
    )
