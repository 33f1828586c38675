"""What can be reached from what: an order of the nodes, and graphs without the edges that other edges imply.

Nodes are integers, edges are adjacency lists. Everything is iterative; a cycle raises ValueError.
"""

from __future__ import annotations

from collections.abc import Sequence

from embank.graph import Adjacency


def postorder(edges: Adjacency) -> list[int]:
    """Every node once, targets before sources."""
    return _Traversal(edges).order


def transitive_reduction(edges: Adjacency, effort: int = 16) -> list[list[int]]:
    """The edges without those that longer paths imply; the order of each list stays.

    No exact reduction is known to be linear in general. This one settles nearly every edge by levels and by the
    numbers of two opposite traversals (after Yildirim, Chaoji and Zaki, "GRAIL", VLDB 2010), and for the rest
    follows at most `effort` times as many edges as there are. An edge still in doubt then stays, which changes
    nothing about what can be reached.
    """
    result = [list(targets) for targets in edges]
    level = [0] * len(edges)
    for node in postorder(edges):
        level[node] = 1 + max((level[target] for target in edges[node]), default=-1)
    # A path leads to lower levels: targets of one level cannot imply each other.
    uneven = [node for node, targets in enumerate(edges) if len({level[target] for target in targets}) > 1]
    if uneven:
        search = _Search(edges, level, effort)
        for node in uneven:
            implied = search.implied(edges[node])
            result[node] = [target for target in edges[node] if target not in implied]
    return result


class _Traversal:
    """A depth-first traversal as numbers. `rank` counts the nodes as they are left: a node is below another in
    the traversal's tree exactly when start[upper] <= rank[lower] <= rank[upper]. A path leads to lower ranks
    only, and to none under `low`.
    """

    def __init__(self, edges: Adjacency) -> None:
        size = len(edges)
        self.start = [-1] * size
        self.rank = [-1] * size
        self.low = [0] * size
        self.order: list[int] = []
        entered = bytearray(size)
        for targets in edges:
            for target in targets:
                entered[target] = 1
        for node in range(size):
            if not entered[node]:
                self._visit(edges, node)
        if len(self.order) < size:
            raise ValueError("the graph has a cycle")

    def _visit(self, edges: Adjacency, root: int) -> None:
        start, rank, low, order = self.start, self.rank, self.low, self.order
        start[root] = len(order)
        stack = [(root, iter(edges[root]))]
        while stack:
            node, targets = stack[-1]
            for target in targets:
                if start[target] < 0:
                    start[target] = len(order)
                    stack.append((target, iter(edges[target])))
                    break
                if rank[target] < 0:
                    raise ValueError("the graph has a cycle")
            else:
                stack.pop()
                rank[node] = len(order)
                low[node] = min((low[target] for target in edges[node]), default=len(order))
                order.append(node)

    def below(self, nodes: Sequence[int]) -> set[int]:
        """Those of the nodes that are below another one in the tree."""
        result: set[int] = set()
        start = len(self.order)
        for node in sorted(nodes, key=self.rank.__getitem__, reverse=True):
            if start <= self.rank[node]:
                result.add(node)
            start = min(start, self.start[node])
        return result


class _Search:
    """Finds the targets of a node that other targets of it reach, while there is budget left."""

    def __init__(self, edges: Adjacency, level: Sequence[int], effort: int) -> None:
        self._edges = edges
        self._one = _Traversal(edges)
        self._two = _Traversal([targets[::-1] for targets in edges])
        self._budget = effort * (len(edges) + sum(map(len, edges)))
        self._level = level

    def implied(self, targets: Sequence[int]) -> set[int]:
        """Those among the targets of one node to which a path leads from another."""
        one, two, level = self._one, self._two, self._level
        top = max(level[target] for target in targets)
        found = self._one.below(targets) | self._two.below(targets)
        doubtful: list[int] = []
        # What stands before a target in the order of the first ranks has the higher one, as it must to reach it.
        low_one = low_two = len(self._edges)
        rank_two = -1
        for target in sorted(targets, key=one.rank.__getitem__, reverse=True):
            lower = low_one <= one.low[target] and low_two <= two.low[target]
            if level[target] < top and lower and rank_two > two.rank[target] and target not in found:
                doubtful.append(target)
            low_one, low_two = min(low_one, one.low[target]), min(low_two, two.low[target])
            rank_two = max(rank_two, two.rank[target])
        return found.union(self._follow(targets, doubtful)) if doubtful else found

    def _follow(self, sources: Sequence[int], wanted: Sequence[int]) -> set[int]:
        """Those of the wanted nodes that are found on paths from the sources, within the budget."""
        one, two, level = self._one, self._two, self._level
        least_level = min(level[node] for node in wanted)
        least_one = min(one.rank[node] for node in wanted)
        least_two = min(two.rank[node] for node in wanted)
        missing, found, seen = set(wanted), set[int](), set[int]()
        stack = [self._edges[source] for source in sources if level[source] > least_level]
        while stack and missing:
            targets = stack.pop()
            self._budget -= 1 + len(targets)
            if self._budget < 0:
                break
            for node in targets:
                if node in seen:
                    continue
                seen.add(node)
                if node in missing:
                    missing.remove(node)
                    found.add(node)
                if level[node] > least_level and one.rank[node] > least_one and two.rank[node] > least_two:
                    stack.append(self._edges[node])
        return found
