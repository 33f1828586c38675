"""The order rules once more, in a few obvious lines, and how to read the order of a workflow.

Nothing here calls a pass or an algorithm of the compiler: what these functions say is what `docs/order.md`
says, so that a mistake in the passes and one in here would have to be the same mistake.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from embank.model import Body, Kind, Phase, Request, ResourceKey, Task

PRE, READY, PARALLEL, POST = Phase.PRE, Phase.READY, Phase.PARALLEL, Phase.POST
Node = tuple[Phase, frozenset[ResourceKey]]  # an activity: its phase, and the resources it is for
After = dict[Node, frozenset[Node]]  # for each activity all those that come after it


# --- the rules -------------------------------------------------------------------------------------------


def rules(dependents: Sequence[Sequence[int]], has_ready: Sequence[bool]) -> Iterator[tuple[int, Phase, int, Phase]]:
    """Every edge between activities, implemented or not: this resource's phase comes before that one's."""
    for resource, below in enumerate(dependents):
        yield resource, PRE, resource, PARALLEL  # yellow
        yield resource, PARALLEL, resource, POST  # red
        yield resource, PRE, resource, READY  # teal
        if has_ready[resource]:
            yield resource, READY, resource, PARALLEL  # teal
        for dependent in below:
            yield resource, PRE, dependent, PRE  # green
            yield dependent, POST, resource, POST  # indigo
            yield dependent, READY, resource, READY  # teal


def closure(count: int, edges: Iterable[tuple[int, int]]) -> list[int] | None:
    """For each of `count` nodes the bitmask of the nodes after it; None when there is a cycle."""
    targets: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for source, target in edges:
        targets[source].append(target)
        waiting[target] += 1
    order = [node for node in range(count) if not waiting[node]]
    for node in order:  # grows while it is walked
        for target in targets[node]:
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    after = [0] * count
    for node in reversed(order):
        for target in targets[node]:
            after[node] |= after[target] | 1 << target
    return after if len(order) == count else None


def reached(count: int, edges: Iterable[tuple[int, int]], starts: Iterable[int]) -> Iterator[set[int]]:
    """For each start the nodes after it: for graphs too large for `closure`."""
    targets: list[list[int]] = [[] for _ in range(count)]
    for source, target in edges:
        targets[source].append(target)
    for start in starts:
        seen: set[int] = set()
        stack = [start]
        while stack:
            new = set(targets[stack.pop()]) - seen
            seen |= new
            stack += new
        yield seen


def bits(mask: int) -> Iterator[int]:
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1


def rule_graph(request: Request) -> tuple[list[Node], list[tuple[int, int]]]:
    """All activities, merged as the plugins say, and the edges of the rules. One that nothing implements has
    no resources.
    """
    resources = request.graph.resources
    number: dict[object, int] = {}  # of every (resource, phase), and of every group of them
    phases: list[Phase] = []
    keys: list[set[ResourceKey]] = []
    for node, resource in enumerate(resources):
        spec = request.types[resource.type]
        parents = [other for other, below in zip(resources, request.graph.dependents, strict=True) if node in below]
        for phase in Phase:
            key = spec.aggregate(phase, resource, parents) if phase in spec.activities else None
            group = (resource, phase) if key is None else (spec.plugin, phase, key)
            if group not in number:
                number[group] = len(keys)
                phases.append(phase)
                keys.append(set())
            number[resource, phase] = number[group]
            if phase in spec.activities:
                keys[number[group]].add(resource.key)
    has_ready = [READY in request.types[resource.type].activities for resource in resources]
    edges = [
        (number[resources[a], p], number[resources[b], q])
        for a, p, b, q in rules(request.graph.dependents, has_ready)
    ]
    return [(phase, frozenset(group)) for phase, group in zip(phases, keys, strict=True)], edges


def expected(request: Request) -> After | None:
    """What the rules say of the implemented activities of a request; None when merging makes a cycle."""
    nodes, edges = rule_graph(request)
    after = closure(len(nodes), edges)
    if after is None:
        return None
    return {
        node: frozenset(nodes[other] for other in bits(mask) if nodes[other][1])
        for node, mask in zip(nodes, after, strict=True)
        if node[1]
    }


def expected_cleanup(request: Request) -> After:
    """The closers in post order: those of a dependent before those of everything above it. Closers of one
    resource in the order of their phases. (For requests that aggregate no closers.)
    """
    resources, types = request.graph.resources, request.types
    edges = ((a, b) for a, below in enumerate(request.graph.dependents) for b in below)
    below = closure(len(resources), edges)
    assert below is not None
    closers = {
        index: [phase for phase in Phase if phase in activities and activities[phase].closes]
        for index, resource in enumerate(resources)
        for activities in [types[resource.type].activities]
    }
    after: dict[Node, set[Node]] = {}
    for index, phases in closers.items():
        for phase in phases:
            later = [(index, other) for other in phases[phases.index(phase) + 1 :]]
            above = [(up, other) for up, mask in enumerate(below) if mask >> index & 1 for other in closers[up]]
            after[phase, frozenset([resources[index].key])] = {
                (other, frozenset([resources[up].key])) for up, other in later + above
            }
    return {node: frozenset(nodes) for node, nodes in after.items()}


# --- reading workflows -----------------------------------------------------------------------------------


def node_of(task: Task) -> Node:
    assert task.phase is not None
    return task.phase, frozenset(resource.key for resource in task.resources)


def flattened(bodies: Sequence[Body]) -> tuple[dict[int, Node], int, list[tuple[int, int]]]:
    """A workflow with its parts taken apart: every task t starts at node t and ends at node t + total, a part
    starts before all that is in it and ends after all of it. Fails when a part is run twice or never, or an
    activity stands there twice. Returns the activities, `total`, and the edges.
    """
    offset = [0]
    for body in bodies:
        offset.append(offset[-1] + len(body.tasks))
    total = offset[-1]
    edges = [(task, task + total) for task in range(total)]
    nodes: dict[int, Node] = {}
    run: set[int] = set()
    for index, body in enumerate(bodies):
        for me, (task, requires) in enumerate(zip(body.tasks, body.requires, strict=True), offset[index]):
            assert len(set(requires)) == len(requires)
            edges += ((offset[index] + required + total, me) for required in requires)
            if task.part is not None:
                assert task.kind is Kind.PART
                assert task.part not in run
                run.add(task.part)
                for inner in range(offset[task.part], offset[task.part + 1]):
                    edges += [(me, inner), (inner + total, me + total)]
            elif task.kind is not Kind.JOIN:
                nodes[me] = node_of(task)
    assert run == set(range(1, len(bodies)))
    assert len(set(nodes.values())) == len(nodes)
    return nodes, total, edges


def observed(bodies: Sequence[Body]) -> After:
    """The order between the activities of a workflow. Fails when it has a cycle."""
    nodes, total, edges = flattened(bodies)
    after = closure(2 * total, edges)
    assert after is not None
    return {
        node: frozenset(nodes[other] for other in bits(after[me + total]) if other in nodes)
        for me, node in nodes.items()
    }


def steps(after: After) -> str:
    """An order as text: one `id.phase > id.phase …` a line for what comes next, without what this implies."""

    def say(node: Node) -> str:
        return f"{'+'.join(sorted(key.id for key in node[1]))}.{node[0]}"

    lines = []
    for node, later in after.items():
        direct = later - frozenset().union(*(after[other] for other in later))
        lines.append(f"{say(node)} > {' '.join(sorted(map(say, direct)))}".rstrip(" >"))
    return "\n".join(sorted(lines))
