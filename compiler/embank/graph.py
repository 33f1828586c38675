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


class Tree:
    """A rooted tree that answers which node is above which. Node 0 is the root; `parent[i] < i` for others,
    numbered in depth-first preorder, so that the nodes below i, and i, are range(i, end[i]).

    Lowest common ancestors take logarithmic time by one jump pointer for each node (Myers, "An applicative
    random-access stack", 1983).
    """

    def __init__(self, parent: Sequence[int]) -> None:
        size = len(parent)
        self.parent = parent
        self.depth = [0] * size
        self.end = list(range(1, size + 1))
        self._jump = [0] * size
        for node in range(1, size):
            above = parent[node]
            self.depth[node] = self.depth[above] + 1
            far = self._jump[above]
            even = self.depth[above] - self.depth[far] == self.depth[far] - self.depth[self._jump[far]]
            self._jump[node] = self._jump[far] if even else above
        for node in range(size - 1, 0, -1):
            self.end[parent[node]] = max(self.end[parent[node]], self.end[node])

    def meet(self, left: int, right: int) -> int:
        """The lowest node that has both below it, or is one of them."""
        if left > right:
            left, right = right, left
        while right >= self.end[left]:
            left = self._jump[left] if right >= self.end[self._jump[left]] else self.parent[left]
        return left


def spanning_tree(edges: Adjacency) -> tuple[Tree, list[int]]:
    """The depth-first tree over an acyclic graph, below a root of its own; and the number of each node in it."""
    above = bytearray(len(edges))
    for targets in edges:
        for target in targets:
            above[target] = 1
    number = [0] * len(edges)
    parent = [0]
    stack = [(node, 0) for node in range(len(edges) - 1, -1, -1) if not above[node]]
    while stack:
        node, source = stack.pop()
        if number[node]:
            continue
        number[node] = len(parent)
        parent.append(source)
        stack.extend((target, number[node]) for target in reversed(edges[node]) if not number[target])
    return Tree(parent), number
