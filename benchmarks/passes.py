"""How long each pass takes, and how that grows: `PYTHONPATH=tests python benchmarks/passes.py [resources …]`.

Times are CPU seconds, and multiples of a baseline measured in the same run: building the task graph that the
workflow has at the end as plain dictionaries, successors and predecessors of every task. The growth is the slope
of time over size on logarithmic axes, from the two largest sizes: 1 is linear. Below that: how much order outlining
adds, on small graphs of more shapes, as the share of the pairs of tasks that could have run in any order.
"""

from __future__ import annotations

import gc
import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

from embank.model import ActivitySpec, Operation, Phase, Request, Resource, TypeSpec, Workflow
from embank.passes import PASSES
from embank.passes.outline import outline
from embank.resource_graph import canonical
from kit.added_order import added_order

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
LEVELS = 3_000  # a chain or a ladder is not longer than this: further ones start beside it
THREE = TypeSpec("plugin", {phase: ActivitySpec("") for phase in Phase if phase is not Phase.READY})
FOUR = TypeSpec("plugin", {phase: ActivitySpec("") for phase in Phase})

Edges = Iterator[tuple[int, int]]
Shape = Callable[[int], Edges]


def fan(size: int) -> Edges:
    """All under one."""
    return ((0, node) for node in range(1, size))


def chain(size: int) -> Edges:
    """Each under the one before."""
    return (edge for edge in pairwise(range(size)) if edge[1] % LEVELS)


def tree(size: int) -> Edges:
    """Five under each."""
    return (((node - 1) // 5, node) for node in range(1, size))


def ladder(size: int) -> Edges:
    """Two a level, each of them under both above."""
    for node in range(size):
        for below in (node // 2 * 2 + 2, node // 2 * 2 + 3):
            if below < size and below // 2 % LEVELS:
                yield node, below


def projects(size: int) -> Edges:
    """Projects of 40 servers with 4 volumes each."""
    for node in range(size):
        place = node % 201
        if place:
            yield node - place + ((place - 1) // 5 * 5 + 1 if (place - 1) % 5 else 0), node


def tangle(size: int) -> Edges:
    """One and a half edges for each, to anywhere."""
    choice = random.Random(1)
    return iter({(low, high) for _ in range(size * 3 // 2) for low, high in [sorted(choice.sample(range(size), 2))]})


def request_of(shape: Shape, size: int, spec: TypeSpec, top: TypeSpec | None = None) -> Request:
    """A request to protect resources of one type; with `top`, those that are under none are of another."""
    edges = list(shape(size))
    below = {node for _, node in edges}
    resources = [Resource("T" if node in below else "Top", f"{node:06}", "") for node in range(size)]
    graph = canonical(resources, ((resources[a].key, resources[b].key) for a, b in edges))
    return Request(Operation.PROTECT, "plan", "id", "provider", "bank", graph, {"T": spec, "Top": top or spec})


def seconds(run: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    gc.collect()
    start = time.process_time()
    run()
    return time.process_time() - start


def plain_graph(workflow: Workflow) -> dict[object, list[object]]:
    """The tasks of a workflow with what stands before and after each, and nothing else."""
    before: dict[object, list[object]] = {}
    after: dict[object, list[object]] = {}
    for number, body in enumerate(workflow.bodies):
        for task, requires in enumerate(body.requires):
            before[number, task] = [(number, other) for other in requires]
            for other in requires:
                after.setdefault((number, other), []).append((number, task))
    return before | after


def measure(request: Request) -> tuple[dict[str, float], float]:
    """Seconds of each pass, and of the baseline."""
    workflow = Workflow(request)
    times: dict[str, float] = {}
    for step in PASSES:
        results: list[Workflow | None] = []
        given = workflow
        times[step.__name__] = seconds(lambda: results.append(step(given).value))  # noqa: B023 - called at once
        assert results[0] is not None
        workflow = results[0]
    return times, min(seconds(lambda: plain_graph(workflow)) for _ in range(5))


def speed(sizes: list[int]) -> None:
    """Print the times of all passes on all shapes."""
    names = [step.__name__ for step in PASSES]
    for spec, phases in ((THREE, "pre, parallel, post"), (FOUR, "pre, ready, parallel, post")):
        for shape in (fan, chain, tree, ladder, projects):
            print(f"\n{shape.__name__}, {phases}: multiples of the baseline")
            print(f"{'resources':>10} {'baseline':>10} " + " ".join(f"{name:>10}" for name in [*names, "all"]))
            totals: list[dict[str, float]] = []
            for size in sizes:
                times, baseline = measure(request_of(shape, size, spec))
                times["all"] = sum(times.values())
                totals.append(times)
                ratios = " ".join(f"{times[name] / baseline:10.1f}" for name in [*names, "all"])
                print(f"{size:>10} {baseline:>9.4f}s {ratios}", flush=True)
            if len(sizes) > 1:
                scale = math.log(sizes[-1] / sizes[-2])
                growth = {name: math.log(totals[-1][name] / totals[-2][name]) / scale for name in totals[-1]}
                print(f"{'growth':>21} " + " ".join(f"{growth[name]:10.2f}" for name in [*names, "all"]))


def order() -> None:
    """Print what outlining adds, first without `ready`, then with, at last with it below the top only."""
    print("\nOrder that outlining adds to 300 resources (402: projects), at most 50 tasks in a body")
    print(f"{'shape':>10} {'phases':>7} {'tasks':>6} {'bodies':>7} {'pairs':>8} {'share':>7}  which wait for which")
    for spec, top, phases in ((THREE, THREE, "3"), (FOUR, FOUR, "4"), (FOUR, THREE, "3 and 4")):
        for shape in (fan, tree, projects, chain, ladder, tangle):
            workflow = Workflow(request_of(shape, 402 if shape is projects else 300, spec, top))
            for step in PASSES[: PASSES.index(outline)]:
                workflow = step(workflow).value or workflow
            bodies = (outline(workflow).value or workflow).bodies
            found = added_order(workflow.bodies[0], bodies)
            pairs = ", ".join(f"{mine}←{other} {count}" for (mine, other), count in found.added.most_common(3))
            print(
                f"{shape.__name__:>10} {phases:>7} {found.tasks:>6} {len(bodies):>7}"
                f" {found.added.total():>8} {found.share:>7.1%}  {pairs}"
            )


if __name__ == "__main__":
    speed([int(argument) for argument in sys.argv[1:]] or list(SIZES))
    order()
