"""Where the cuts go: a hierarchy of parts over the tasks of one body.

Why no cycle can come of it. Everything here is a sequence in which a task stands behind all that it requires, and
a part is a run of neighbours in it. Whatever such runs are cut, at any depth, edges between them only go forward.

Why little order is added (decision PASS-3). A subtree of the resource graph is *closed* when it is entered only from
the early tasks of resources above it, and left only for the late tasks of resources above it. All its tasks then come
after the same tasks and before the same tasks, and a part made of it, or of several such siblings, adds no order at
all. In a tree of resources without `ready` every subtree is closed.

Why a `ready` task never waits for more copying. Where a subtree is not closed its tasks are cut into front (pre,
ready) and back (parallel, post), the closed subtrees inside it standing between, and each is laid out for itself by
the same rule: closed fronts between pre and ready, closed backs between parallel and post. So a part has front
tasks only, or back tasks only, or is made of closed subtrees, which wait for front tasks and are waited for by back
tasks. No front task can come to wait for a back task.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from embank.graph import Tree, spanning_tree
from embank.model import Body, Phase, ResourceGraph, ResourceKey
from embank.passes.reachability import postorder

DEEP = 6  # parts in parts, and nobody minds
_STAGES = {phase: stage for stage, phase in enumerate(Phase)}


@dataclass(frozen=True, slots=True)
class Scope:
    """A range of stages, first to last, cut in two before `late`. A stage is a phase as a number."""

    first: int
    late: int
    last: int


WHOLE, FRONT, BACK = Scope(0, 2, 3), Scope(0, 1, 1), Scope(2, 3, 3)


@dataclass(slots=True)
class Part:
    """A body to be: tasks by their index, and other parts."""

    entries: list[int | Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Run:
    """What stays together in a sequence: one task, a small subtree, or a part. `where`: its node in the tree."""

    where: int
    entries: list[int | Part]


@dataclass(frozen=True, slots=True)
class Cluster:
    """The tasks in `scope` of some resources: a subtree's, as nodes of the tree in preorder, its root first.
    Below the nodes in `holed` something was taken out, so that their subtrees no longer count as closed.
    """

    scope: Scope
    nodes: Sequence[int]
    holed: Collection[int] = ()


class Layout:
    """The tasks of one body, arranged along the tree of resources."""

    def __init__(self, body: Body, graph: ResourceGraph, limit: int) -> None:
        self._limit = limit
        self._requires = body.requires
        self.tree, number = spanning_tree(graph.dependents)
        self.keys = [ResourceKey("", "")] * len(self.tree.parent)
        for index, resource in enumerate(graph.resources):
            self.keys[number[index]] = resource.key
        self._home = _homes(body, self.tree, self.keys)
        self._stage = _stages(body)
        self._own: list[list[int]] = [[] for _ in self.keys]
        for task, home in enumerate(self._home):
            self._own[home].append(task)
        self._closed = {scope: self._closed_subtrees(scope) for scope in (WHOLE, FRONT, BACK)}

    def all(self) -> Cluster:
        """Everything there is."""
        return Cluster(WHOLE, range(len(self.keys)))

    def arrange(self, cluster: Cluster, pending: list[tuple[Part, Cluster]]) -> list[list[Run]]:
        """The cluster as sequences, to be read one after the other: three, or seven for a whole.

        A closed subtree that fits is a run of its tasks. A larger one is a part, which is added to `pending` to
        be filled, unless there is nothing beside it. Where that would nest too deep, one that is more than half
        of what it hangs from is spliced in as well: the nesting is then as deep as the logarithm of the size, not
        as the tree.
        """
        scope, nodes = cluster.scope, cluster.nodes
        size, height = self._measure(cluster)
        most = size[nodes[0]]
        if scope is not WHOLE:
            most //= 4
        elif height[nodes[0]] > DEEP:
            most //= 2
        spliced: list[int] = []
        middle: list[Run] = []
        place = 0
        while place < len(nodes):
            node = nodes[place]
            large = size[node] > self._limit
            if not place or (large and size[node] >= most) or not self._is_closed(node, cluster):
                spliced.append(node)
                place += 1
                continue
            start = place
            place = bisect_left(nodes, self.tree.end[node], start)
            inside = Cluster(scope, nodes[start:place], cluster.holed)
            if large:
                part = Part()
                pending.append((part, inside))
                middle.append(Run(node, [part]))
            elif size[node]:
                middle.append(Run(node, [task for inner in inside.nodes for task in self._tasks_of(inner, scope)]))
        if scope is WHOLE:
            holed = self._above(middle, nodes[0])
            front = self.arrange(Cluster(FRONT, spliced, holed), pending)
            back = self.arrange(Cluster(BACK, spliced, holed), pending)
            return [*front, middle, *back]
        return [self._sequence(spliced, scope.first), middle, self._sequence(spliced, scope.last)]

    def _is_closed(self, node: int, cluster: Cluster) -> bool:
        return self._closed[cluster.scope][node] and node not in cluster.holed

    def _above(self, runs: Sequence[Run], root: int) -> set[int]:
        """The nodes from `root` down to what the runs hang from."""
        result = {root}
        for run in runs:
            node = self.tree.parent[run.where]
            while node not in result:
                result.add(node)
                node = self.tree.parent[node]
        return result

    def _measure(self, cluster: Cluster) -> tuple[dict[int, int], dict[int, int]]:
        """For each node, of its subtree in the cluster: the number of tasks, and how deep large parts would nest."""
        size = {node: len(self._tasks_of(node, cluster.scope)) for node in cluster.nodes}
        height = dict.fromkeys(cluster.nodes, 0)
        for node in reversed(cluster.nodes[1:]):
            above = self.tree.parent[node]
            size[above] += size[node]
            deeper = height[node] + (size[node] > self._limit and self._is_closed(node, cluster))
            height[above] = max(height[above], deeper)
        return size, height

    def _tasks_of(self, node: int, scope: Scope) -> list[int]:
        return [task for task in self._own[node] if scope.first <= self._stage[task] <= scope.last]

    def _sequence(self, nodes: Sequence[int], stage: int) -> list[Run]:
        """The tasks of one stage, each behind what it requires, otherwise in preorder (parallel, post: postorder)."""
        tasks = [task for node in nodes for task in self._own[node] if self._stage[task] == stage]
        tree = self.tree
        if stage:
            tasks.sort(key=lambda task: (tree.end[self._home[task]] - tree.depth[self._home[task]], task))
        return [Run(self._home[task], [task]) for task in _in_order(tasks, self._requires)]

    def _closed_subtrees(self, scope: Scope) -> list[bool]:
        """For each node, whether its subtree is closed as far as the stages in the scope are concerned."""
        tree, home, stage = self.tree, self._home, self._stage
        # How far up, as a depth, an edge that must not cross a closed subtree's border reaches from a subtree.
        reach = list(tree.depth)
        for task, required in enumerate(self._requires):
            below = home[task]
            if not scope.first <= stage[task] <= scope.last:
                continue
            for other in required:
                above = home[other]
                if above == below or stage[other] < scope.first:
                    continue
                entered = stage[other] < scope.late and above <= below < tree.end[above]
                left = stage[task] >= scope.late and below <= above < tree.end[below]
                if not entered and not left:
                    depth = tree.depth[tree.meet(above, below)]
                    reach[above] = min(reach[above], depth)
                    reach[below] = min(reach[below], depth)
        for node in range(len(reach) - 1, 0, -1):
            above = tree.parent[node]
            reach[above] = min(reach[above], reach[node])
        return [reach[node] >= depth for node, depth in enumerate(tree.depth)]


def _homes(body: Body, tree: Tree, keys: Sequence[ResourceKey]) -> list[int]:
    """The node that each task belongs to: its resource, or the lowest one above all its resources."""
    number = {key: node for node, key in enumerate(keys) if node}
    homes: list[int] = []
    for task in body.tasks:
        nodes = [number[resource.key] for resource in task.resources]
        home = nodes[0] if nodes else 0
        for node in nodes[1:]:
            home = tree.meet(home, node)
        homes.append(home)
    return homes


def _stages(body: Body) -> list[int]:
    """The phase of each task as a number, or that of what it requires when that is later.

    By the rules of order it never is; but everything above counts on it.
    """
    stages = [_STAGES[task.phase] if task.phase else 0 for task in body.tasks]
    for task in postorder(body.requires):
        stages[task] = max(stages[task], max((stages[other] for other in body.requires[task]), default=0))
    return stages


def _in_order(tasks: Sequence[int], requires: Sequence[Sequence[int]]) -> list[int]:
    """The tasks, each behind those among them that it requires, otherwise as they stand where possible."""
    place = {task: index for index, task in enumerate(tasks)}
    waiting = [sum(other in place for other in requires[task]) for task in tasks]
    followers: list[list[int]] = [[] for _ in tasks]
    sorted_already = True
    for index, task in enumerate(tasks):
        for other in requires[task]:
            if other in place:
                followers[place[other]].append(index)
                sorted_already = sorted_already and place[other] < index
    if sorted_already:
        return list(tasks)
    free = [index for index, count in enumerate(waiting) if not count]
    heapify(free)
    order: list[int] = []
    while free:
        index = heappop(free)
        order.append(tasks[index])
        for follower in followers[index]:
            waiting[follower] -= 1
            if not waiting[follower]:
                heappush(free, follower)
    return order
