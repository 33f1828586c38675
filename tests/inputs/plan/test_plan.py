"""The plan file and the parameters file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from embank.diagnostics import Checked, Diagnostic, Severity
from embank.inputs.plan.plan import Plan, read_plan
from embank.inputs.plan.settings import read_parameters, resolve_policies
from embank.model import Policy, ResourceGraph

Parse = Callable[[str], Checked[Plan]]
Say = Callable[[tuple[Diagnostic, ...]], list[str]]
GraphOf = Callable[..., ResourceGraph]

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


# -- the file --


def test_a_plan_is_read(parsed: Parse) -> None:
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
def test_what_is_wrong_with_a_plan_is_said_at_its_place(
    text: str, expected: list[str], parsed: Parse, said: Say
) -> None:
    checked = parsed(text)
    assert said(checked.diagnostics) == expected
    assert checked.value is None


def test_the_rule_for_names_is_said(parsed: Parse) -> None:
    (problem,) = parsed(HEAD.replace("name: p", "name: a/b")).diagnostics
    assert "letters, digits, '-', '_' and '.'" in problem.hint


def test_a_plan_with_a_duplicate_key_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(HEAD + "name: q\n")
    checked = read_plan(str(file))
    assert checked.value is None
    assert [each.code for each in checked.diagnostics] == ["EMB102"]


# -- policies and the parameters file --


def test_policies_of_types_that_are_not_selected_are_a_warning(parsed: Parse, said: Say, graph_of: GraphOf) -> None:
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
