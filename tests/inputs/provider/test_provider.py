"""Provider files: what is read, what is refused and where, and what a broken file does to its neighbours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from embank.diagnostics import Diagnostic
from embank.inputs.provider.find import Provider, find_provider, load_providers

ROOT = Path(__file__).resolve().parents[3]
REFERENCE_EXAMPLE = """\
[provider]
name = Foo
id = 2e0c8826-81d6-44f5-bbe5-8f46a98c5845
description = Example Protection Provider
bank = karbor.protections.karbor-swift-bank-plugin
plugin = karbor.protections.karbor-volume-protection-plugin
plugin = karbor.protections.karbor-image-protection-plugin
plugin = karbor.protections.karbor-server-protection-plugin
plugin = karbor.protections.karbor-project-protection-plugin
[swift_client]
bank_swift_auth_url = http://10.0.0.10:5000
bank_swift_user = admin
bank_swift_key = password
"""

Directory = Callable[..., Path]
Shown = Callable[..., list[str]]
Check = Callable[[Path], tuple[Diagnostic, ...]]
Find = Callable[[Path, str], Provider]


def refused(where: Path, reference: str) -> tuple[Diagnostic, ...]:
    files = load_providers(str(where)).value
    assert files
    provider = find_provider(files, reference)
    assert provider.value is None
    return provider.diagnostics


# -- the files that are shipped --


def test_the_reference_example_is_shipped_verbatim() -> None:
    assert (ROOT / "providers.d" / "openstack-swift.conf").read_text() == REFERENCE_EXAMPLE


def test_the_reference_example_is_read_and_its_plugins_are_reported_by_line(
    directory: Directory, shown: Shown
) -> None:
    where = directory(foo=REFERENCE_EXAMPLE)
    (file,) = load_providers(str(where)).value or ()
    assert (file.name, file.id, file.description) == (
        "Foo", "2e0c8826-81d6-44f5-bbe5-8f46a98c5845", "Example Protection Provider",
    )  # fmt: skip
    assert [given.value for given in file.plugins] == [
        f"karbor.protections.karbor-{name}-protection-plugin" for name in ("volume", "image", "server", "project")
    ]
    said = shown(find_provider((file,), "Foo").diagnostics, hints=False)
    installed = [path for path in (given.value for given in file.plugins) if not any(path in line for line in said)]
    assert said == [
        f"foo.conf:{line} EMB201 the protection plugin {given.value} is not installed"
        for line, given in enumerate(file.plugins, 6)
        if given.value not in installed
    ]


def test_the_local_provider_works_as_it_is_beside_one_that_does_not(tmp_path: Path, found: Find) -> None:
    provider = found(ROOT / "providers.d", "local")
    assert sorted(provider.plugins) == [
        "Local::Application",
        "Local::Directory",
        "Local::PostgreSQL",
        "Local::SQLite",
    ]
    assert {each.resource_type for each in provider.protectables} == set(provider.plugins)
    assert provider.open_bank().conf.filesystem_bank.path == str(ROOT / "providers.d") + "/../.embank/bank"


def test_the_examples_in_the_local_provider_are_valid(directory: Directory, checked: Check, found: Find) -> None:
    lines = (ROOT / "providers.d" / "local.conf").read_text().splitlines()
    start = lines.index("# [local_application]")
    where = directory(local="\n".join([*lines[:start], *(line.removeprefix("# ") for line in lines[start:])]))
    assert checked(where) == ()
    assert len(found(where, "local").protectables) == 4


# -- what a provider gives --


def test_a_provider_has_its_plugins_by_type(acme: None, directory: Directory, things: str, found: Find) -> None:
    provider = found(directory(a=things + "[acme_things]\nthing = /one\nthing = /two\n"), "things")
    assert list(provider.plugins) == ["Acme::Thing"]
    assert provider.plugins["Acme::Thing"].version == "2.5"
    assert provider.bank.path == "karbor.protections.acme-memory-bank-plugin"
    assert provider.plugins["Acme::Thing"].plugin.conf.acme_things.thing == ["/one", "/two"]
    assert [each.resource_type for each in provider.protectables] == ["Acme::Thing"]
    assert provider.saved_schema("Acme::Thing") == {"type": "object"}
    assert provider.saved_schema("Acme::Part") is None


def test_a_component_sees_its_own_options_only(acme: None, directory: Directory, things: str, found: Find) -> None:
    provider = found(directory(a=things + "[acme_bank]\npassword = hunter22\n"), "things")
    assert provider.open_bank().conf.acme_bank.password == "hunter22"
    assert "acme_bank" not in provider.plugins["Acme::Thing"].plugin.conf


def test_here_is_the_directory_of_the_file(
    acme: None, directory: Directory, tmp_path: Path, things: str, found: Find
) -> None:
    where = directory(a=things + "[acme_bank]\nwhere = $here/bank\npassword = a$$b\n")
    bank = found(where, "t-1").open_bank()
    assert bank.conf.acme_bank.where == f"{where}/bank"
    assert bank.conf.acme_bank.password == "a$b"
    odd = tmp_path / "odd $where ${x}"
    odd.mkdir()
    (odd / "a.conf").write_text((where / "a.conf").read_text())
    assert found(odd, "t-1").open_bank().conf.acme_bank.where == f"{odd}/bank"


def test_the_environment_does_not_change_what_the_file_says(python: Callable[..., str], directory: Directory) -> None:
    where = directory()
    (where / "local.conf").write_text((ROOT / "providers.d" / "local.conf").read_text())
    program = (
        "from embank.inputs.provider.find import *\n"
        "print(find_provider(load_providers('.').value, 'local').value.open_bank().conf.filesystem_bank.path)"
    )
    printed = python(program, cwd=where, OS_FILESYSTEM_BANK__PATH="/elsewhere")
    assert printed == f"{where}/../.embank/bank\n"


def test_an_old_name_of_an_option_still_works(acme: None, directory: Directory, things: str, found: Find) -> None:
    bank = found(directory(a=things + "[acme_bank]\nold_name = x\n"), "things").open_bank()
    assert bank.conf.acme_bank.renamed == "x"


def test_sections_are_the_same_in_any_case_as_for_oslo_config(
    acme: None, directory: Directory, things: str, found: Find
) -> None:
    where = directory(a=things.replace("[provider]", "[Provider]") + "[ACME_Bank]\nwhere = x\n")
    assert found(where, "things").open_bank().conf.acme_bank.where == "x"


def test_the_digest_is_of_what_matters_and_of_no_secret(
    acme: None, directory: Directory, things: str, found: Find
) -> None:
    def digest(text: str) -> str:
        return found(directory(a=text), "t-1").sha256

    text = things + "[acme_bank]\nwhere = x\npassword = one\n[acme_things]\nthing = /a\nthing = /b\n"
    first = digest(text)
    same = [
        text.replace("password = one", "password = two"),
        text.replace("description = Things", "description = Other"),
        "# a comment\n" + text.replace(" = ", "="),
    ]
    other = [
        text.replace("where = x", "where = y"),
        text.replace("name = things", "name = thing"),
        text.replace("thing = /a\nthing = /b", "thing = /b\nthing = /a"),
    ]
    assert {digest(each) for each in same} == {first}
    assert len({first, *(digest(each) for each in other)}) == 4


# -- finding one --


def test_a_provider_is_found_by_id_or_name_whatever_its_neighbours_are(
    acme: None, directory: Directory, things: str, found: Find
) -> None:
    where = directory(a=REFERENCE_EXAMPLE, b=things, c="no section\n", d="")
    assert found(where, "things").id == found(where, "t-1").id == "t-1"


def test_a_provider_that_does_not_exist_is_answered_with_what_there_is(
    acme: None, directory: Directory, shown: Shown, things: str
) -> None:
    where = directory(a=things, c="no section\n")
    missing, broken = shown(refused(where, "thing"))
    assert missing == "EMB220 there is no provider with the id or name 'thing' (did you mean 'things'?)"
    assert broken.startswith("c.conf:1 EMB211 broken syntax")
    assert shown(refused(where, "?"))[0].endswith("(there are: things)")
    assert shown(refused(where, ""))[0].startswith("EMB220")


def test_a_shared_id_is_refused_however_it_is_asked_for(
    acme: None, directory: Directory, shown: Shown, things: str, found: Find
) -> None:
    where = directory(a=things, b=things.replace("name = things", "name = others"), c=things.replace("t-1", "t-2"))
    for reference in ("t-1", "others"):
        (line,) = shown(refused(where, reference), hints=False)
        assert line == "b.conf:3 EMB217 the id t-1 belongs to another provider already"
    assert found(where, "t-2").id == "t-2"


def test_a_shared_name_is_ambiguous_and_an_id_is_not(
    acme: None, directory: Directory, shown: Shown, things: str, found: Find
) -> None:
    where = directory(a=things, b=things.replace("t-1", "t-2"))
    (line,) = shown(refused(where, "things"))
    assert line.startswith("EMB220 2 providers are named 'things' (ask by id: t-1 (")
    assert found(where, "t-2").name == "things"


def test_a_provider_that_is_off_is_listed_and_refused(
    acme: None, directory: Directory, shown: Shown, things: str
) -> None:
    where = directory(a=things.replace("[provider]", "[provider]\nenabled = false"))
    (file,) = load_providers(str(where)).value or ()
    assert (file.name, file.enabled) == ("things", False)
    assert shown(refused(where, "things")) == [
        "a.conf:2 EMB221 the provider 'things' is switched off (its file says `enabled = false`)"
    ]


def test_only_the_provider_that_is_asked_for_is_loaded(
    acme: None, install: Callable[..., Path], directory: Directory, tmp_path: Path, things: str, found: Find
) -> None:
    trace = tmp_path / "imported"
    install("slow", {"karbor.protections": {"slow": "slow_plugin:P"}}, slow_plugin=f"open({str(trace)!r}, 'w')")
    where = directory(a=things, b=things.replace("t-1", "t-2") + "plugin = karbor.protections.slow\n")
    found(where, "t-1")
    assert not trace.exists()
    assert refused(where, "t-2")
    assert trace.exists()
