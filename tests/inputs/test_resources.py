"""The resource graph file: what it says, what is wrong with it and where, and that it comes back as written."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from embank.diagnostics import Diagnostic, Severity
from embank.inputs import yaml
from embank.inputs.resources import read_resources, resources_of, write_resources
from embank.model import Resource, ResourceGraph, ResourceKey
from embank.resource_graph import canonical

SHOP = """\
version: 1
resources:
  - type: Local::Application
    id: shop
    name: The shop
    dependents:
      - {type: Local::Directory, id: files}
      - {type: Local::SQLite, id: orders}
  - type: Local::SQLite
    id: orders
    dependents: [{type: Local::Directory, id: files}]
  - {type: Local::Directory, id: files, name: 'Receipts & pictures'}
  - {type: Local::SQLite, id: shop}
"""


def read(text: str) -> tuple[ResourceGraph | None, tuple[Diagnostic, ...]]:
    located = yaml.parse(text.encode(), "r.yaml")
    assert located.value
    graph = resources_of(located.value)
    return graph.value, (*located.diagnostics, *graph.diagnostics)


def problems(text: str) -> list[str]:
    graph, found = read(text)
    assert graph is None or not any(each.severity is Severity.ERROR for each in found)
    return [f"{each.place}"[7:] + f" {each.code} {each.message}" for each in found]


def test_a_graph_is_read() -> None:
    graph, found = read(SHOP)
    assert not found
    assert graph
    names = {str(resource): resource.name for resource in graph.resources}
    assert names == {
        "Local::Application#shop": "The shop",
        "Local::Directory#files": "Receipts & pictures",
        "Local::SQLite#orders": "orders",
        "Local::SQLite#shop": "shop",
    }
    below = {
        str(resource): [str(graph.resources[index]) for index in graph.dependents[number]]
        for number, resource in enumerate(graph.resources)
    }
    assert below["Local::Application#shop"] == ["Local::Directory#files", "Local::SQLite#orders"]
    assert below["Local::SQLite#orders"] == ["Local::Directory#files"]


def test_json_is_read_as_well() -> None:
    graph, _ = read(SHOP)
    text = json.dumps(pyyaml.safe_load(SHOP))
    assert read(text)[0] == graph


def test_the_order_of_the_file_does_not_matter() -> None:
    graph, _ = read(SHOP)
    document = pyyaml.safe_load(SHOP)
    for seed in range(5):
        random.Random(seed).shuffle(document["resources"])
        assert read(pyyaml.safe_dump(document))[0] == graph


def test_writing_is_friendly_to_readers() -> None:
    graph, _ = read(SHOP)
    assert graph
    assert write_resources(graph) == (
        """\
version: 1
resources:
  - type: Local::Application
    id: shop
    name: The shop
    dependents:
      - {type: Local::Directory, id: files}
      - {type: Local::SQLite, id: orders}
  - type: Local::Directory
    id: files
    name: 'Receipts & pictures'
  - type: Local::SQLite
    id: orders
    name: orders
    dependents:
      - {type: Local::Directory, id: files}
  - type: Local::SQLite
    id: shop
    name: shop
"""
    )


def test_one_resource_more_is_a_few_lines_more() -> None:
    graph, _ = read(SHOP)
    assert graph
    text = write_resources(graph)
    more, _ = read(text + "  - {type: Local::Directory, id: guides}\n")
    assert more
    before, after = text.splitlines(), write_resources(more).splitlines()
    start = after.index("    id: guides") - 1
    assert after[:start] + after[start + 3 :] == before


NASTY = [
    "quote ' and \" and `", "new\nline", "nul\0", "\x85", "\ufffe", "💾 emoji", "<% $.x %>", "{{ x }}", "{% x %}",
    ": ", "- ", "&a", "*a", "on", "null", "1e3", "12", "", " x ", "x" * 5000, "\u202eright to left", "# no comment",
    "a, b]", "!tag", "%", "@", "=", "<<", "~", "\ttab", "\\", "\u2028", "\ufeff", "🏴\U000e0067", "2024-01-01",
    "0x1F", "1:30",
]  # fmt: skip


def test_nasty_names_and_ids_come_back() -> None:
    resources = [Resource("T::A", text or "empty", text) for text in NASTY]
    edges = [(resources[0].key, resource.key) for resource in resources[1:]]
    graph = canonical(resources, edges)
    text = write_resources(graph)
    assert read(text) == (graph, ())
    names = {row["id"]: row["name"] for row in pyyaml.safe_load(text)["resources"]}
    assert names == {resource.id: resource.name for resource in resources}


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(st.lists(st.tuples(st.sampled_from(["A", "B::C"]), words, words), max_size=8), st.data())
def test_what_is_written_comes_back(facts: list[tuple[str, str, str]], data: st.DataObject) -> None:
    resources = list({(kind, id_): Resource(kind, id_, name) for kind, id_, name in facts}.values())
    pairs = [(a.key, b.key) for n, a in enumerate(resources) for b in resources[n + 1 :]]
    edges = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    graph = canonical(resources, edges)
    assert read(write_resources(graph)) == (graph, ())


# -- what is wrong --


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("resources: []", "1:1 EMB302 the file does not say its version"),
        ("version: 2\nresources: []", "1:10 EMB304 the version 2 is not known; this Embank reads version 1"),
        ("version: '1'\nresources: []", "1:10 EMB304 the version '1' is not known; this Embank reads version 1"),
        ("version: true\nresources: []", "1:10 EMB304 the version true is not known; this Embank reads version 1"),
        ("version: 1", "1:1 EMB302 the resource graph has no resources"),
        ("version: 1\nresource: []\nresources: []", "2:1 EMB301 a resource graph has no key 'resource'"),
    ],
)
def test_what_is_wrong_with_the_file_is_said_at_its_place(text: str, expected: str) -> None:
    assert problems(text) == [expected]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("{}", "2:12 EMB303 resources of the resource graph should be a list, not keys and values"),
        ("", "2:11 EMB303 resources of the resource graph should be a list, not nothing"),
        ("[a]", "2:13 EMB303 a resource should be keys and values, not text"),
        ("[{id: a}]", "2:13 EMB302 a resource has no type"),
        ("[{type: A, id: 12}]", "2:27 EMB303 id of a resource should be text, not the number 12"),
        ("[{type: A, id: on}]", "2:27 EMB303 id of a resource should be text, not true"),
        ("[{type: A, id: ''}]", "2:27 EMB302 id of a resource is empty"),
        ("[{type: 'A#b', id: c}]", "2:20 EMB303 'A#b' cannot be a resource type"),
        ("[{type: A, id: a, name: 7}]", "2:36 EMB303 name of a resource should be text, not the number 7"),
        ("[{type: A, id: a, depends: []}]", "2:30 EMB301 a resource has no key 'depends'"),
        ("[{type: A, id: a, dependents: b}]", "2:42 EMB303 dependents of a resource should be a list, not text"),
        ("[{type: A, id: a, dependents: [b]}]", "2:43 EMB303 a dependent should be keys and values, not text"),
        ("[{type: A, id: a, dependents: [{type: B}]}]", "2:43 EMB302 a dependent has no id"),
        ("[{type: A, id: a, dependents: [{type: A, id: a}]}]", "2:43 EMB403 'A#a' is a dependent of itself"),
        ("[{type: A, id: a, dependents: [{type: A, id: b}]}]",
         "2:43 EMB402 the dependent 'A#b' is not among the resources"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_resource_is_said_at_its_place(rows: str, expected: str) -> None:
    assert problems(f"version: 1\nresources: {rows}") == [expected]


def test_two_resources_with_one_key_show_the_first() -> None:
    rows = "- {type: A, id: a}\n- {type: B, id: a}\n- {type: A, id: a}\n- {type: A, id: a, name: b}\n"
    _, found = read(f"version: 1\nresources:\n{rows}")
    assert [each.message for each in found] == [
        "the resource 'A#a' is listed twice",
        "the resource 'A#a' is listed twice, with different names: a resource is its type and id, whatever its name",
    ]
    assert [str(related.place) for each in found for related in each.related] == ["r.yaml:3:3", "r.yaml:3:3"]


def test_a_dependent_that_does_not_exist_is_answered_with_what_was_meant() -> None:
    rows = (
        "- {type: A, id: shop, dependents: [{type: A, id: ordres}, {type: C, id: shop}]}\n- {type: A, id: orders}\n"
    )
    _, found = read(f"version: 1\nresources:\n{rows}")
    assert [each.hint for each in found] == ["did you mean 'A#orders'?", "did you mean 'A#shop'?"]


def test_a_dependent_listed_twice_is_a_warning_and_counts_once() -> None:
    rows = "- {type: A, id: a, dependents: [{type: A, id: b}, {type: A, id: b}]}\n- {type: A, id: b}\n"
    graph, (found,) = read(f"version: 1\nresources:\n{rows}")
    assert (found.code, found.severity) == ("EMB404", Severity.WARNING)
    assert graph
    assert graph.dependents == ((1,), ())


def test_a_cycle_is_printed_whole_with_the_place_of_every_step() -> None:
    rows = "".join(
        f"- {{type: A, id: {a}, dependents: [{{type: A, id: {b}}}]}}\n" for a, b in ("ab", "bc", "cd", "db", "ea")
    )
    _, (found,) = read(f"version: 1\nresources:\n{rows}")
    assert found.message == "resources are dependents of each other in a cycle: 'A#b' → 'A#c' → 'A#d' → 'A#b'"
    assert [(str(related.place), related.message) for related in found.related] == [
        ("r.yaml:4:33", "A#b → A#c"),
        ("r.yaml:5:33", "A#c → A#d"),
        ("r.yaml:6:33", "A#d → A#b"),
    ]


def test_separate_cycles_are_all_reported() -> None:
    rows = "".join(
        f"- {{type: A, id: {a}, dependents: [{{type: A, id: {b}}}]}}\n" for a, b in ("ab", "ba", "cd", "dc")
    )
    assert len(problems(f"version: 1\nresources:\n{rows}")) == 2


def test_many_mistakes_are_cut_short() -> None:
    found = problems("version: 1\nresources:\n" + "- {type: A}\n" * 1000)
    assert len(found) == 101
    assert found[-1] == " EMB113 more than 100 problems; the rest is not shown"
    assert len(problems("version: 1\nresources:\n" + "- {type: A}\n" * 100)) == 100


def test_text_for_terminals_is_made_visible_in_messages() -> None:
    (found,) = problems('version: 1\nresources: [{type: A, id: a, "\\e[31m": 1}]\n')
    assert "\x1b" not in found
    assert r"\x1b[31m" in found


def test_a_file_that_is_not_yaml_is_reported_by_the_reader(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text("version: 1\nresources: [\n")
    checked = read_resources(str(file))
    assert checked.value is None
    assert [each.code for each in checked.diagnostics] == ["EMB101"]


def test_a_duplicate_key_makes_the_graph_unusable(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text("version: 1\nresources:\n- {type: A, id: a, id: b}\n")
    checked = read_resources(str(file))
    assert not checked.ok
    assert [each.code for each in checked.diagnostics] == ["EMB102"]


# -- size --


@pytest.mark.nightly
def test_a_hundred_thousand_resources_three_thousand_levels_deep() -> None:
    resources = [Resource("T::A", f"id-{number}", f"name {number}") for number in range(100_000)]
    above = [number - 1 if number < 3000 else number % 3000 for number in range(100_000)]
    edges = [(resources[above[number]].key, resources[number].key) for number in range(1, 100_000)]
    graph = canonical(resources, edges)
    text = write_resources(graph)
    assert read(text) == (graph, ())


@pytest.mark.nightly
def test_a_cycle_of_three_thousand_is_still_printed_whole() -> None:
    rows = "".join(
        f"- {{type: A, id: n{n}, dependents: [{{type: A, id: n{(n + 1) % 3000}}}]}}\n" for n in range(3000)
    )
    _, (found,) = read(f"version: 1\nresources:\n{rows}")
    assert len(found.related) == 3000
    assert found.message.count("→") == 3000


def test_equal_ids_of_different_types_are_different_resources() -> None:
    rows = "- {type: A, id: x, dependents: [{type: B, id: x}]}\n- {type: B, id: x}\n"
    graph, found = read(f"version: 1\nresources:\n{rows}")
    assert not found
    assert graph
    assert [resource.key for resource in graph.resources] == [ResourceKey("A", "x"), ResourceKey("B", "x")]
