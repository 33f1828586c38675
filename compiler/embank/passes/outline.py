"""Cut large bodies into sub-workflows of at most `max_tasks` tasks.

After reducing, so that few edges are left to run between parts; before naming, since a part needs a name as well.
An engine that looks at every task whenever one completes (Mistral's reverse workflows) costs quadratic time without
this, and a person reads fifty tasks more easily than five thousand.
"""

from __future__ import annotations

from dataclasses import replace

from embank.diagnostics import Checked
from embank.model import Body, Kind, Phase, Request, ResourceGraph, Task, Workflow
from embank.passes.outlining.layout import Layout, Part
from embank.passes.outlining.pack import pack
from embank.passes.reachability import transitive_reduction


def outline(workflow: Workflow) -> Checked[Workflow]:
    """The workflow with every body at most `max_tasks` long (2 at least). The same object when it already is."""
    bodies = _outlined(workflow.bodies, workflow.request)
    cleanup = _outlined(workflow.cleanup, workflow.request)
    if bodies is workflow.bodies and cleanup is workflow.cleanup:
        return Checked(workflow)
    return Checked(replace(workflow, bodies=bodies, cleanup=cleanup))


def _outlined(bodies: tuple[Body, ...], request: Request) -> tuple[Body, ...]:
    limit = max(2, request.max_tasks)
    if all(len(body.tasks) <= limit for body in bodies):
        return bodies
    (body,) = bodies
    layout = Layout(body, request.graph, limit)
    top = Part()
    pending = [(top, layout.all())]
    while pending:
        part, cluster = pending.pop()
        part.entries = pack(layout, layout.arrange(cluster, pending), limit)
    return _build(body, top, request.graph)


def _build(body: Body, top: Part, graph: ResourceGraph) -> tuple[Body, ...]:
    """The bodies of a hierarchy of parts, in the order in which a reader of the file comes to them."""
    parts, parents = _in_file_order(top)
    number = {id(part): index for index, part in enumerate(parts)}
    place: dict[int, tuple[int, int]] = {}  # of a task: its part, and where in it
    above: list[tuple[int, int]] = [(0, 0)] * len(parts)  # the same of a part
    for index, part in enumerate(parts):
        for position, entry in enumerate(part.entries):
            if isinstance(entry, Part):
                above[number[id(entry)]] = (index, position)
            else:
                place[entry] = (index, position)
    depth = [0] * len(parts)
    for index in range(1, len(parts)):
        depth[index] = depth[parents[index]] + 1
    requires: list[list[set[int]]] = [[set() for _ in part.entries] for part in parts]
    for task, required in enumerate(body.requires):
        for other in required:
            (left, position), (right, target) = place[task], place[other]
            while left != right:
                if depth[left] >= depth[right]:
                    left, position = above[left]
                else:
                    right, target = above[right]
            requires[left][position].add(target)
    tasks = _part_tasks(body, parts, number, graph)
    return tuple(
        Body(
            tuple(
                tasks[number[id(entry)]] if isinstance(entry, Part) else body.tasks[entry] for entry in part.entries
            ),
            tuple(map(tuple, _sorted(part, requires[index]))),
        )
        for index, part in enumerate(parts)
    )


def _sorted(part: Part, requires: list[set[int]]) -> list[list[int]]:
    """The requires of a body. Those on parts stand for many, and imply each other anew."""
    ascending = [sorted(group) for group in requires]
    return transitive_reduction(ascending) if any(isinstance(entry, Part) for entry in part.entries) else ascending


def _in_file_order(top: Part) -> tuple[list[Part], list[int]]:
    """All parts, each before the parts in it, and the number of the one around each; sorts their entries."""
    parts = [top]
    for part in parts:
        parts.extend(entry for entry in part.entries if isinstance(entry, Part))
    first: dict[int, int] = {}

    def first_task(entry: int | Part) -> int:
        return first[id(entry)] if isinstance(entry, Part) else entry

    for part in reversed(parts):
        part.entries.sort(key=first_task)
        first[id(part)] = first_task(part.entries[0])
    ordered: list[Part] = []
    parents: list[int] = []
    stack = [(top, 0)]
    while stack:
        part, parent = stack.pop()
        stack.extend((entry, len(ordered)) for entry in reversed(part.entries) if isinstance(entry, Part))
        ordered.append(part)
        parents.append(parent)
    return ordered, parents


def _part_tasks(body: Body, parts: list[Part], number: dict[int, int], graph: ResourceGraph) -> list[Task]:
    """The task that stands for each part: named after the resource that comes first in it."""
    order = {resource: index for index, resource in enumerate(graph.resources)}
    resources = [{order[resource] for resource in task.resources} for task in body.tasks]
    members: list[list[int]] = [[] for _ in parts]
    result: list[Task] = []
    for index in range(len(parts) - 1, -1, -1):
        for entry in parts[index].entries:
            members[index].extend(members[number[id(entry)]] if isinstance(entry, Part) else [entry])
        inside = set[int]().union(*(resources[member] for member in members[index]))
        phases = {body.tasks[member].phase for member in members[index]}
        result.append(
            Task(
                Kind.PART,
                resources=(graph.resources[min(inside)],) if inside else (),
                description=(
                    f"{', '.join(phase for phase in Phase if phase in phases)}: {len(members[index])} tasks"
                    f" of {len(inside)} resource{'s' * (len(inside) != 1)}"
                ),
                part=index,
            )
        )
    return result[::-1]
