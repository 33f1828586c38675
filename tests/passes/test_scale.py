"""Deep, wide and tangled graphs: every pass finishes, without recursion, and the order is still the rules'."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from embank.model import Kind, Phase, Request, Resource, ResourceKey, Workflow
from embank.passes import compile_workflow
from kit import graphs, order

Edges = list[tuple[int, int]]

THREE = "pre, parallel, post"
FOUR = "pre, ready closes pre, parallel, post"


def chain(size: int) -> Edges:
    return [(number, number + 1) for number in range(size - 1)]


def star(size: int) -> Edges:
    return [(0, number) for number in range(1, size)]


def tree(size: int) -> Edges:
    """Every resource under a random earlier one."""
    choice = random.Random(1)
    return [(choice.randrange(number), number) for number in range(1, size)]


def ladder(size: int) -> Edges:
    """Diamonds one below the other: 2 ** diamonds ways from the top to the bottom."""
    return [
        edge for top in range(0, size - 1, 3)
        for edge in ((top, top + 1), (top, top + 2), (top + 1, top + 3), (top + 2, top + 3))
    ]  # fmt: skip


def build(edges: Edges, activities: list[str], max_tasks: int) -> Request:
    """Resources that are of as many types as there are `activities`, in turn."""
    count = 1 + max(max(edge) for edge in edges)
    resources = [Resource(f"T{number % len(activities)}", f"r{number}", "") for number in range(count)]
    types = {f"T{number}": graphs.type_spec(text) for number, text in enumerate(activities)}
    keys = [(resources[a].key, resources[b].key) for a, b in edges]
    return graphs.request_of(resources, keys, types, max_tasks)


def compiled(request: Request) -> Workflow:
    checked = compile_workflow(request)
    assert checked.diagnostics == ()
    assert checked.value is not None
    return checked.value


def activities(request: Request) -> Iterator[tuple[Phase, frozenset[ResourceKey]]]:
    for resource in request.graph.resources:
        for phase in request.types[resource.type].activities:
            yield phase, frozenset([resource.key])


def check(request: Request, samples: int = 12) -> Workflow:
    """All activities are there once, in no cycle; after some of them comes what the rules say."""
    workflow = compiled(request)
    nodes, total, edges = order.flattened(workflow.bodies)
    assert set(nodes.values()) == set(activities(request))
    waiting = [0] * (2 * total)
    targets: list[list[int]] = [[] for _ in waiting]
    for source, target in edges:
        targets[source].append(target)
        waiting[target] += 1
    free = [node for node, count in enumerate(waiting) if not count]
    for node in free:
        for target in targets[node]:
            waiting[target] -= 1
            if not waiting[target]:
                free.append(target)
    assert len(free) == 2 * total

    rule_nodes, rule_edges = order.rule_graph(request)
    place = {node: number for number, node in enumerate(rule_nodes)}
    chosen = random.Random(2).sample(sorted(nodes), min(samples, len(nodes)))
    found = order.reached(2 * total, edges, [node + total for node in chosen])
    said = order.reached(len(rule_nodes), rule_edges, [place[nodes[node]] for node in chosen])
    for here, rules in zip(found, said, strict=True):
        after = {nodes[node] for node in here if node in nodes}
        needed = {rule_nodes[node] for node in rules if rule_nodes[node][1]}
        assert after >= needed if len(workflow.bodies) > 1 else after == needed
    return workflow


WHOLE, CUT = 10**9, 50


@pytest.mark.nightly
@pytest.mark.parametrize("max_tasks", [WHOLE, CUT])
@pytest.mark.parametrize("activities", [[THREE], [FOUR], [FOUR, "", "", "parallel"], ["pre", "", "post"]], ids=str)
@pytest.mark.parametrize(
    "edges",
    [chain(3000), ladder(3 * 18 + 1), ladder(3 * 500 + 1)],
    ids=["3000 levels", "18 diamonds", "500 diamonds"],
)
def test_deep_graphs(edges: Edges, activities: list[str], max_tasks: int) -> None:
    check(build(edges, activities, max_tasks), samples=50)


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("activities", "max_tasks"), [([THREE], CUT), ([FOUR], CUT), ([FOUR, "", "", "parallel"], WHOLE)], ids=str
)
@pytest.mark.parametrize("shape", [star, tree])
def test_a_hundred_thousand(shape: Callable[[int], Edges], activities: list[str], max_tasks: int) -> None:
    check(build(shape(100_000), activities, max_tasks), samples=4)


@pytest.mark.parametrize(
    "edges", [chain(300), star(300), tree(300), ladder(301)], ids=["chain", "star", "tree", "ladder"]
)
@pytest.mark.parametrize("max_tasks", [WHOLE, 20])
def test_the_same_shapes_smaller(edges: Edges, max_tasks: int) -> None:
    """Exactly, for every activity."""
    for kinds in ([THREE], [FOUR], [FOUR, "", "", "parallel"], ["pre", "", "post"]):
        request = build(edges, kinds, max_tasks)
        found, expected = order.observed(compiled(request).bodies), order.expected(request)
        assert found.keys() == expected.keys()
        if max_tasks == WHOLE:
            assert found == expected
        assert all(found[node] >= after for node, after in expected.items())


@pytest.mark.nightly
def test_a_hundred_thousand_resources_between_two_layers_of_no_ops() -> None:
    """300 parents, one shared rack without activities, 100,000 disks: joins keep it from 30 million edges."""
    rack, disks = 300, 100_000
    edges = [(parent, rack) for parent in range(rack)] + [(rack, rack + 1 + disk) for disk in range(disks)]
    resources = [
        Resource("Server" if n < rack else "Rack" if n == rack else "Disk", f"r{n}", "")
        for n in range(rack + 1 + disks)
    ]
    types = {
        "Server": graphs.type_spec("pre, post"),
        "Rack": graphs.type_spec(""),
        "Disk": graphs.type_spec("parallel"),
    }
    request = graphs.request_of(resources, [(resources[a].key, resources[b].key) for a, b in edges], types)
    (body,) = check(request, samples=2).bodies
    assert sum(map(len, body.requires)) == 2 * (rack + disks)
    assert sum(task.kind is Kind.JOIN for task in body.tasks) == 2
