"""Every small graph with every choice of phases, against the rules.

Covered without exception: every directed acyclic graph of one, two and three resources (with the resources
numbered along the edges, which every such graph allows), and, marked `large`, of four resources up to
renumbering (31 graphs), each with every one of the 16 subsets of phases for every resource. Renumbering that
maps a graph onto itself maps one choice of phases onto another: of those that it maps onto each other the
first is compiled (of 31 × 65,536 = 2,031,616 choices 1,508,836 remain). Compiled means traverse, aggregate,
bracket, prune and reduce; no activity is merged here, and nothing is cut into parts.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from itertools import combinations, permutations, product

import pytest

from embank.model import ActivitySpec, Body, Kind, Operation, Phase, Request, Resource, TypeSpec, Workflow
from embank.passes import PASSES
from embank.resource_graph import canonical
from kit import order

Edges = frozenset[tuple[int, int]]
PASSES_OF_ORDER = PASSES[:5]
SUBSETS = [frozenset(phase for bit, phase in enumerate(Phase) if subset >> bit & 1) for subset in range(16)]
SPECS = [TypeSpec("plugin", {phase: ActivitySpec("") for phase in phases}) for phases in SUBSETS]
BIT = {(f"T{node}", phase): 4 * node + bit for node in range(4) for bit, phase in enumerate(Phase)}


def graphs(size: int) -> Iterator[Edges]:
    """Every acyclic graph whose edges go from a smaller to a greater number."""
    pairs = list(combinations(range(size), 2))
    for chosen in product([False, True], repeat=len(pairs)):
        yield frozenset(pair for pair, there in zip(pairs, chosen, strict=True) if there)


def renumbered(edges: Edges, numbers: tuple[int, ...]) -> Edges:
    return frozenset((numbers[a], numbers[b]) for a, b in edges)


def distinct(size: int) -> list[Edges]:
    """One graph of each shape."""
    seen: set[Edges] = set()
    shapes = []
    for edges in graphs(size):
        if edges not in seen:
            shapes.append(edges)
            seen.update(renumbered(edges, numbers) for numbers in permutations(range(size)))
    return shapes


def choices(size: int, edges: Edges) -> Iterator[tuple[int, ...]]:
    """For each resource the number of its subset of phases; of choices that symmetry makes equal the least."""
    symmetries = [numbers for numbers in permutations(range(size)) if renumbered(edges, numbers) == edges]
    for choice in product(range(16), repeat=size):
        if all(choice <= tuple(choice[number] for number in numbers) for numbers in symmetries):
            yield choice


def requests(size: int, edges: Edges) -> Iterator[tuple[tuple[int, ...], Request]]:
    """A type for each resource, so that each has phases of its own."""
    resources = [Resource(f"T{node}", "r", "r") for node in range(size)]
    graph = canonical(resources, [(resources[a].key, resources[b].key) for a, b in edges])
    for choice in choices(size, edges):
        types = {f"T{node}": SPECS[subset] for node, subset in enumerate(choice)}
        yield choice, Request(Operation.PROTECT, "plan", "id", "provider", "bank", graph, types, max_tasks=10**9)


def expected(size: int, edges: Edges) -> dict[tuple[bool, ...], list[int]]:
    """By which resources implement `ready`: for every (resource, phase) the mask of those after it."""
    dependents = [[b for a, b in sorted(edges) if a == node] for node in range(size)]
    return {
        has_ready: order.closure(
            4 * size,
            [(BIT[f"T{a}", p], BIT[f"T{b}", q]) for a, p, b, q in order.rules(dependents, has_ready)],
        )
        for has_ready in product([False, True], repeat=size)
    }


def compiled(request: Request) -> Body:
    workflow = Workflow(request)
    for step in PASSES_OF_ORDER:
        checked = step(workflow)
        assert not checked.diagnostics
        assert checked.value is not None
        workflow = checked.value
    (body,) = workflow.bodies
    return body


def check(size: int, edges: Edges) -> int:
    """Compile every choice of phases for one graph; how many there were."""
    rules = expected(size, edges)
    count = 0
    for count, (choice, request) in enumerate(requests(size, edges), 1):  # noqa: B007
        after_rules = rules[tuple(Phase.READY in SUBSETS[subset] for subset in choice)]
        implemented = sum(subset << 4 * node for node, subset in enumerate(choice))
        body = compiled(request)
        after = order.closure(
            len(body.tasks), [(below, node) for node, required in enumerate(body.requires) for below in required]
        )
        activity = [
            1 << BIT[task.resources[0].type, task.phase] if task.kind is Kind.ACTIVITY else 0 for task in body.tasks
        ]
        assert after is not None, (edges, choice)
        assert sum(activity) == implemented == sum(set(activity)), (edges, choice)
        for node, bit in enumerate(activity):
            if bit:
                found = sum(activity[other] for other in order.bits(after[node]))
                assert found == after_rules[bit.bit_length() - 1] & implemented, (edges, choice)
    return count


@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_graph_of_three_resources(size: int) -> None:
    assert sum(check(size, edges) for edges in graphs(size)) > 15**size


def test_how_many_graphs_there_are() -> None:
    """The known number of acyclic graphs up to renumbering: nothing is left out."""
    assert [len(distinct(size)) for size in (1, 2, 3, 4)] == [1, 2, 6, 31]


@pytest.mark.nightly
def test_every_graph_of_four_resources() -> None:
    """On all processors: a million and a half compilations. A failure stands in the captured output."""
    shapes = distinct(4)
    context = multiprocessing.get_context("fork")
    counts = context.SimpleQueue()

    def work(mine: list[Edges]) -> None:
        counts.put(sum(check(4, edges) for edges in mine))

    processes = len(os.sched_getaffinity(0))
    workers = [context.Process(target=work, args=(shapes[number::processes],)) for number in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * processes
    assert sum(counts.get() for _ in workers) == 1_508_836
