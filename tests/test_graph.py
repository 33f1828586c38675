"""Graph algorithms against networkx and against brute force."""

from __future__ import annotations

from itertools import pairwise

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embank.graph import depth_first, find_cycle, reverse, spanning_tree, topological_order
from embank.passes.reachability import postorder, transitive_reduction
from kit.added_order import descendants

Edges = list[list[int]]
DEEP = 3000


@st.composite
def acyclic(draw: st.DrawFn, most: int = 14) -> Edges:
    """Random adjacency lists without a cycle; the numbers of the nodes say nothing about their order."""
    size = draw(st.integers(0, most))
    number = draw(st.permutations(range(size)))
    edges: Edges = [[] for _ in range(size)]
    for upper in range(size):
        for lower in draw(st.sets(st.integers(0, upper - 1))) if upper else ():
            edges[number[upper]].append(number[lower])
    return edges


@st.composite
def any_graph(draw: st.DrawFn) -> Edges:
    size = draw(st.integers(1, 8))
    return [sorted(draw(st.sets(st.integers(0, size - 1), max_size=3))) for _ in range(size)]


def as_networkx(edges: Edges) -> networkx.DiGraph:
    graph = networkx.DiGraph()
    graph.add_nodes_from(range(len(edges)))
    graph.add_edges_from((source, target) for source, targets in enumerate(edges) for target in targets)
    return graph


@given(any_graph())
def test_reversing_twice_gives_the_same_graph(edges: Edges) -> None:
    assert reverse(reverse(edges)) == edges


@given(any_graph())
def test_depth_first_reaches_what_can_be_reached_once(edges: Edges) -> None:
    order = depth_first(edges, [0])
    assert order[0] == 0
    assert len(order) == len(set(order))
    assert set(order) == networkx.descendants(as_networkx(edges), 0) | {0}


@given(acyclic())
def test_topological_order_puts_sources_first_and_small_numbers_where_there_is_a_choice(edges: Edges) -> None:
    assert topological_order(edges) == list(networkx.lexicographical_topological_sort(as_networkx(edges)))


@given(any_graph())
def test_a_cycle_is_found_exactly_when_there_is_one(edges: Edges) -> None:
    cycle = find_cycle(edges)
    assert (cycle is None) == networkx.is_directed_acyclic_graph(as_networkx(edges))
    if cycle is not None:
        assert all(target in edges[source] for source, target in pairwise([*cycle, cycle[0]]))
        assert len(set(cycle)) == len(cycle)


@given(acyclic())
def test_postorder_puts_targets_first(edges: Edges) -> None:
    order = postorder(edges)
    place = {node: index for index, node in enumerate(order)}
    assert sorted(order) == list(range(len(edges)))
    assert all(place[target] < place[source] for source, targets in enumerate(edges) for target in targets)


@given(any_graph())
def test_postorder_and_what_is_built_on_it_refuse_cycles(edges: Edges) -> None:
    if networkx.is_directed_acyclic_graph(as_networkx(edges)):
        return
    for algorithm in (postorder, descendants, transitive_reduction):
        with pytest.raises(ValueError, match="cycle"):
            algorithm(edges)


@given(acyclic())
def test_descendants_are_those_of_networkx_and_the_node_itself(edges: Edges) -> None:
    graph = as_networkx(edges)
    for node, mask in enumerate(descendants(edges)):
        assert {other for other in range(len(edges)) if mask >> other & 1} == {
            node,
            *networkx.descendants(graph, node),
        }


@given(acyclic())
def test_the_transitive_reduction_is_that_of_networkx(edges: Edges) -> None:
    reduced = transitive_reduction(edges)
    assert set(as_networkx(reduced).edges) == set(networkx.transitive_reduction(as_networkx(edges)).edges)
    assert all(
        targets == [target for target in edges[node] if target in targets] for node, targets in enumerate(reduced)
    )


@given(acyclic(), st.sampled_from([0, 1]))
def test_a_reduction_that_gives_up_keeps_what_can_be_reached(edges: Edges, effort: int) -> None:
    reduced = transitive_reduction(edges, effort)
    assert descendants(reduced) == descendants(edges)
    assert all(set(targets) <= set(edges[node]) for node, targets in enumerate(reduced))


def test_an_edge_in_doubt_stays_when_the_effort_is_spent() -> None:
    """1 → 3 is implied by 1 → 2 → 3; only following edges shows it, as every traversal comes to 3 from 0."""
    edges = [[3], [2, 3], [3], []]
    assert transitive_reduction(edges) == [[3], [2], [3], []]
    assert transitive_reduction(edges, effort=0) == edges


def test_reduction_of_deep_and_wide_graphs() -> None:
    chain: Edges = [[node + 1, node + 2][: DEEP - 1 - node] for node in range(DEEP)]
    assert transitive_reduction(chain) == [[node + 1][: DEEP - 1 - node] for node in range(DEEP)]
    # Every leaf of a star, some with a leaf of their own, and the centre again
    star: Edges = [list(range(1, 20_001)), *([20_001 + node % 2] for node in range(20_000)), [], [20_001]]
    star[0] += [20_001, 20_002]
    assert transitive_reduction(star)[0] == list(range(1, 20_001))


@given(acyclic())
def test_the_spanning_tree_is_the_depth_first_one(edges: Edges) -> None:
    tree, number = spanning_tree(edges)
    roots = [node for node, sources in enumerate(reverse(edges)) if not sources]
    order = depth_first(edges, roots)
    assert [number[node] for node in order] == list(range(1, len(edges) + 1))
    for node in order[:]:
        above = tree.parent[number[node]]
        assert above == 0 if node in roots else node in edges[order[above - 1]]


@given(acyclic())
def test_lowest_common_ancestors(edges: Edges) -> None:
    tree, _ = spanning_tree(edges)

    def path(node: int) -> list[int]:
        return [*path(tree.parent[node]), node] if node else [0]

    for left in range(len(tree.parent)):
        below = [node for node in range(len(tree.parent)) if left in path(node)]
        assert below == list(range(left, tree.end[left]))
        assert tree.depth[left] == len(path(left)) - 1
        for right in range(len(tree.parent)):
            shared = [one for one, other in zip(path(left), path(right), strict=False) if one == other]
            assert tree.meet(left, right) == shared[-1]


def test_nothing_is_recursive() -> None:
    edges: Edges = [[node + 1] for node in range(DEEP - 1)] + [[]]
    tree, _ = spanning_tree(edges)
    assert tree.meet(1, DEEP) == 1
    assert tree.depth[DEEP] == DEEP
    assert postorder(edges) == list(range(DEEP - 1, -1, -1))
    assert topological_order(edges) == depth_first(edges, [0]) == list(range(DEEP))
    assert find_cycle([*edges[:-1], [0]]) == list(range(DEEP))
