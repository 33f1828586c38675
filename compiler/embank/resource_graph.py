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

    `tree` has a row [depth, type, id, name] for each resource, somewhere below the one it is a dependent of;
    `links` has a row [type, id, type, id] for every further parent and its dependent. No row holds the number
    of another, so that one resource more or less is one line more or less in a workflow file (decision FILE-4).
    """
    chunk: dict[str, list[list[Json]]] = {}
    size = 0
    for kind, row in _rows(graph):
        # 6: a character may be written as \uXXXX
        weight = sum(6 * len(cell) if isinstance(cell, str) else 10 for cell in row) + 10
        if chunk and size + weight > limit:
            yield chunk
            chunk, size = {}, 0
        chunk.setdefault(kind, []).append(row)
        size += weight
    yield chunk


def from_chunks(chunks: Sequence[Json]) -> ResourceGraph:
    """The graph that `to_chunks` wrote. Raises ValueError, KeyError, TypeError, IndexError or AttributeError
    for anything else.
    """
    resources: list[Resource] = []
    edges: list[tuple[ResourceKey, ResourceKey]] = []
    path: list[Resource] = []
    for depth, *facts in (row for chunk in chunks for row in chunk.get("tree", ())):
        resource = Resource(*facts)
        if not all(isinstance(fact, str) for fact in facts):
            raise TypeError("type, id and name of a resource are text")
        if not 0 <= depth <= len(path):
            raise ValueError(f"{resource} has depth {depth} below a resource of depth {len(path) - 1}")
        if depth:
            edges.append((path[depth - 1].key, resource.key))
        path[depth:] = [resource]
        resources.append(resource)
    for parent_type, parent_id, type_, id_ in (row for chunk in chunks for row in chunk.get("links", ())):
        edges.append((ResourceKey(parent_type, parent_id), ResourceKey(type_, id_)))
    return canonical(resources, edges)


def _rows(graph: ResourceGraph) -> Iterator[tuple[str, list[Json]]]:
    parents = reverse(graph.dependents)
    path: list[int] = []
    depths: list[int] = []
    links: list[tuple[int, int]] = []
    for node, resource in enumerate(graph.resources):
        # In depth-first order the parent that leads here is the deepest one on the path to the node before.
        above = {depths[parent]: parent for parent in parents[node] if parent < node}
        depth = max((level + 1 for level, parent in above.items() if path[level : level + 1] == [parent]), default=0)
        tree_parent = path[depth - 1] if depth else None
        links += ((parent, node) for parent in parents[node] if parent != tree_parent)
        path[depth:] = [node]
        depths.append(depth)
        yield "tree", [depth, resource.type, resource.id, resource.name]
    for parent, node in links:
        yield "links", [*graph.resources[parent].key, *graph.resources[node].key]
