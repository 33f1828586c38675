"""Graph algorithms without domain words. Nodes are integers, edges are adjacency lists.

Everything is iterative and linear in nodes and edges unless it says otherwise: graphs here are a
thousand levels deep and a hundred thousand nodes wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush

Adjacency = Sequence[Sequence[int]]


def reverse(edges: Adjacency) -> list[list[int]]:
    """The same graph with every edge turned round; the sources in each list ascend."""
    result: list[list[int]] = [[] for _ in edges]
    for source, targets in enumerate(edges):
        for target in targets:
            result[target].append(source)
    return result


def depth_first(edges: Adjacency, roots: Sequence[int]) -> list[int]:
    """Every node that can be reached, once, in depth-first preorder; neighbours in the given order."""
    seen = bytearray(len(edges))
    order: list[int] = []
    stack = list(reversed(roots))
    while stack:
        node = stack.pop()
        if seen[node]:
            continue
        seen[node] = 1
        order.append(node)
        stack.extend(target for target in reversed(edges[node]) if not seen[target])
    return order


def topological_order(edges: Adjacency) -> list[int]:
    """Sources before targets, the smallest node first among those that are free (n log n).

    Shorter than the graph when there is a cycle: the nodes on and behind it are missing.
    """
    waiting = [0] * len(edges)
    for targets in edges:
        for target in targets:
            waiting[target] += 1
    free = [node for node, count in enumerate(waiting) if not count]
    heapify(free)
    order: list[int] = []
    while free:
        node = heappop(free)
        order.append(node)
        for target in edges[node]:
            waiting[target] -= 1
            if not waiting[target]:
                heappush(free, target)
    return order


def find_cycle(edges: Adjacency) -> list[int] | None:
    """The nodes of one cycle, in order (the last has an edge to the first), or None."""
    unfinished = set(range(len(edges))).difference(topological_order(edges))
    if not unfinished:
        return None
    # Every unfinished node has an unfinished predecessor: walking backwards must come round.
    before: dict[int, int] = {}
    for source in unfinished:
        for target in edges[source]:
            before.setdefault(target, source)
    node = min(unfinished)
    position: dict[int, int] = {}
    path: list[int] = []
    while node not in position:
        position[node] = len(path)
        path.append(node)
        node = before[node]
    cycle = path[position[node] :][::-1]
    first = cycle.index(min(cycle))
    return cycle[first:] + cycle[:first]
