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
Say = Callable[[tuple[Diagnostic, ...]], list[tuple[str, str, str]]]


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


def test_a_sound_plugin_is_found_and_described(
    plugin: Callable[[str], str], place: Place, conf: cfg.ConfigOpts
) -> None:
    found = find_plugin(plugin(GOOD), place)
    assert found.value
    assert not found.diagnostics
    loaded = make_plugin(found.value, conf).value
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


@pytest.fixture
def digest(install: Install, head: str, place: Place, conf: cfg.ConfigOpts) -> Callable[[int, str], str]:
    """`digest(1, "class P(ProtectionPlugin): …")` installs it as the first one, and returns its digest."""

    def digest(number: int, source: str) -> str:
        entries = {"karbor.protections": {f"acme-{number}": f"acme_{number}:P"}}
        install(f"acme{number}", entries, **{f"acme_{number}": head + source})
        found = find_plugin(f"karbor.protections.acme-{number}", place)
        assert found.value
        loaded = make_plugin(found.value, conf)
        assert loaded.value
        return loaded.value.sha256

    return digest


def test_the_digest_is_that_of_the_contract(digest: Callable[[int, str], str]) -> None:
    one = digest(1, GOOD)
    assert digest(2, GOOD + "    # a comment\n    def helper(self): ...\n") == one
    changes = [
        ("Freeze the thing.", "Freeze it."),
        ('@closes("pre")', ""),
        ('"boolean"', '"string"'),
        ('"Acme::Other"', '"Acme::Third"'),
        ("activity_restore_parallel", "activity_restore_post"),
    ]
    others = [digest(3 + n, GOOD.replace(*change)) for n, change in enumerate(changes)]
    assert len({one, *others}) == 1 + len(changes)


def test_what_is_not_installed_is_named_with_what_was_meant(
    plugin: Callable[[str], str], place: Place, said: Say
) -> None:
    path = plugin(GOOD)
    near = path.replace("thing", "thnig")
    assert said(find_plugin(near, place).diagnostics) == [
        ("EMB201", f"the protection plugin {near} is not installed", f"did you mean {path!r}?")
    ]
    assert said(find_bank("karbor.protections.somebodys-tape-library", place).diagnostics) == [
        (
            "EMB201",
            "the bank karbor.protections.somebodys-tape-library is not installed",
            "install the package that it comes with",
        )
    ]


@pytest.mark.parametrize(
    "path", ["acme", "karbor.protections", "karbor.protections.", "karbor.protectionsX.a", "os.path"]
)
def test_a_path_in_another_group_is_not_installed(path: str, place: Place, said: Say) -> None:
    (found,) = said(find_plugin(path, place).diagnostics)
    assert found[:2] == ("EMB201", f"the protection plugin {path} is not installed")


def test_an_entry_that_two_distributions_claim_is_refused(
    install: Install, head: str, place: Place, said: Say
) -> None:
    for name in ("acme", "bcme"):
        install(name, {"karbor.protections": {"thing": f"{name}_x:P"}}, **{f"{name}_x": head + GOOD})
    (found,) = said(find_plugin("karbor.protections.thing", place).diagnostics)
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
    plugin: Callable[[str], str], source: str, message: str, place: Place, said: Say
) -> None:
    path = plugin(source)
    (found,) = said(find_plugin(path, place).diagnostics)
    assert found[0] == "EMB202"
    assert found[1] == f"the protection plugin {path} cannot be imported: {message}"
    assert "acme 1.0" in found[2]


def test_a_class_of_another_kind_is_refused(plugin: Callable[[str], str], place: Place, said: Say) -> None:
    path = plugin("class P: ...")
    (found,) = said(find_plugin(path, place).diagnostics)
    assert found[:2] == (
        "EMB204",
        f"{path} (acme_thing:P) is not a protection plugin: it does not derive from embank.plugins.ProtectionPlugin",
    )


def test_a_bank_given_as_a_plugin_is_sent_to_its_key(place: Place, said: Say) -> None:
    bank = "karbor.protections.embank-filesystem-bank-plugin"
    (found,) = said(find_plugin(bank, place).diagnostics)
    assert (found[0], found[2]) == ("EMB204", "it belongs behind `bank =`")
    plugin = "karbor.protections.embank-directory-protection-plugin"
    (found,) = said(find_bank(plugin, place).diagnostics)
    assert (found[0], found[2]) == ("EMB204", "it belongs behind `plugin =`")


def test_a_bank_that_lacks_methods_is_refused(plugin: Callable[[str], str], place: Place, said: Say) -> None:
    path = plugin(
        "class P(Bank):\n    def put(self, key, chunks, *, if_absent=False): ...\n    def get(self, key): ..."
    )
    (found,) = said(find_bank(path, place).diagnostics)
    assert found[1] == f"the bank {path} does not implement check, delete, list, stat"


def test_a_protectable_is_found_by_its_type(install: Install, head: str, place: Place, said: Say) -> None:
    source = head + (
        "class T(Protectable):\n    resource_type = 'Acme::Thing'\n    def list_resources(self): return []\n"
        "class Wrong(T):\n    resource_type = 'Acme::Thing'\n"
    )
    entries = {"Acme::Thing": "acme_t:T", "Acme::Other": "acme_t:Wrong", "Acme::Not": "acme_t:Phase"}
    install("acme", {"karbor.protectables": entries}, acme_t=source)
    found = find_protectable("Acme::Thing", place)
    assert found.value
    assert found.value.loaded.resource_type == "Acme::Thing"
    nothing = find_protectable("Acme::Missing", place)
    assert (nothing.value, nothing.diagnostics) == (None, ())
    (wrong,) = said(find_protectable("Acme::Other", place).diagnostics)
    assert wrong[0] == "EMB205"
    (other,) = said(find_protectable("Acme::Not", place).diagnostics)
    assert other[0] == "EMB204"


def test_entry_points_are_listed_by_name() -> None:
    names = list(entry_points("karbor.protections"))
    assert names == sorted(names)
    assert "embank-filesystem-bank-plugin" in names
