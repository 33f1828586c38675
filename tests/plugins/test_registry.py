"""What the registry finds behind a path, and what it says when that is no good."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from oslo_config import cfg

from embank.diagnostics import Diagnostic, Place
from embank.model import Operation, Phase
from embank.plugins.installed import entry_points
from embank.plugins.registry import find_bank, find_plugin, find_protectable, make_plugin

Install = Callable[..., Path]
PLACE = Place("some.conf", 7)
HEAD = "from embank.plugins import *\nfrom embank.model import Phase\n"


@pytest.fixture
def plugin(install: Install) -> Callable[[str], str]:
    """`plugin("class P(ProtectionPlugin): …")` installs it, and returns its path."""

    def put(source: str) -> str:
        install(
            "acme", {"karbor.protections": {"acme-thing-protection-plugin": "acme_thing:P"}}, acme_thing=HEAD + source
        )
        return "karbor.protections.acme-thing-protection-plugin"

    return put


def said(diagnostics: tuple[Diagnostic, ...]) -> list[tuple[str, str, str]]:
    assert all(diagnostic.place == PLACE for diagnostic in diagnostics)
    return [(each.code, each.message, each.hint) for each in diagnostics]


GOOD = '''
class P(ProtectionPlugin):
    """Protects things."""
    resource_types = ("Acme::Thing", "Acme::Other")

    def activity_protect_pre(self, checkpoint, context, resource, parameters):
        """
        Freeze the thing.

        At length.
        """

    @closes("pre")
    def activity_protect_ready(self, checkpoint, context, resource, parameters):
        yield Poll()

    def activity_restore_parallel(self, *arguments):
        """Put it back."""

    def parameters_schema(self, operation, resource_type):
        return {"type": "object", "properties": {"compress": {"type": "boolean"}}}
'''


def conf() -> cfg.ConfigOpts:
    values = cfg.ConfigOpts()
    values(args=[], default_config_files=[])
    return values


def test_a_sound_plugin_is_found_and_described(plugin: Callable[[str], str]) -> None:
    found = find_plugin(plugin(GOOD), PLACE)
    assert found.value
    assert not found.diagnostics
    loaded = make_plugin(found.value, conf()).value
    assert loaded
    assert (loaded.name, loaded.version) == ("acme-thing-protection-plugin", "1.0")
    assert loaded.resource_types == ("Acme::Thing", "Acme::Other")
    protect = loaded.activities[Operation.PROTECT]
    assert list(protect) == [Phase.PRE, Phase.READY]
    assert protect[Phase.PRE].description == "Freeze the thing."
    assert protect[Phase.READY].description == "ready of protect"
    assert protect[Phase.READY].closes is Phase.PRE
    assert loaded.activities[Operation.RESTORE][Phase.PARALLEL].description == "Put it back."
    assert not loaded.activities[Operation.DELETE]


def digest(plugin_path: str) -> str:
    found = find_plugin(plugin_path, PLACE)
    assert found.value
    loaded = make_plugin(found.value, conf())
    assert loaded.value
    return loaded.value.sha256


def installed_as(install: Install, number: int, source: str) -> str:
    install(
        f"acme{number}",
        {"karbor.protections": {f"acme-{number}": f"acme_{number}:P"}},
        **{f"acme_{number}": HEAD + source},
    )
    return f"karbor.protections.acme-{number}"


def test_the_digest_is_that_of_the_contract(install: Install) -> None:
    one = digest(installed_as(install, 1, GOOD))
    assert digest(installed_as(install, 2, GOOD + "    # a comment\n    def helper(self): ...\n")) == one
    changes = [
        ("Freeze the thing.", "Freeze it."),
        ('@closes("pre")', ""),
        ('"boolean"', '"string"'),
        ('"Acme::Other"', '"Acme::Third"'),
        ("activity_restore_parallel", "activity_restore_post"),
    ]
    others = [digest(installed_as(install, 3 + n, GOOD.replace(*change))) for n, change in enumerate(changes)]
    assert len({one, *others}) == 1 + len(changes)


def test_what_is_not_installed_is_named_with_what_was_meant(plugin: Callable[[str], str]) -> None:
    path = plugin(GOOD)
    near = path.replace("thing", "thnig")
    assert said(find_plugin(near, PLACE).diagnostics) == [
        ("EMB201", f"the protection plugin {near} is not installed", f"did you mean {path!r}?")
    ]
    assert said(find_bank("karbor.protections.karbor-swift-bank-plugin", PLACE).diagnostics) == [
        (
            "EMB201",
            "the bank karbor.protections.karbor-swift-bank-plugin is not installed",
            "install the package that it comes with",
        )
    ]


@pytest.mark.parametrize(
    "path", ["acme", "karbor.protections", "karbor.protections.", "karbor.protectionsX.a", "os.path"]
)
def test_a_path_in_another_group_is_not_installed(path: str) -> None:
    (found,) = said(find_plugin(path, PLACE).diagnostics)
    assert found[:2] == ("EMB201", f"the protection plugin {path} is not installed")


def test_an_entry_that_two_distributions_claim_is_refused(install: Install) -> None:
    for name in ("acme", "bcme"):
        install(name, {"karbor.protections": {"thing": f"{name}_x:P"}}, **{f"{name}_x": HEAD + GOOD})
    (found,) = said(find_plugin("karbor.protections.thing", PLACE).diagnostics)
    assert found[:2] == (
        "EMB203",
        "the protection plugin karbor.protections.thing is installed 2 times: by acme 1.0 and bcme 1.0",
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("class Q: ...", "AttributeError: module 'acme_thing' has no attribute 'P'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def broken(:", "SyntaxError: invalid syntax (acme_thing.py, line 3)"),
    ],
)
def test_a_module_that_cannot_be_imported_is_a_message(
    plugin: Callable[[str], str], source: str, message: str
) -> None:
    path = plugin(source)
    (found,) = said(find_plugin(path, PLACE).diagnostics)
    assert found[0] == "EMB202"
    assert found[1] == f"the protection plugin {path} cannot be imported: {message}"
    assert "acme 1.0" in found[2]


def test_a_class_of_another_kind_is_refused(plugin: Callable[[str], str]) -> None:
    path = plugin("class P: ...")
    (found,) = said(find_plugin(path, PLACE).diagnostics)
    assert found[:2] == (
        "EMB204",
        f"{path} (acme_thing:P) is not a protection plugin: it does not derive from embank.plugins.ProtectionPlugin",
    )


def test_a_bank_given_as_a_plugin_is_sent_to_its_key() -> None:
    bank = "karbor.protections.embank-filesystem-bank-plugin"
    (found,) = said(find_plugin(bank, PLACE).diagnostics)
    assert (found[0], found[2]) == ("EMB204", "it belongs behind `bank =`")
    plugin = "karbor.protections.embank-directory-protection-plugin"
    (found,) = said(find_bank(plugin, PLACE).diagnostics)
    assert (found[0], found[2]) == ("EMB204", "it belongs behind `plugin =`")


def test_a_bank_that_lacks_methods_is_refused(plugin: Callable[[str], str]) -> None:
    path = plugin(
        "class P(Bank):\n    def put(self, key, chunks, *, if_absent=False): ...\n    def get(self, key): ..."
    )
    (found,) = said(find_bank(path, PLACE).diagnostics)
    assert found[1] == f"the bank {path} does not implement check, delete, list, stat"


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
    plugin: Callable[[str], str], source: str, expected: list[tuple[str, str]]
) -> None:
    path = plugin(source)
    found = find_plugin(path, PLACE)
    assert [(code, message) for code, message, _ in said(found.diagnostics)] == [
        (code, f"{path}: {message}") for code, message in expected
    ]
    assert (found.value is None) == bool(expected)


def test_a_misspelt_activity_is_answered_with_the_right_name(plugin: Callable[[str], str]) -> None:
    source = THING + "".join(
        method(name) for name in ("activity_protect_paralel", "acitvity_restore_pre", "activity_frobnicate")
    )
    hints = [hint for _, _, hint in said(find_plugin(plugin(source), PLACE).diagnostics)]
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
    plugin: Callable[[str], str], schema: str, message: str
) -> None:
    path = plugin(
        THING + f"    def parameters_schema(self, operation, type_):\n"
        f"        return {schema} if operation == 'restore' else NO_PARAMETERS\n"
    )
    component = find_plugin(path, PLACE).value
    assert component
    assert said(make_plugin(component, conf()).diagnostics) == [
        ("EMB209", f"{path}: the schema of Acme::Thing, restore is not valid: {message}", "")
    ]


def test_a_schema_that_is_not_json_names_its_operation(plugin: Callable[[str], str]) -> None:
    path = plugin(THING + "    def saved_schema(self, type_):\n        return {'enum': {1, 2}}\n")
    component = find_plugin(path, PLACE).value
    assert component
    (found,) = said(make_plugin(component, conf()).diagnostics)
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
    plugin: Callable[[str], str], body: str, code: str, message: str
) -> None:
    path = plugin(THING + f"    {body}\n")
    component = find_plugin(path, PLACE).value
    assert component
    found = said(make_plugin(component, conf()).diagnostics)
    assert found[0][:2] == (code, f"the protection plugin {path} {message}")
    assert len(found) == (2 if code == "EMB216" else 1)


def test_options_that_raise_are_a_message(plugin: Callable[[str], str]) -> None:
    path = plugin(THING + "    @classmethod\n    def options(cls): raise OSError('gone')\n")
    (found,) = said(find_plugin(path, PLACE).diagnostics)
    assert found[1] == f"the protection plugin {path} cannot say its options: OSError: gone"


def test_a_protectable_is_found_by_its_type(install: Install) -> None:
    source = HEAD + (
        "class T(Protectable):\n    resource_type = 'Acme::Thing'\n    def list_resources(self): return []\n"
        "class Wrong(T):\n    resource_type = 'Acme::Thing'\n"
    )
    entries = {"Acme::Thing": "acme_t:T", "Acme::Other": "acme_t:Wrong", "Acme::Not": "acme_t:Phase"}
    install("acme", {"karbor.protectables": entries}, acme_t=source)
    found = find_protectable("Acme::Thing", PLACE)
    assert found.value
    assert found.value.loaded.resource_type == "Acme::Thing"
    nothing = find_protectable("Acme::Missing", PLACE)
    assert (nothing.value, nothing.diagnostics) == (None, ())
    (wrong,) = said(find_protectable("Acme::Other", PLACE).diagnostics)
    assert wrong[0] == "EMB205"
    (other,) = said(find_protectable("Acme::Not", PLACE).diagnostics)
    assert other[0] == "EMB204"


def test_entry_points_are_listed_by_name() -> None:
    names = list(entry_points("karbor.protections"))
    assert names == sorted(names)
    assert "embank-filesystem-bank-plugin" in names
