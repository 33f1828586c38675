"""Every mistake in provider files, at its line, all at once; and no secret in any message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from embank.diagnostics import Diagnostic, Severity
from embank.inputs.provider.find import Provider, find_provider, load_providers
from embank.plugins import BankError

Directory = Callable[..., Path]
Shown = Callable[..., list[str]]
Check = Callable[[Path], tuple[Diagnostic, ...]]
Find = Callable[[Path, str], Provider]


# -- everything that can be wrong, all at once, by line --


def test_all_mistakes_of_all_files_are_reported_at_once(
    acme: None, directory: Directory, shown: Shown, checked: Check
) -> None:
    where = directory(
        a=(
            "[provider]\nname = one\nid = same\nbank = karbor.protections.acme-memory-bank-plugin\n"
            "plugin = karbor.protections.acme-things-protection-plugin\n"
            "plugin = karbor.protections.acme-other-protection-plugin\n"
            "plugin = karbor.protections.acme-parts-protection-plugin\n"
            "colour = red\n"
            "[acme_bank]\nwhere = a\nwhere = b\nport = eighty\nwheer = c\n"
            "[acme_thing]\nthing = /x\n"
            "[acme_parts]\n"
        ),
        b="[provider]\nid = same\nname = one\nenabled = perhaps\nbank =\n",
        c="[provder]\nname = c\n",
        d="name = d\n[provider\nid = d\njust words\n  continued\n[]\n= 3\n",
    )
    expected = """\
        a.conf:6 EMB219 karbor.protections.acme-other-protection-plugin protects Acme::Thing, like another plugin here
        a.conf:8 EMB214 [provider] has no key colour
        a.conf:11 EMB215 where in [acme_bank] is given twice, and has one value
        a.conf:12 EMB216 port in [acme_bank] is not valid: invalid literal for int() with base 10: 'eighty'
        a.conf:13 EMB214 [acme_bank] has no key wheer
        a.conf:14 EMB214 no plugin of this provider has a section [acme_thing]
        a.conf:16 EMB213 [acme_parts] has no root, which karbor.protections.acme-parts-protection-plugin needs
        b.conf:1 EMB213 [provider] has no plugin
        b.conf:2 EMB217 the id same belongs to another provider already
        b.conf:4 EMB216 enabled is 'perhaps'
        b.conf:5 EMB213 bank in [provider] is empty
        c.conf:1 EMB213 the file has no section [provider]
        d.conf:1 EMB211 broken syntax: no section before this
        d.conf:2 EMB211 broken syntax: invalid section (must end with ])
        d.conf:3 EMB211 broken syntax: no section before this
        d.conf:4 EMB211 broken syntax: no ':' or '=' found in assignment
        d.conf:5 EMB211 broken syntax: unexpected continuation line
        d.conf:6 EMB211 broken syntax: empty section name
        d.conf:7 EMB211 broken syntax: key cannot be empty
    """
    problems = checked(where)
    assert shown(problems, hints=False) == dedent(expected).splitlines()
    hints = {str(each.place).rpartition("/")[2]: each.hint for each in problems}
    assert hints["a.conf:8"] == "known here: name, id, description, bank, enabled, plugin"
    assert hints["a.conf:13"] == "did you mean 'where'?"
    assert hints["a.conf:14"] == "did you mean 'acme_things'?"
    assert hints["a.conf:16"] == "add `root = …` to [acme_parts]"
    assert hints["b.conf:1"] == "add `plugin = …`"
    assert hints["c.conf:1"] == "is [provder] meant to be it?"
    assert hints["d.conf:4"] == "write `key = value`, or `#` before a comment"


def test_sections_of_a_plugin_that_cannot_be_loaded_are_not_called_unknown(
    acme: None, directory: Directory, shown: Shown, things: str, checked: Check
) -> None:
    where = directory(
        a=things + "plugin = karbor.protections.acme-missing-plugin\n[acme_missing]\na = 1\n[acme_bank]\nport = x\n"
    )
    assert [line.partition(" ")[0] for line in shown(checked(where))] == ["a.conf:7", "a.conf:11"]


def test_keys_of_provider_are_known_whatever_plugins_do(
    acme: None, directory: Directory, shown: Shown, things: str, checked: Check
) -> None:
    where = directory(a=things.replace("name =", "nmae =") + "plugin = karbor.protections.acme-missing-plugin\n")
    assert [line.split(" (")[0] for line in shown(checked(where))] == [
        "a.conf:1 EMB213 [provider] has no name",
        "a.conf:2 EMB214 [provider] has no key nmae",
        "a.conf:7 EMB201 the protection plugin karbor.protections.acme-missing-plugin is not installed",
    ]


def test_related_places_show_the_first_of_two(acme: None, directory: Directory, things: str, checked: Check) -> None:
    where = directory(a=things, b=things.replace("= things", "= b"), c=things.replace("t-1", "t-2"))
    by_code = {each.code: each for each in checked(where)}
    assert str(by_code["EMB217"].place).endswith("b.conf:3")
    assert [str(related.place)[-8:] for related in by_code["EMB217"].related] == ["a.conf:3"]
    assert by_code["EMB218"].severity is Severity.WARNING
    assert [str(related.place)[-8:] for related in by_code["EMB218"].related] == ["a.conf:2"]


def test_the_same_plugin_given_twice_is_one_mistake(
    acme: None, directory: Directory, shown: Shown, things: str, checked: Check
) -> None:
    where = directory(a=things + things.splitlines()[-1] + "\n")
    assert shown(checked(where)) == [
        "a.conf:7 EMB215 the plugin karbor.protections.acme-things-protection-plugin is given twice"
    ]


def test_what_a_plugin_says_of_its_values_stands_at_their_lines(
    acme: None, directory: Directory, shown: Shown, things: str, checked: Check
) -> None:
    where = directory(a=things + "[acme_things]\nthing = /ok\nthing = one\nthing = two three\n")
    assert shown(checked(where)) == [
        "a.conf:9 EMB216 [acme_things] thing = one: not absolute",
        "a.conf:10 EMB216 [acme_things] thing = two three: not absolute",
    ]


def test_options_in_default_are_unknown_too(
    acme: None, directory: Directory, shown: Shown, things: str, checked: Check
) -> None:
    where = directory(a=things + "[DEFAULT]\nhere = /tmp\nconfig_source = remote\n")
    assert shown(checked(where)) == [
        "a.conf:8 EMB214 [DEFAULT] has no key here",
        "a.conf:9 EMB214 [DEFAULT] has no key config_source",
    ]


@pytest.mark.parametrize(
    ("id_", "fine"),
    [("a", True), ("1.2_3-x", True), ("a/b", False), ("..", False), ("a b", False), ("x" * 101, False)],
)
def test_an_id_has_to_be_usable_in_keys_and_files(
    acme: None, directory: Directory, id_: str, fine: bool, things: str, checked: Check
) -> None:
    assert (checked(directory(a=things.replace("t-1", id_))) == ()) is fine


# -- secrets --


@pytest.fixture
def secrets(things: str) -> str:
    """A provider file with secrets of all kinds, and `{where}`."""
    return things + (
        "[acme_bank]\npassword = hunter22\npin = hunter33\nwhere = {where}\n[acme_things]\ntoken = hunter44\n"
    )


def test_no_message_quotes_a_secret(
    acme: None, directory: Directory, things: str, checked: Check, secrets: str
) -> None:
    where = directory(
        a=secrets.format(where="moon") + "eager = true\n",
        b=things.replace("t-1", "t-2") + "[acme_bank]\npasword = hunter55\npassword = $hunter66\nport = hunter77\n",
        c="[provider]\nhunter88\n",
    )
    problems = checked(where)
    assert len(problems) >= 6
    for problem in problems:
        text = f"{problem.message} {problem.hint} {problem.related}"
        assert not any(f"hunter{n}" in text for n in (22, 33, 44, 55, 66, 88)), text
    # and the lines at which they stand are not for printing
    hidden = {str(each.place).rpartition("/")[2] for each in problems if each.secret}
    assert hidden == {"a.conf:9", "b.conf:8", "b.conf:9", "c.conf:2"}
    assert any("too eager with ***" in each.message for each in problems)
    assert any("$$" in each.hint for each in problems if str(each.place).endswith("b.conf:9"))


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("moon", "the bank cannot be opened: OSError: no route to the moon with ***"),
        ("away", "away, says ***"),
    ],
)
def test_a_bank_that_cannot_be_opened_says_so_without_the_secret(
    acme: None, directory: Directory, where: str, message: str, found: Find, secrets: str
) -> None:
    text = secrets.replace("pin = hunter33\n", "").format(where=where)
    provider = found(directory(a=text), "things")
    assert "hunter" not in repr(provider)
    with pytest.raises(BankError) as failure:
        provider.open_bank()
    assert str(failure.value) == f"karbor.protections.acme-memory-bank-plugin: {message}"


def test_nothing_that_is_printed_by_accident_holds_a_secret(acme: None, directory: Directory, secrets: str) -> None:
    where = directory(a=secrets.replace("pin = hunter33\n", "").format(where="x"))
    files = load_providers(str(where))
    assert "hunter" not in repr(files)
    assert files.value
    assert "hunter" not in repr(files.value[0].conf)
    assert "hunter" not in repr(find_provider(files.value, "things"))
