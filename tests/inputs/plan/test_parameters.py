"""Parameters against the schemas of the plugins: types kept, every mistake at its place, no secret anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from embank.diagnostics import Diagnostic, Severity
from embank.inputs import yaml
from embank.inputs.plan.parameters import resolve_parameters
from embank.inputs.plan.settings import read_settings
from embank.inputs.provider.find import Provider, find_provider, load_providers
from embank.inputs.shape import Shape
from embank.model import Operation, Resource, ResourceKey
from embank.outputs.diagnostics import format_text
from embank.plugins.secrets import secret_places
from embank.resource_graph import canonical

THING = "Acme::Thing"


@pytest.fixture
def provider(acme: None, directory: Callable[..., Path]) -> Provider:
    """With plugins for Acme::Thing (see conftest.py for its schema) and Acme::Part."""
    where = directory(
        a="[provider]\nname = acme\nid = a\nbank = karbor.protections.acme-memory-bank-plugin\n"
        "plugin = karbor.protections.acme-things-protection-plugin\n"
        "plugin = karbor.protections.acme-parts-protection-plugin\n[acme_parts]\nroot = /\n"
    )
    found = find_provider(load_providers(str(where)).value or (), "acme")
    assert found.value, found.diagnostics
    return found.value


Resolve = Callable[..., tuple[dict[ResourceKey, object] | None, list[str]]]


@pytest.fixture
def diagnose(provider: Provider) -> Callable[..., tuple[object, tuple[Diagnostic, ...]]]:
    """Resolve the parameters in a text for two things, a and b."""

    def resolve(
        text: str, operation: Operation = Operation.PROTECT, *more: Resource
    ) -> tuple[object, tuple[Diagnostic, ...]]:
        located = yaml.parse(text.encode(), "p.yaml")
        assert located.value
        shape = Shape(located.value)
        settings = read_settings(shape)
        assert not shape.problems
        graph = canonical([Resource(THING, "a", ""), Resource(THING, "b", ""), *more], [])
        checked = resolve_parameters(settings, graph, provider, operation)
        return checked.value, checked.diagnostics

    return resolve


@pytest.fixture
def resolve(diagnose: Callable[..., tuple[object, tuple[Diagnostic, ...]]]) -> Resolve:
    """The same with the diagnostics as "line:column CODE message"."""

    def said(text: str, *more: Resource) -> tuple[dict[ResourceKey, object] | None, list[str]]:
        value, found = diagnose(f"version: 1\nparameters:\n{text}", Operation.PROTECT, *more)
        assert value is None or isinstance(value, dict)
        return value, [f"{each.place}"[7:] + f" {each.code} {each.message}" for each in found]

    return said


A, B = ResourceKey(THING, "a"), ResourceKey(THING, "b")


def test_types_are_kept_and_a_resource_overrides_its_type_key_by_key(resolve: Resolve) -> None:
    value, problems = resolve("  Acme::Thing: {compress: false, level: 3}\n  Acme::Thing#b: {level: 9}\n")
    assert problems == []
    assert value == {A: {"compress": False, "level": 3}, B: {"compress": False, "level": 9}}
    assert value[A]["compress"] is False


def test_the_parameters_of_a_type_are_shared_and_checked_once(resolve: Resolve) -> None:
    things = [Resource(THING, f"t{number}", "") for number in range(10_000)]
    value, problems = resolve("  Acme::Thing: {level: 10}\n", *things)
    assert problems == ["3:24 EMB310 'level' should be at most 9 (parameters of 'Acme::Thing')"]
    value, problems = resolve("  Acme::Thing: {level: 9}\n", *things)
    assert value
    assert len(value) == 10_002
    assert len({id(each) for each in value.values()}) == 1


def test_resources_without_parameters_have_none(resolve: Resolve) -> None:
    assert resolve("  Acme::Thing#a: {level: 1}\n") == ({A: {"level": 1}}, [])
    assert resolve("  Acme::Thing: {}\n") == ({}, [])


def test_every_mistake_is_reported_at_the_exact_place(resolve: Resolve) -> None:
    value, problems = resolve(
        "  Acme::Thing:\n"
        "    compress: 'false'\n"
        "    level: 0\n"
        "    mode: ful\n"
        "    days:\n"
        "      - mon\n"
        "      - 2\n"
        "    target: {hots: x}\n"
        "    kompress: true\n"
        "  Acme::Thing#b:\n"
        "    level: 1.5\n"
    )
    suffix = " (parameters of 'Acme::Thing')"
    assert value is None
    assert [problem.removesuffix(suffix) for problem in problems] == [
        "4:15 EMB310 'compress' should be true or false",
        "5:12 EMB310 'level' should be at least 1",
        '6:11 EMB310 \'mode\' should be one of "full", "incremental"',
        "9:9 EMB310 'days[1]' should be text",
        "10:13 EMB310 the parameter 'target.host' is missing",
        "10:14 EMB310 there is no parameter 'target.hots'",
        "11:5 EMB310 there is no parameter 'kompress'",
        "13:12 EMB310 'level' should be a whole number",
    ]


def test_hints_say_what_was_meant(diagnose: Callable[..., tuple[object, tuple[Diagnostic, ...]]]) -> None:
    _, found = diagnose("parameters:\n  Acme::Thing: {kompress: true, mode: ful, target: {}}\n")
    assert [each.hint for each in found] == ["did you mean 'compress'?", "did you mean 'full'?", "add `host: …`"]


def test_a_missing_parameter_is_asked_for_where_it_belongs(
    diagnose: Callable[..., tuple[object, tuple[Diagnostic, ...]]],
) -> None:
    part = Resource("Acme::Part", "p", "")
    for text, place in (
        ("version: 1\n", "p.yaml:1:1"),
        ("version: 1\nparameters: {}\n", "p.yaml:2:1"),
        ("version: 1\nparameters:\n  Acme::Part: {}\n", "p.yaml:3:3"),
        ("version: 1\nparameters:\n  Acme::Part: {}\n  Acme::Part#p: {}\n", "p.yaml:4:3"),
    ):
        _, (problem,) = diagnose(text, Operation.PROTECT, part)
        assert problem.message == "the parameter 'size' is missing (parameters of 'Acme::Part')"
        assert str(problem.place) == place


def test_a_resource_may_bring_what_its_type_lacks(
    diagnose: Callable[..., tuple[object, tuple[Diagnostic, ...]]],
) -> None:
    part = Resource("Acme::Part", "p", "")
    value, found = diagnose("parameters:\n  Acme::Part: {}\n  Acme::Part#p: {size: 1}\n", Operation.PROTECT, part)
    assert not found
    assert value == {part.key: {"size": 1}}


def test_parameters_of_another_operation_are_unknown(
    diagnose: Callable[..., tuple[object, tuple[Diagnostic, ...]]],
) -> None:
    _, (problem,) = diagnose("parameters:\n  Acme::Thing: {level: 1}\n", Operation.DELETE)
    assert problem.message == "there is no parameter 'level' (parameters of 'Acme::Thing')"
    assert problem.hint == "it takes none"


def test_parameters_of_what_is_not_selected_are_a_warning(
    diagnose: Callable[..., tuple[object, tuple[Diagnostic, ...]]],
) -> None:
    value, found = diagnose("parameters:\n  Acme::Thign: {x: 1}\n  Acme::Thing#aa: {level: 1}\n  Other#a: {y: 1}\n")
    assert value == {}
    assert [(each.severity, each.message, each.hint) for each in found] == [
        (
            Severity.WARNING,
            "nothing of the type 'Acme::Thign' is selected: its parameters have no effect",
            "did you mean 'Acme::Thing'?",
        ),
        (
            Severity.WARNING,
            "the resource 'Acme::Thing#aa' is not selected: its parameters have no effect",
            "did you mean 'Acme::Thing#a'?",
        ),
        (Severity.WARNING, "nothing of the type 'Other' is selected: its parameters have no effect", ""),
    ]


# -- secrets --


@pytest.mark.parametrize(
    "reference", ["env:PASSWORD", "env:_x1", "file:/run/secret", "command:pass show a", "command: pass"]
)
def test_a_secret_may_be_a_reference(resolve: Resolve, reference: str) -> None:
    value, problems = resolve(f"  Acme::Thing#a: {{password: '{reference}'}}\n")
    assert problems == []
    assert value == {A: {"password": reference}}


@pytest.mark.parametrize(
    "value", ["hunter2hunter2hunter2hunter2", "env:", "env:1a", "env:a b", "file:relative", "file:", "command:",
              "command: ", "ENV:hunter2", 7, True, None, ["hunter2"], {"hunter2": 1}],
)  # fmt: skip
def test_a_secret_in_plain_text_is_refused_and_never_shown(
    diagnose: Callable[..., tuple[object, tuple[Diagnostic, ...]]], value: object
) -> None:
    text = f"parameters:\n  Acme::Thing#a: {{password: {json.dumps(value)}}}\n"
    resolved, (problem,) = diagnose(text)
    assert resolved is None
    assert problem.code == "EMB312"
    assert problem.message == "'password' is a secret, which should not stand in a file (parameters of 'Acme::Thing')"
    assert str(problem.place) == "p.yaml:2:29"
    printed = "".join(format_text([problem], lambda place: text.splitlines()[place.line - 1]))
    assert "hunter2" not in printed
    assert "env:NAME" in printed


def test_secrets_deep_in_a_value_are_found(resolve: Resolve) -> None:
    value, problems = resolve("  Acme::Thing#a: {target: {host: h, keys: ['env:A', hunter2]}}\n")
    assert value is None
    assert problems == [
        "3:53 EMB312 'target.keys[1]' is a secret, which should not stand in a file (parameters of 'Acme::Thing')"
    ]


def test_a_misspelt_secret_is_not_shown_either(
    diagnose: Callable[..., tuple[object, tuple[Diagnostic, ...]]],
) -> None:
    text = "parameters:\n  Acme::Thing#a: {pasword: hunter2}\n"
    _, problems = diagnose(text)
    printed = "".join(format_text(problems, lambda place: text.splitlines()[place.line - 1]))
    assert "did you mean 'password'?" in printed
    assert "hunter2" not in printed


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"properties": {"a": {"writeOnly": True}, "b": {}}}, {"b": 1, "a": 2}, [("a",)]),
        ({"additionalProperties": {"writeOnly": True}, "properties": {"b": {}}}, {"b": 1, "a": 2}, [("a",)]),
        ({"patternProperties": {"^p": {"writeOnly": True}}}, {"pa": 1, "b": 2}, [("pa",)]),
        ({"unevaluatedProperties": {"writeOnly": True}}, {"b": 1}, [("b",)]),
        ({"properties": {"a": {"items": {"writeOnly": True}}}}, {"a": [1, 2]}, [("a", 0), ("a", 1)]),
        ({"properties": {"a": {"prefixItems": [{}, {"writeOnly": True}]}}}, {"a": [1, 2, 3]}, [("a", 1)]),
        ({"allOf": [{"anyOf": [{"oneOf": [{"properties": {"a": {"writeOnly": True}}}]}]}]}, {"a": 1}, [("a",)]),
        ({"if": {}, "then": {"properties": {"a": {"writeOnly": True}}}}, {"a": 1}, [("a",)]),
        ({"dependentSchemas": {"x": {"properties": {"a": {"writeOnly": True}}}}}, {"a": 1}, [("a",)]),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"properties": {"a": {"writeOnly": True}}}}}, {"a": 1}, [("a",)]),
        ({"$ref": "#it", "not": {"$anchor": "it", "properties": {"a": {"writeOnly": True}}}}, {"a": 1}, [("a",)]),
        ({"properties": {"a": {"$ref": "#"}, "s": {"writeOnly": True}}}, {"a": {"a": {"s": 1}}}, [("a", "a", "s")]),
        ({"$ref": "#/$defs/missing"}, {"a": 1}, []),
        ({"writeOnly": True}, {"a": 1}, []),
        ({"properties": {"a": {"writeOnly": False}}}, {"a": 1}, []),
        ({"properties": {"a": True}}, {"a": 1}, []),
    ],
)  # fmt: skip
def test_where_a_schema_marks_secrets(
    schema: dict[str, object], value: dict[str, object], expected: list[tuple[object, ...]]
) -> None:
    found = list(secret_places(value, schema))
    assert [place.path for place in found] == expected
    for place in found:
        here: object = value
        for step in place.path:
            here = here[step]
        assert place.container[place.key] is here
