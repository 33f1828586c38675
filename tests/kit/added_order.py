"""What outlining costs: how many tasks come to wait for how many others that they did not wait for before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from embank.graph import Adjacency
from embank.model import Body, Phase
from embank.passes.reachability import postorder

Pair = tuple[Phase | None, Phase | None]


@dataclass(frozen=True, slots=True)
class AddedOrder:
    """Counts of ordered pairs (a task, one that it waits for, directly or not), by the phases of both."""

    tasks: int
    before: Counter[Pair]
    after: Counter[Pair]

    @property
    def added(self) -> Counter[Pair]:
        """What outlining added, by phases: those of the task that waits and of the one that it waits for."""
        return self.after - self.before

    @property
    def share(self) -> float:
        """The part of the pairs of tasks that were free to run in any order, and no longer are."""
        free = self.tasks * (self.tasks - 1) // 2 - self.before.total()
        return self.added.total() / free if free else 0.0


def added_order(body: Body, outlined: Sequence[Body]) -> AddedOrder:
    """Compare a body with the bodies it was cut into. Exact, and quadratic: for a few thousand tasks."""
    return AddedOrder(len(body.tasks), _ordered_pairs([body]), _ordered_pairs(outlined))


def _ordered_pairs(bodies: Sequence[Body]) -> Counter[Pair]:
    """Every task is a node that requires its body's start; a body's end requires all in it."""
    requires: list[list[int]] = [[] for _ in range(2 * len(bodies))]
    phases: dict[int, Phase | None] = {}
    for number, body in enumerate(bodies):
        start, end = 2 * number, 2 * number + 1
        spans: list[tuple[int, int]] = []
        for task in body.tasks:
            if task.part is None:
                phases[len(requires)] = task.phase
                spans.append((len(requires), len(requires)))
                requires.append([])
            else:
                spans.append((2 * task.part, 2 * task.part + 1))
        for (first, last), required in zip(spans, body.requires, strict=True):
            requires[first] += [start, *(spans[other][1] for other in required)]
            requires[end].append(last)
    reached = descendants(requires)
    masks: Counter[Phase | None] = Counter()
    for node, phase in phases.items():
        masks[phase] += 1 << node
    pairs: Counter[Pair] = Counter()
    for node, phase in phases.items():
        for other, mask in masks.items():
            pairs[phase, other] += (reached[node] & mask & ~(1 << node)).bit_count()
    return pairs


def descendants(edges: Adjacency) -> list[int]:
    """For each node the nodes that can be reached from it, itself included, as the bits of an integer.

    Exact and quadratic in space: for a few thousand nodes.
    """
    reached = [0] * len(edges)
    for node in postorder(edges):
        bits = 1 << node
        for target in edges[node]:
            bits |= reached[target]
        reached[node] = bits
    return reached
