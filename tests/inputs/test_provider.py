"""Provider files: what is read, what is refused and where, and what a broken file does to its neighbours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from embank.diagnostics import Diagnostic, Severity
from embank.errors import InputUnreadable
from embank.inputs.provider import Provider, check_providers, find_provider, load_providers, provider_directory
from embank.plugins import BankError

ROOT = Path(__file__).resolve().parents[2]
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
THINGS = """\
[provider]
name = things
id = t-1
description = Things
bank = karbor.protections.acme-memory-bank-plugin
plugin = karbor.protections.acme-things-protection-plugin
"""

Directory = Callable[..., Path]
Shown = Callable[..., list[str]]


def checked(where: Path) -> tuple[Diagnostic, ...]:
    files = load_providers(str(where)).value
    assert files is not None
    return check_providers(files)


def found(where: Path, reference: str) -> Provider:
    files = load_providers(str(where)).value
    assert files
    provider = find_provider(files, reference)
    assert provider.ok
    assert provider.value
    return provider.value


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
    bank, *plugins = shown(refused(where, "Foo"), hints=False)
    assert bank == "foo.conf:5 EMB201 the bank karbor.protections.karbor-swift-bank-plugin is not installed"
    assert plugins == [
        f"foo.conf:{line} EMB201 the protection plugin {given.value} is not installed"
        for line, given in enumerate(file.plugins, 6)
    ]


def test_the_local_provider_works_as_it_is_beside_one_that_does_not(tmp_path: Path) -> None:
    provider = found(ROOT / "providers.d", "local")
    assert sorted(provider.plugins) == [
        "Local::Application",
        "Local::Directory",
        "Local::PostgreSQL",
        "Local::SQLite",
    ]
    assert {each.resource_type for each in provider.protectables} == set(provider.plugins)
    assert provider.open_bank().conf.filesystem_bank.path == str(ROOT / "providers.d") + "/../.embank/bank"


def test_the_examples_in_the_local_provider_are_valid(directory: Directory) -> None:
    lines = (ROOT / "providers.d" / "local.conf").read_text().splitlines()
    start = lines.index("# [local_application]")
    where = directory(local="\n".join([*lines[:start], *(line.removeprefix("# ") for line in lines[start:])]))
    assert checked(where) == ()
    assert len(found(where, "local").protectables) == 4


# -- what a provider gives --


def test_a_provider_has_its_plugins_by_type(acme: None, directory: Directory) -> None:
    provider = found(directory(a=THINGS + "[acme_things]\nthing = /one\nthing = /two\n"), "things")
    assert list(provider.plugins) == ["Acme::Thing"]
    assert provider.plugins["Acme::Thing"].version == "2.5"
    assert provider.bank.path == "karbor.protections.acme-memory-bank-plugin"
    assert provider.plugins["Acme::Thing"].plugin.conf.acme_things.thing == ["/one", "/two"]
    assert [each.resource_type for each in provider.protectables] == ["Acme::Thing"]
    assert provider.saved_schema("Acme::Thing") == {"type": "object"}
    assert provider.saved_schema("Acme::Part") is None


def test_a_component_sees_its_own_options_only(acme: None, directory: Directory) -> None:
    provider = found(directory(a=THINGS + "[acme_bank]\npassword = hunter22\n"), "things")
    assert provider.open_bank().conf.acme_bank.password == "hunter22"
    assert "acme_bank" not in provider.plugins["Acme::Thing"].plugin.conf


def test_here_is_the_directory_of_the_file(acme: None, directory: Directory, tmp_path: Path) -> None:
    where = directory(a=THINGS + "[acme_bank]\nwhere = $here/bank\npassword = a$$b\n")
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
        "from embank.inputs.provider import *\n"
        "print(find_provider(load_providers('.').value, 'local').value.open_bank().conf.filesystem_bank.path)"
    )
    printed = python(program, cwd=where, OS_FILESYSTEM_BANK__PATH="/elsewhere")
    assert printed == f"{where}/../.embank/bank\n"


def test_an_old_name_of_an_option_still_works(acme: None, directory: Directory) -> None:
    bank = found(directory(a=THINGS + "[acme_bank]\nold_name = x\n"), "things").open_bank()
    assert bank.conf.acme_bank.renamed == "x"


def test_sections_are_the_same_in_any_case_as_for_oslo_config(acme: None, directory: Directory) -> None:
    where = directory(a=THINGS.replace("[provider]", "[Provider]") + "[ACME_Bank]\nwhere = x\n")
    assert found(where, "things").open_bank().conf.acme_bank.where == "x"


def test_the_digest_is_of_what_matters_and_of_no_secret(acme: None, directory: Directory) -> None:
    def digest(text: str) -> str:
        return found(directory(a=text), "t-1").sha256

    text = THINGS + "[acme_bank]\nwhere = x\npassword = one\n[acme_things]\nthing = /a\nthing = /b\n"
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


# -- everything that can be wrong, all at once, by line --


def test_all_mistakes_of_all_files_are_reported_at_once(acme: None, directory: Directory, shown: Shown) -> None:
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
    acme: None, directory: Directory, shown: Shown
) -> None:
    where = directory(
        a=THINGS + "plugin = karbor.protections.acme-missing-plugin\n[acme_missing]\na = 1\n[acme_bank]\nport = x\n"
    )
    assert [line.partition(" ")[0] for line in shown(checked(where))] == ["a.conf:7", "a.conf:11"]


def test_keys_of_provider_are_known_whatever_plugins_do(acme: None, directory: Directory, shown: Shown) -> None:
    where = directory(a=THINGS.replace("name =", "nmae =") + "plugin = karbor.protections.acme-missing-plugin\n")
    assert [line.split(" (")[0] for line in shown(checked(where))] == [
        "a.conf:1 EMB213 [provider] has no name",
        "a.conf:2 EMB214 [provider] has no key nmae",
        "a.conf:7 EMB201 the protection plugin karbor.protections.acme-missing-plugin is not installed",
    ]


def test_related_places_show_the_first_of_two(acme: None, directory: Directory) -> None:
    where = directory(a=THINGS, b=THINGS.replace("= things", "= b"), c=THINGS.replace("t-1", "t-2"))
    by_code = {each.code: each for each in checked(where)}
    assert str(by_code["EMB217"].place).endswith("b.conf:3")
    assert [str(related.place)[-8:] for related in by_code["EMB217"].related] == ["a.conf:3"]
    assert by_code["EMB218"].severity is Severity.WARNING
    assert [str(related.place)[-8:] for related in by_code["EMB218"].related] == ["a.conf:2"]


def test_the_same_plugin_given_twice_is_one_mistake(acme: None, directory: Directory, shown: Shown) -> None:
    where = directory(a=THINGS + THINGS.splitlines()[-1] + "\n")
    assert shown(checked(where)) == [
        "a.conf:7 EMB215 the plugin karbor.protections.acme-things-protection-plugin is given twice"
    ]


def test_what_a_plugin_says_of_its_values_stands_at_their_lines(
    acme: None, directory: Directory, shown: Shown
) -> None:
    where = directory(a=THINGS + "[acme_things]\nthing = /ok\nthing = one\nthing = two three\n")
    assert shown(checked(where)) == [
        "a.conf:9 EMB216 [acme_things] thing = one: not absolute",
        "a.conf:10 EMB216 [acme_things] thing = two three: not absolute",
    ]


def test_options_in_default_are_unknown_too(acme: None, directory: Directory, shown: Shown) -> None:
    where = directory(a=THINGS + "[DEFAULT]\nhere = /tmp\nconfig_source = remote\n")
    assert shown(checked(where)) == [
        "a.conf:8 EMB214 [DEFAULT] has no key here",
        "a.conf:9 EMB214 [DEFAULT] has no key config_source",
    ]


@pytest.mark.parametrize(
    ("id_", "fine"),
    [("a", True), ("1.2_3-x", True), ("a/b", False), ("..", False), ("a b", False), ("x" * 101, False)],
)
def test_an_id_has_to_be_usable_in_keys_and_files(acme: None, directory: Directory, id_: str, fine: bool) -> None:
    assert (checked(directory(a=THINGS.replace("t-1", id_))) == ()) is fine


# -- secrets --

SECRETS = (
    THINGS + "[acme_bank]\npassword = hunter22\npin = hunter33\nwhere = {where}\n[acme_things]\ntoken = hunter44\n"
)


def test_no_message_quotes_a_secret(acme: None, directory: Directory) -> None:
    where = directory(
        a=SECRETS.format(where="moon") + "eager = true\n",
        b=THINGS.replace("t-1", "t-2") + "[acme_bank]\npasword = hunter55\npassword = $hunter66\nport = hunter77\n",
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
    acme: None, directory: Directory, where: str, message: str
) -> None:
    text = SECRETS.replace("pin = hunter33\n", "").format(where=where)
    provider = found(directory(a=text), "things")
    assert "hunter" not in repr(provider)
    with pytest.raises(BankError) as failure:
        provider.open_bank()
    assert str(failure.value) == f"karbor.protections.acme-memory-bank-plugin: {message}"


def test_nothing_that_is_printed_by_accident_holds_a_secret(acme: None, directory: Directory) -> None:
    where = directory(a=SECRETS.replace("pin = hunter33\n", "").format(where="x"))
    files = load_providers(str(where))
    assert "hunter" not in repr(files)
    assert files.value
    assert "hunter" not in repr(files.value[0].conf)
    assert "hunter" not in repr(find_provider(files.value, "things"))


# -- finding one --


def test_a_provider_is_found_by_id_or_name_whatever_its_neighbours_are(acme: None, directory: Directory) -> None:
    where = directory(a=REFERENCE_EXAMPLE, b=THINGS, c="no section\n", d="")
    assert found(where, "things").id == found(where, "t-1").id == "t-1"


def test_a_provider_that_does_not_exist_is_answered_with_what_there_is(
    acme: None, directory: Directory, shown: Shown
) -> None:
    where = directory(a=THINGS, c="no section\n")
    missing, broken = shown(refused(where, "thing"))
    assert missing == "EMB220 there is no provider with the id or name 'thing' (did you mean 'things'?)"
    assert broken.startswith("c.conf:1 EMB211 broken syntax")
    assert shown(refused(where, "?"))[0].endswith("(there are: things)")
    assert shown(refused(where, ""))[0].startswith("EMB220")


def test_a_shared_id_is_refused_however_it_is_asked_for(acme: None, directory: Directory, shown: Shown) -> None:
    where = directory(a=THINGS, b=THINGS.replace("name = things", "name = others"), c=THINGS.replace("t-1", "t-2"))
    for reference in ("t-1", "others"):
        (line,) = shown(refused(where, reference), hints=False)
        assert line == "b.conf:3 EMB217 the id t-1 belongs to another provider already"
    assert found(where, "t-2").id == "t-2"


def test_a_shared_name_is_ambiguous_and_an_id_is_not(acme: None, directory: Directory, shown: Shown) -> None:
    where = directory(a=THINGS, b=THINGS.replace("t-1", "t-2"))
    (line,) = shown(refused(where, "things"))
    assert line.startswith("EMB220 2 providers are named 'things' (ask by id: t-1 (")
    assert found(where, "t-2").name == "things"


def test_a_provider_that_is_off_is_listed_and_refused(acme: None, directory: Directory, shown: Shown) -> None:
    where = directory(a=THINGS.replace("[provider]", "[provider]\nenabled = false"))
    (file,) = load_providers(str(where)).value or ()
    assert (file.name, file.enabled) == ("things", False)
    assert shown(refused(where, "things")) == [
        "a.conf:2 EMB221 the provider 'things' is switched off (its file says `enabled = false`)"
    ]


def test_only_the_provider_that_is_asked_for_is_loaded(
    acme: None, install: Callable[..., Path], directory: Directory, tmp_path: Path
) -> None:
    trace = tmp_path / "imported"
    install("slow", {"karbor.protections": {"slow": "slow_plugin:P"}}, slow_plugin=f"open({str(trace)!r}, 'w')")
    where = directory(a=THINGS, b=THINGS.replace("t-1", "t-2") + "plugin = karbor.protections.slow\n")
    found(where, "t-1")
    assert not trace.exists()
    assert refused(where, "t-2")
    assert trace.exists()


# -- files and directories --


def test_files_are_read_in_the_order_of_their_names(acme: None, directory: Directory) -> None:
    where = directory(b=THINGS, a=REFERENCE_EXAMPLE, c="")
    (where / "d.conf.bak").write_text("nonsense")
    (where / "e.ini").write_text("nonsense")
    files = load_providers(str(where)).value or ()
    assert [Path(file.file).name for file in files] == ["a.conf", "b.conf", "c.conf"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "x.conf:1 EMB213 the file has no section [provider]"),
        (b"[provider]\nname = \xff\n", "x.conf:2 EMB212 the file is not UTF-8"),
        (b"\xef\xbb\xbf[provider]\n", "x.conf:1 EMB212 the file begins with a byte order mark"),
        ("[provider]\n".encode("utf-16"), "x.conf:1 EMB212 the file is not UTF-8"),
        (b"[provider]\nname = a\0b\n", "x.conf:2 EMB212 the character U+0000 has no place here"),
        (b"x" * (100 << 20), "x.conf:1 EMB212 the file is larger than 1 MiB"),
    ],
    ids=["empty", "latin-1", "mark", "utf-16", "nul", "large"],
)
def test_a_file_that_is_no_text_says_so(directory: Directory, shown: Shown, data: bytes, expected: str) -> None:
    where = directory()
    (where / "x.conf").write_bytes(data)
    assert shown(checked(where), hints=False) == [expected]


def test_a_directory_and_a_dangling_link_among_the_files_are_reported(directory: Directory, shown: Shown) -> None:
    where = directory()
    (where / "a.conf").mkdir()
    (where / "b.conf").symlink_to("nowhere")
    assert shown(checked(where)) == [
        "a.conf EMB212 the provider file cannot be read: is a directory",
        "b.conf EMB212 the provider file cannot be read: no such file or directory",
    ]


def test_no_permission_is_reported(python: Callable[..., str], directory: Directory) -> None:
    where = directory(a=THINGS)
    (where / "a.conf").chmod(0)
    program = (
        "from embank.inputs.provider import *\n"
        "print(*(each.message for each in check_providers(load_providers('.').value)))"
    )
    assert python(program, cwd=where) == "the provider file cannot be read: permission denied\n"


def test_where_provider_files_are_looked_for(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    variable = {"EMBANK_PROVIDER_CONFIG_DIR": str(two)}
    assert provider_directory(str(one), variable) == one
    assert provider_directory(None, variable) == two
    with pytest.raises(InputUnreadable, match=r"nowhere does not exist$"):
        provider_directory(str(tmp_path / "nowhere"), variable)
    with pytest.raises(InputUnreadable, match=r"three \(from EMBANK_PROVIDER_CONFIG_DIR\) does not exist"):
        provider_directory(None, {"EMBANK_PROVIDER_CONFIG_DIR": str(tmp_path / "three")})
    (tmp_path / "file").write_text("")
    with pytest.raises(InputUnreadable, match="is not a directory"):
        provider_directory(str(tmp_path / "file"), {})


def test_without_any_directory_the_message_says_where_it_looked(python: Callable[..., str], tmp_path: Path) -> None:
    program = (
        "from embank.errors import InputUnreadable\nfrom embank.inputs.provider import *\n"
        "try: print(provider_directory(None, {}))\nexcept InputUnreadable as error: print(error)"
    )

    said = python(program, cwd=tmp_path)
    assert said.startswith("there is no directory of provider files: looked for providers.d and /etc/karbor/")
    (tmp_path / "providers.d").mkdir()
    assert python(program, cwd=tmp_path) == "providers.d\n"


def test_a_directory_without_provider_files_is_an_error(directory: Directory, shown: Shown) -> None:
    files = load_providers(str(directory()))
    assert not files.ok
    assert shown(files.diagnostics)[0].startswith("providers.d EMB222 there are no provider files here")
