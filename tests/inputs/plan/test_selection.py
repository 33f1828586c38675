"""What a plan selects from a resource graph, and whether a provider can protect it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embank.diagnostics import Diagnostic
from embank.inputs.plan.plan import Plan
from embank.inputs.plan.selection import check_types, select
from embank.inputs.provider.find import find_provider, load_providers
from embank.model import Resource, ResourceGraph
from embank.resource_graph import canonical

Say = Callable[[tuple[Diagnostic, ...]], list[str]]
PlanWith = Callable[[str], Plan]
GraphOf = Callable[..., ResourceGraph]
Select = Callable[[str, ResourceGraph], tuple[list[str], list[str]]]


# -- selecting --

SHOP = {
    "shop": "files db cache",
    "files": "",
    "db": "disk",
    "cache": "deep disk",
    "deep": "",
    "disk": "",
    "other": "",
}


def test_a_plain_entry_selects_one_resource_and_warns_of_what_it_leaves_out(
    graph_of: GraphOf, selected: Select
) -> None:
    ids, problems = selected("- {type: A, id: shop}\n- {type: A, id: db}\n", graph_of(**SHOP))
    assert ids == ["shop", "db"]
    assert problems == [
        "5:3 EMB308 'A#shop' is selected without its dependents 'A#cache', 'A#files'",
        "6:3 EMB308 'A#db' is selected without its dependents 'A#disk'",
    ]


def test_under_selects_everything_under_a_resource(graph_of: GraphOf, selected: Select) -> None:
    ids, problems = selected("- under: {type: A, id: shop}\n", graph_of(**SHOP))
    assert sorted(ids) == ["cache", "db", "deep", "disk", "files", "shop"]
    assert problems == []


def test_exclude_takes_away_what_is_only_reached_through_it(graph_of: GraphOf, selected: Select) -> None:
    ids, problems = selected("- under: {type: A, id: shop}\n  exclude: [{type: A, id: cache}]\n", graph_of(**SHOP))
    assert sorted(ids) == ["db", "disk", "files", "shop"]
    assert problems == []


def test_what_one_entry_excludes_another_may_select(graph_of: GraphOf, selected: Select) -> None:
    entries = "- under: {type: A, id: shop}\n  exclude: [{type: A, id: cache}]\n- {type: A, id: cache}\n"
    ids, problems = selected(entries, graph_of(**SHOP))
    assert sorted(ids) == ["cache", "db", "disk", "files", "shop"]
    assert problems == ["7:3 EMB308 'A#cache' is selected without its dependents 'A#deep'"]


def test_what_is_excluded_on_purpose_is_no_warning(graph_of: GraphOf, selected: Select) -> None:
    entries = "- {type: A, id: db}\n- under: {type: A, id: cache}\n  exclude: [{type: A, id: disk}]\n"
    assert selected(entries, graph_of(**SHOP))[1] == []


def test_a_resource_that_does_not_exist_is_answered_with_what_was_meant(
    said: Say, plan_with: PlanWith, graph_of: GraphOf
) -> None:
    graph = graph_of(**SHOP)
    entries = (
        "- {type: A, id: shopp}\n- under: {type: A, id: shop}\n  exclude: [{type: A, id: cahce}, {type: B, id: db}]\n"
    )
    chosen = select(plan_with(entries), graph)
    assert chosen.value is None
    assert said(chosen.diagnostics) == [
        "5:3 EMB306 the resource 'A#shopp' is not in the resource graph",
        "7:13 EMB306 the resource 'A#cahce' is not in the resource graph",
        "7:35 EMB306 the resource 'B#db' is not in the resource graph",
    ]
    hints = [each.hint for each in chosen.diagnostics]
    assert hints == ["did you mean 'A#shop'?", "did you mean 'A#cache'?", "did you mean 'A#db'?"]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ("- {type: A, id: db}\n- {type: A, id: db}\n- {type: A, id: disk}", [("6:3", "5:3")]),
        ("- under: {type: A, id: db}\n- {type: A, id: disk}", [("6:3", "5:10")]),
        ("- {type: A, id: disk}\n- under: {type: A, id: db}", [("5:3", "6:10")]),
        ("- under: {type: A, id: db}\n- under: {type: A, id: db}", [("6:10", "5:10")]),
        ("- under: {type: A, id: db}\n- under: {type: A, id: disk}", [("6:10", "5:10")]),
        ("- under: {type: A, id: db}\n- under: {type: A, id: cache}", []),
    ],
)
def test_a_resource_that_is_selected_twice_is_a_warning_with_both_places(
    entries: str, expected: list[tuple[str, str]], plan_with: PlanWith, graph_of: GraphOf
) -> None:
    chosen = select(plan_with(entries), graph_of(**SHOP))
    assert chosen.ok
    assert [(str(each.place)[7:], str(each.related[0].place)[7:]) for each in chosen.diagnostics] == expected
    assert {each.code for each in chosen.diagnostics} <= {"EMB307"}


def test_excluding_what_is_not_there_to_be_excluded_is_a_warning(graph_of: GraphOf, selected: Select) -> None:
    entries = (
        "- under: {type: A, id: shop}\n  exclude: [{type: A, id: other}, {type: A, id: cache}, {type: A, id: deep}]\n"
    )
    ids, problems = selected(entries, graph_of(**SHOP))
    assert sorted(ids) == ["db", "disk", "files", "shop"]
    assert problems == ["6:13 EMB307 'A#other' is not under 'A#shop': excluding it has no effect"]


def test_a_plan_that_excludes_everything_selects_nothing(said: Say, plan_with: PlanWith, graph_of: GraphOf) -> None:
    chosen = select(plan_with("- under: {type: A, id: db}\n  exclude: [{type: A, id: db}]\n"), graph_of(**SHOP))
    assert chosen.value is None
    assert said(chosen.diagnostics) == [
        "6:13 EMB307 'A#db' excludes itself, and with it everything under it",
        "4:1 EMB305 the plan selects nothing: everything that it selects is excluded",
    ]


def test_many_left_out_dependents_are_counted(graph_of: GraphOf, selected: Select) -> None:
    graph = graph_of(top=" ".join(f"d{n}" for n in range(9)), **{f"d{n}": "" for n in range(9)})
    _, (problem,) = selected("- {type: A, id: top}", graph)
    assert problem.endswith("'A#d0', 'A#d1', 'A#d2', 'A#d3', 'A#d4' and 4 more")


@st.composite
def graphs_and_plans(draw: st.DrawFn) -> tuple[dict[str, str], list[tuple[str, bool, list[str]]]]:
    names = [f"n{number}" for number in range(draw(st.integers(1, 7)))]
    below = {
        name: draw(st.lists(st.sampled_from(names[n + 1 :] or [""]), unique=True)) for n, name in enumerate(names)
    }
    entry = st.tuples(
        st.sampled_from(names), st.booleans(), st.lists(st.sampled_from(names), max_size=2, unique=True)
    )
    entries = draw(st.lists(entry, min_size=1, max_size=4))
    return {name: " ".join(group) for name, group in below.items()}, entries


@given(graphs_and_plans())
def test_the_selection_is_the_union_of_its_entries(
    plan_with: PlanWith,
    graph_of: GraphOf,
    drawn: tuple[dict[str, str], list[tuple[str, bool, list[str]]]],
) -> None:
    below, entries = drawn

    def under(name: str, excluded: list[str]) -> set[str]:
        if name in excluded:
            return set()
        return {name}.union(*(under(next_, excluded) for next_ in below[name].split()))

    expected: set[str] = set()
    text = ""
    for name, whole, excluded in entries:
        expected |= under(name, excluded) if whole else {name}
        out = ", ".join(f"{{type: A, id: {each}}}" for each in excluded)
        text += f"- under: {{type: A, id: {name}}}\n  exclude: [{out}]\n" if whole else f"- {{type: A, id: {name}}}\n"
    chosen = select(plan_with(text), graph_of(**below))
    assert ({resource.id for resource in chosen.value.resources} if chosen.value else set()) == expected


@pytest.mark.nightly
def test_a_hundred_thousand_resources_are_selected(plan_with: PlanWith) -> None:
    resources = [Resource("A", f"n{number}", "") for number in range(100_000)]
    edges = [
        (resources[number - 1 if number < 3000 else number % 3000].key, resources[number].key)
        for number in range(1, 100_000)
    ]
    graph = canonical(resources, edges)
    entries = "".join(f"- under: {{type: A, id: n{number}}}\n" for number in range(0, 3000, 3))
    chosen = select(plan_with(entries), graph)
    assert chosen.value == graph


# -- against a provider --


def test_a_type_without_a_plugin_is_an_error_that_says_which_there_are(
    acme: None, directory: Callable[..., Path], said: Say, plan_with: PlanWith
) -> None:
    where = directory(
        a="[provider]\nname = acme\nid = a\nbank = karbor.protections.acme-memory-bank-plugin\n"
        "plugin = karbor.protections.acme-things-protection-plugin\n"
    )
    provider = find_provider(load_providers(str(where)).value or (), "acme").value
    assert provider
    graph = canonical(
        [Resource("Acme::Thing", "a", ""), Resource("Acme::Thnig", "b", ""), *(Resource("X", c, "") for c in "cde")],
        [],
    )
    place = plan_with("- {type: A, id: a}").provider_place
    found = check_types(graph, provider, place)
    assert said(found) == [
        "3:11 EMB309 the provider 'acme' has no plugin for the type 'Acme::Thnig' of 'Acme::Thnig#b'",
        "3:11 EMB309 the provider 'acme' has no plugin for the type 'X' of 3 resources, such as 'X#c'",
    ]
    assert [each.hint for each in found] == ["did you mean 'Acme::Thing'?", "its plugins protect: Acme::Thing"]
