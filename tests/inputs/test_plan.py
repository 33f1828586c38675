"""The plan file, and what it selects from a resource graph."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embank.diagnostics import Checked, Diagnostic, Severity
from embank.inputs import yaml
from embank.inputs.plan import Plan, plan_of, read_plan
from embank.inputs.provider import find_provider, load_providers
from embank.inputs.selection import check_types, select
from embank.inputs.settings import read_parameters, resolve_policies
from embank.model import Policy, Resource, ResourceGraph
from embank.resource_graph import canonical

PLAN = """\
version: 1
name: nightly-shop
provider: local
resources:
  - {type: A, id: db, name: The database}
  - under: {type: A, id: shop}
    exclude:
      - {type: A, id: cache}
parameters:
  A: {compress: false}
  A#db: {level: 3}
policies:
  A: {retry: {count: 3, delay: 5}, timeout: 600, poll_interval: 10, concurrency: 2}
  B: {retry: {count: 1}}
"""


def parsed(text: str) -> Checked[Plan]:
    located = yaml.parse(text.encode(), "p.yaml")
    assert located.value
    plan = plan_of(located.value)
    return Checked(plan.value, (*located.diagnostics, *plan.diagnostics))


def said(problems: tuple[Diagnostic, ...]) -> list[str]:
    return [f"{each.place}"[7:] + f" {each.code} {each.message}" for each in problems]


def plan_with(entries: str) -> Plan:
    plan = parsed(f"version: 1\nname: p\nprovider: x\nresources:\n{entries}")
    assert plan.value, said(plan.diagnostics)
    return plan.value


def graph_of(**dependents: str) -> ResourceGraph:
    """`graph_of(a="b c", b="c", c="")`: resources of the type A and their dependents."""
    edges = [(Resource("A", a, a).key, Resource("A", b, b).key) for a in dependents for b in dependents[a].split()]
    return canonical([Resource("A", name, name) for name in dependents], edges)


def selected(entries: str, graph: ResourceGraph) -> tuple[list[str], list[str]]:
    chosen = select(plan_with(entries), graph)
    return [resource.id for resource in chosen.value.resources] if chosen.value else [], said(chosen.diagnostics)


# -- the file --


def test_a_plan_is_read() -> None:
    checked = parsed(PLAN)
    assert not checked.diagnostics
    plan = checked.value
    assert plan
    assert (plan.name, plan.provider, plan.file) == ("nightly-shop", "local", "p.yaml")
    assert [
        (str(each.resource.key), each.under, [str(out.key) for out in each.exclude]) for each in plan.selections
    ] == [
        ("A#db", False, []),
        ("A#shop", True, ["A#cache"]),
    ]
    assert [(str(each), each.values) for each in plan.settings.parameters] == [
        ("A", {"compress": False}),
        ("A#db", {"level": 3}),
    ]
    assert plan.settings.policies.by_type == {"A": Policy(3, 5, 600, 10), "B": Policy(1, 1, None, None)}
    assert plan.settings.policies.concurrency == {"A": 2}


HEAD = "version: 1\nname: p\nprovider: x\nresources: [{type: A, id: a}]\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 1", ["1:1 EMB302 the plan has no name", "1:1 EMB302 the plan has no provider",
                        "1:1 EMB302 the plan has no resources"]),
        (HEAD.replace("name: p", "name: 1st"), ["2:7 EMB303 '1st' cannot be a plan's name"]),
        (HEAD.replace("name: p", "name: 'a b'"), ["2:7 EMB303 'a b' cannot be a plan's name"]),
        (HEAD.replace("name: p", f"name: {'x' * 101}"), [f"2:7 EMB303 '{'x' * 79}…' cannot be a plan's name"]),
        (HEAD.replace("name: p", "name: 7"), ["2:7 EMB303 name of the plan should be text, not the number 7"]),
        (HEAD.replace("provider: x", "provider: ''"), ["3:11 EMB302 provider of the plan is empty"]),
        (HEAD.replace("[{type: A, id: a}]", "[]"), ["4:12 EMB305 the plan selects nothing"]),
        (HEAD.replace("[{type: A, id: a}]", "{type: A, id: a}"), [
            "4:12 EMB303 resources of the plan should be a list, not keys and values"]),
        (HEAD.replace("version", "versoin"), [
            "1:1 EMB301 a plan has no key 'versoin'", "1:1 EMB302 the file does not say its version"]),
        (HEAD.replace("id: a", "id: a, only: b"), ["4:30 EMB301 an entry of resources has no key 'only'"]),
        (HEAD.replace("id: a", "id: a, exclude: []"), [
            "4:30 EMB303 `exclude` takes away from what is `under` something"]),
        (HEAD.replace("type: A, id: a", "under: a"), [
            "4:21 EMB303 under of an entry of resources should be keys and values, not text"]),
        (HEAD.replace("type: A, id: a", "under: {type: A, id: a}, id: a"), [
            "4:39 EMB301 an entry with `under` has no key 'id'"]),
        (HEAD.replace("type: A, id: a", "under: {type: A, id: a}, exclude: [{type: A}]"), [
            "4:49 EMB302 an entry of exclude has no id"]),
        (HEAD + "parameters: []", ["5:13 EMB303 parameters of the file should be keys and values, not a list"]),
        (HEAD + "parameters: {A: 1}", [
            "5:17 EMB303 A of the parameters should be keys and values, not the number 1"]),
        (HEAD + "parameters: {'A#': {}}", ["5:14 EMB303 'A#' is neither TYPE nor TYPE#ID"]),
        (HEAD + "policies: {A#b: {}}", ["5:12 EMB303 'A#b' is not a type"]),
        (HEAD + "policies: {A: {retries: 1}}", ["5:16 EMB301 the policy of A has no key 'retries'"]),
        (HEAD + "policies: {A: {retry: {delay: 1}}}", ["5:23 EMB302 retry in the policy of A has no count"]),
        (HEAD + "policies: {A: {retry: {}}}", ["5:23 EMB302 retry in the policy of A has no count"]),
        (HEAD + "policies: {A: {timeout: 0}}", [
            "5:25 EMB303 timeout of the policy of A should be a whole number from 1 to 31536000"]),
        (HEAD + "policies: {A: {timeout: 99999999999}}", [
            "5:25 EMB303 timeout of the policy of A should be a whole number from 1 to 31536000"]),
        (HEAD + "policies: {A: {concurrency: true}}", [
            "5:29 EMB303 concurrency of the policy of A should be a whole number, not true"]),
        (HEAD + "policies: {A: {poll_interval: 1.5}}", [
            "5:31 EMB303 poll_interval of the policy of A should be a whole number, not the number 1.5"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_plan_is_said_at_its_place(text: str, expected: list[str]) -> None:
    checked = parsed(text)
    assert said(checked.diagnostics) == expected
    assert checked.value is None


def test_the_rule_for_names_is_said() -> None:
    (problem,) = parsed(HEAD.replace("name: p", "name: a/b")).diagnostics
    assert "letters, digits, '-', '_' and '.'" in problem.hint


def test_a_plan_with_a_duplicate_key_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(HEAD + "name: q\n")
    checked = read_plan(str(file))
    assert checked.value is None
    assert [each.code for each in checked.diagnostics] == ["EMB102"]


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


def test_a_plain_entry_selects_one_resource_and_warns_of_what_it_leaves_out() -> None:
    ids, problems = selected("- {type: A, id: shop}\n- {type: A, id: db}\n", graph_of(**SHOP))
    assert ids == ["shop", "db"]
    assert problems == [
        "5:3 EMB308 'A#shop' is selected without its dependents 'A#cache', 'A#files'",
        "6:3 EMB308 'A#db' is selected without its dependents 'A#disk'",
    ]


def test_under_selects_everything_under_a_resource() -> None:
    ids, problems = selected("- under: {type: A, id: shop}\n", graph_of(**SHOP))
    assert sorted(ids) == ["cache", "db", "deep", "disk", "files", "shop"]
    assert problems == []


def test_exclude_takes_away_what_is_only_reached_through_it() -> None:
    ids, problems = selected("- under: {type: A, id: shop}\n  exclude: [{type: A, id: cache}]\n", graph_of(**SHOP))
    assert sorted(ids) == ["db", "disk", "files", "shop"]
    assert problems == []


def test_what_one_entry_excludes_another_may_select() -> None:
    entries = "- under: {type: A, id: shop}\n  exclude: [{type: A, id: cache}]\n- {type: A, id: cache}\n"
    ids, problems = selected(entries, graph_of(**SHOP))
    assert sorted(ids) == ["cache", "db", "disk", "files", "shop"]
    assert problems == ["7:3 EMB308 'A#cache' is selected without its dependents 'A#deep'"]


def test_what_is_excluded_on_purpose_is_no_warning() -> None:
    entries = "- {type: A, id: db}\n- under: {type: A, id: cache}\n  exclude: [{type: A, id: disk}]\n"
    assert selected(entries, graph_of(**SHOP))[1] == []


def test_a_resource_that_does_not_exist_is_answered_with_what_was_meant() -> None:
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
    entries: str, expected: list[tuple[str, str]]
) -> None:
    chosen = select(plan_with(entries), graph_of(**SHOP))
    assert chosen.ok
    assert [(str(each.place)[7:], str(each.related[0].place)[7:]) for each in chosen.diagnostics] == expected
    assert {each.code for each in chosen.diagnostics} <= {"EMB307"}


def test_excluding_what_is_not_there_to_be_excluded_is_a_warning() -> None:
    entries = (
        "- under: {type: A, id: shop}\n  exclude: [{type: A, id: other}, {type: A, id: cache}, {type: A, id: deep}]\n"
    )
    ids, problems = selected(entries, graph_of(**SHOP))
    assert sorted(ids) == ["db", "disk", "files", "shop"]
    assert problems == ["6:13 EMB307 'A#other' is not under 'A#shop': excluding it has no effect"]


def test_a_plan_that_excludes_everything_selects_nothing() -> None:
    chosen = select(plan_with("- under: {type: A, id: db}\n  exclude: [{type: A, id: db}]\n"), graph_of(**SHOP))
    assert chosen.value is None
    assert said(chosen.diagnostics) == [
        "6:13 EMB307 'A#db' excludes itself, and with it everything under it",
        "4:1 EMB305 the plan selects nothing: everything that it selects is excluded",
    ]


def test_many_left_out_dependents_are_counted() -> None:
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


@pytest.mark.large
def test_a_hundred_thousand_resources_are_selected() -> None:
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
    acme: None, directory: Callable[..., Path]
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


# -- policies and the parameters file --


def test_policies_of_types_that_are_not_selected_are_a_warning() -> None:
    plan = parsed(PLAN).value
    assert plan
    resolved = resolve_policies(plan.settings, graph_of(a=""))
    assert resolved.value
    assert list(resolved.value.by_type) == ["A"]
    assert resolved.value.concurrency == {"A": 2}
    assert said(resolved.diagnostics) == ["14:3 EMB311 nothing of the type 'B' is selected: its policy has no effect"]
    assert resolved.diagnostics[0].severity is Severity.WARNING


def test_a_parameters_file_has_parameters_and_policies_only(tmp_path: Path) -> None:
    file = tmp_path / "parameters.yaml"
    file.write_text("version: 1\nparameters:\n  A#b: {c: on}\npolicies:\n  A: {timeout: 5}\n")
    checked = read_parameters(str(file))
    assert checked.value
    assert [(str(each), each.values) for each in checked.value.parameters] == [("A#b", {"c": True})]
    assert checked.value.policies.by_type == {"A": Policy(timeout=5)}
    file.write_text("version: 1\nname: x\nresources: []\n")
    refused = read_parameters(str(file))
    assert refused.value is None
    assert [each.code for each in refused.diagnostics] == ["EMB301", "EMB301"]
