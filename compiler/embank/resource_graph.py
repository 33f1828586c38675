"""Resource graphs: their canonical form, a selection of one, and how they are written as JSON."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from embank.graph import depth_first, reverse
from embank.model import Json, Resource, ResourceGraph, ResourceKey


def canonical(resources: Iterable[Resource], edges: Iterable[tuple[ResourceKey, ResourceKey]]) -> ResourceGraph:
    """The canonical form of an acyclic graph, whatever the order of its parts (edges: parent, dependent).

    Raises ValueError for a cycle or two resources of one key, KeyError for an edge to nowhere: readers
    that want a message with a place check before.
    """
    ordered = sorted(resources, key=lambda resource: resource.key)
    number = {resource.key: index for index, resource in enumerate(ordered)}
    if len(number) != len(ordered):
        raise ValueError("two resources have the same type and id")
    targets: list[set[int]] = [set() for _ in ordered]
    for parent, dependent in edges:
        targets[number[parent]].add(number[dependent])
    adjacency = [sorted(group) for group in targets]
    parents = reverse(adjacency)
    order = depth_first(adjacency, [node for node, above in enumerate(parents) if not above])
    if len(order) != len(ordered):
        raise ValueError("the resource graph has a cycle")
    place = {node: index for index, node in enumerate(order)}
    return ResourceGraph(
        tuple(ordered[node] for node in order),
        tuple(tuple(place[target] for target in adjacency[node]) for node in order),
    )


def restrict(graph: ResourceGraph, keep: Collection[int]) -> ResourceGraph:
    """The graph of the resources in `keep`. What was above another through resources that are left out
    still is: the order between the kept ones does not depend on what lies between them.
    """
    kept = set(keep)
    edges: list[tuple[ResourceKey, ResourceKey]] = []
    for node in kept:
        seen: set[int] = set()
        stack = list(graph.dependents[node])
        while stack:
            below = stack.pop()
            if below in seen:
                continue
            seen.add(below)
            if below in kept:
                edges.append((graph.resources[node].key, graph.resources[below].key))
            else:
                stack.extend(graph.dependents[below])
    return canonical((graph.resources[node] for node in kept), edges)


def to_chunks(graph: ResourceGraph, limit: int) -> Iterator[dict[str, Json]]:
    """The graph as JSON values of about `limit` characters each, at least one.

    `nodes` are [type, id, name]; `edges` are [parent, dependent], numbers of nodes over all chunks.
    """
    chunk: dict[str, list[list[Json]]] = {}
    size = 0
    edges = ([parent, target] for parent, below in enumerate(graph.dependents) for target in below)
    for kind, rows in (
        ("nodes", ([resource.type, resource.id, resource.name] for resource in graph.resources)),
        ("edges", edges),
    ):
        for row in rows:
            # 6: a character may be written as \uXXXX
            weight = sum(6 * len(cell) if isinstance(cell, str) else 10 for cell in row) + 10
            if chunk and size + weight > limit:
                yield dict(chunk)
                chunk, size = {}, 0
            chunk.setdefault(kind, []).append(list(row))
            size += weight
    yield dict(chunk)


def from_chunks(chunks: Sequence[Json]) -> ResourceGraph:
    """The graph that `to_chunks` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    resources = [Resource(*row) for chunk in chunks for row in chunk.get("nodes", ())]
    keys = [resource.key for resource in resources]
    edges = [(keys[parent], keys[target]) for chunk in chunks for parent, target in chunk.get("edges", ())]
    return canonical(resources, edges)
