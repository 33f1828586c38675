"""The resource graph as it travels in a workflow file: rows that say nothing about other rows."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embank.model import Resource, ResourceGraph
from embank.resource_graph import canonical, from_chunks, to_chunks


@st.composite
def graphs(draw: st.DrawFn) -> ResourceGraph:
    count = draw(st.integers(0, 8))
    order = draw(st.permutations(range(count)))
    resources = [Resource("T", str(number), f"name {number}") for number in range(count)]
    pairs = [(above, below) for below in range(count) for above in range(below)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return canonical(
        resources, [(resources[order[above]].key, resources[order[below]].key) for above, below in edges]
    )


@given(graphs(), st.sampled_from([1, 100, 300, 10**6]))
def test_chunks_of_any_size_give_the_graph_back(graph: ResourceGraph, limit: int) -> None:
    assert from_chunks(list(to_chunks(graph, limit))) == graph


def test_a_tree_needs_no_links_and_a_second_parent_is_one() -> None:
    a, b, c = (Resource("T", name, name) for name in "abc")
    (tree,) = to_chunks(canonical([a, b, c], [(a.key, b.key), (b.key, c.key)]), 10**6)
    assert tree == {"tree": [[0, "T", "a", "a"], [1, "T", "b", "b"], [2, "T", "c", "c"]]}
    (diamond,) = to_chunks(canonical([a, b, c], [(a.key, b.key), (b.key, c.key), (a.key, c.key)]), 10**6)
    assert diamond == tree | {"links": [["T", "a", "T", "c"]]}


def test_deep_and_wide_graphs() -> None:
    chain = [Resource("T", f"{number:06}", "") for number in range(3000)]
    deep = canonical(chain, [(above.key, below.key) for above, below in pairwise(chain)])
    assert from_chunks(list(to_chunks(deep, 10_000))) == deep
    wide = canonical(chain, [(chain[0].key, below.key) for below in chain[1:]])
    chunks = list(to_chunks(wide, 10_000))
    assert len(chunks) > 10
    assert from_chunks(chunks) == wide


@pytest.mark.parametrize(
    "chunk",
    [
        {"tree": [[1, "T", "a", "a"]]},  # below nothing
        {"tree": [[0, "T", "a", "a"], [2, "T", "b", "b"]]},
        {"tree": [[-1, "T", "a", "a"]]},
        {"tree": [[0, "T", "a", "a"], [0, "T", "a", "b"]]},  # one key twice
        {"tree": [[0, "T", "a"]]},
        {"tree": [[0, "T", "a", 5]]},
        {"tree": [["0", "T", "a", "a"]]},
        {"tree": [5]},
        {"tree": 5},
        {"tree": [[0, "T", "a", "a"], [1, "T", "b", "b"]], "links": [["T", "b", "T", "a"]]},  # a cycle
        {"tree": [[0, "T", "a", "a"]], "links": [["T", "a", "T", "b"]]},  # to nowhere
        [],
    ],
)
def test_anything_else_is_refused(chunk: object) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, IndexError, AttributeError)):
        from_chunks([chunk])
