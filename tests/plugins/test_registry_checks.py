"""What can be wrong with a plugin's class, schemas and set-up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from oslo_config import cfg

from embank.diagnostics import Diagnostic, Place
from embank.plugins.registry import find_plugin, make_plugin

Install = Callable[..., Path]
Say = Callable[[tuple[Diagnostic, ...]], list[tuple[str, str, str]]]


TYPES = "class P(ProtectionPlugin):\n    resource_types = "
THING = TYPES + '("Acme::Thing",)\n'


def method(name: str, closes: str = "", arguments: str = "self, checkpoint, context, resource, parameters") -> str:
    decorator = f'    @closes("{closes}")\n' if closes else ""
    return f"{decorator}    def {name}({arguments}): ...\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (TYPES + "()", [("EMB205", "it names no resource types")]),
        (TYPES + '"Acme::Thing"', [("EMB205", "it names no resource types")]),
        (TYPES + '("A#b", "", "a b", 3, "x\\n")', [
            ("EMB205", "'A#b' cannot be a resource type"),
            ("EMB205", "'' cannot be a resource type"),
            ("EMB205", "'a b' cannot be a resource type"),
            ("EMB205", "3 cannot be a resource type"),
            ("EMB205", "'x\\n' cannot be a resource type"),
        ]),
        (TYPES + '("A", "B", "A")', [("EMB205", "it names the resource type A twice")]),
        (THING + method("activity_protect_paralel"), [
            ("EMB206", "the method activity_protect_paralel is no activity, and would never run"),
        ]),
        (THING + method("acitvity_restore_pre"), [("EMB206", "the method acitvity_restore_pre would never run")]),
        (THING + method("_activity_protect_pre") + method("protect_pre"), []),
        (THING + method("activity_protect_pre", arguments="self, checkpoint, resource"), [
            ("EMB207", "activity_protect_pre cannot be called with 4 arguments"),
        ]),
        (THING + "    async def activity_protect_pre(self, a, b, c, d): ...", [
            ("EMB207", "activity_protect_pre is asynchronous"),
        ]),
        (THING + "    activity_protect_pre = 3", [
            ("EMB207", "activity_protect_pre cannot be called with 4 arguments"),
        ]),
        (THING + method("activity_protect_ready", closes="pre"), [
            ("EMB208", "activity_protect_ready closes pre, which is not implemented for protect"),
        ]),
        (THING + method("activity_protect_pre", closes="post") + method("activity_protect_post"), [
            ("EMB208", "activity_protect_pre closes post, which does not run before it"),
        ]),
        (THING + method("activity_protect_pre", closes="pre"), [
            ("EMB208", "activity_protect_pre closes pre, which does not run before it"),
        ]),
        (THING + method("activity_protect_pre") + method("activity_restore_post", closes="pre"), [
            ("EMB208", "activity_restore_post closes pre, which is not implemented for restore"),
        ]),
        (THING + method("activity_protect_pre") + method("activity_protect_post", closes="pre"), []),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_class_is_found_before_it_is_used(
    plugin: Callable[[str], str], source: str, expected: list[tuple[str, str]], place: Place, said: Say
) -> None:
    path = plugin(source)
    found = find_plugin(path, place)
    assert [(code, message) for code, message, _ in said(found.diagnostics)] == [
        (code, f"{path}: {message}") for code, message in expected
    ]
    assert (found.value is None) == bool(expected)


def test_a_misspelt_activity_is_answered_with_the_right_name(
    plugin: Callable[[str], str], place: Place, said: Say
) -> None:
    source = THING + "".join(
        method(name) for name in ("activity_protect_paralel", "acitvity_restore_pre", "activity_frobnicate")
    )
    hints = [hint for _, _, hint in said(find_plugin(plugin(source), place).diagnostics)]
    assert hints == [
        "did you mean 'activity_restore_pre'?",
        "operations: protect, restore, delete, verify; phases: pre, ready, parallel, post",
        "did you mean 'activity_protect_parallel'?",
    ]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ('{"type": "objekt"}', "'objekt' is not valid under any of the given schemas (at type)"),
        ('{"properties": {"a": {"minimum": "1"}}}', "'1' is not of type 'number' (at properties/a/minimum)"),
        ('{"$ref": "https://example.org/schema"}', "it refers to https://example.org/schema, outside itself"),
        ('["object"]', "it is not an object"),
        ('{"properties": {"a": {"$dynamicRef": "other.json#x"}}}', "it refers to other.json#x, outside itself"),
    ],
)
def test_a_schema_that_is_not_valid_names_its_operation(
    plugin: Callable[[str], str], schema: str, message: str, place: Place, conf: cfg.ConfigOpts, said: Say
) -> None:
    path = plugin(
        THING + f"    def parameters_schema(self, operation, type_):\n"
        f"        return {schema} if operation == 'restore' else NO_PARAMETERS\n"
    )
    component = find_plugin(path, place).value
    assert component
    assert said(make_plugin(component, conf).diagnostics) == [
        ("EMB209", f"{path}: the schema of Acme::Thing, restore is not valid: {message}", "")
    ]


def test_a_schema_that_is_not_json_names_its_operation(
    plugin: Callable[[str], str], place: Place, conf: cfg.ConfigOpts, said: Say
) -> None:
    path = plugin(THING + "    def saved_schema(self, type_):\n        return {'enum': {1, 2}}\n")
    component = find_plugin(path, place).value
    assert component
    (found,) = said(make_plugin(component, conf).diagnostics)
    assert found[1].startswith(f"{path}: the schema of Acme::Thing, saved information is not JSON: ")


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ("def __init__(self, conf): raise OSError('no\\nluck')", "EMB202", "cannot be set up: OSError: no luck"),
        ("def saved_schema(self, type_): raise KeyError(1)", "EMB202", "cannot say its schemas: KeyError: 1"),
        ("def __init__(self, conf): raise ValueError('one\\n\\ntwo')", "EMB216", "cannot be set up: one"),
    ],
)  # fmt: skip
def test_a_plugin_that_fails_to_start_is_a_message(
    plugin: Callable[[str], str], body: str, code: str, message: str, place: Place, conf: cfg.ConfigOpts, said: Say
) -> None:
    path = plugin(THING + f"    {body}\n")
    component = find_plugin(path, place).value
    assert component
    found = said(make_plugin(component, conf).diagnostics)
    assert found[0][:2] == (code, f"the protection plugin {path} {message}")
    assert len(found) == (2 if code == "EMB216" else 1)


def test_options_that_raise_are_a_message(plugin: Callable[[str], str], place: Place, said: Say) -> None:
    path = plugin(THING + "    @classmethod\n    def options(cls): raise OSError('gone')\n")
    (found,) = said(find_plugin(path, place).diagnostics)
    assert found[1] == f"the protection plugin {path} cannot say its options: OSError: gone"
