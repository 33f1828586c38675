"""Where provider files are looked for, and what is no provider file at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from embank.diagnostics import Diagnostic
from embank.errors import InputUnreadable
from embank.inputs.provider.find import load_providers, provider_directory

Directory = Callable[..., Path]
Shown = Callable[..., list[str]]
Check = Callable[[Path], tuple[Diagnostic, ...]]


# -- files and directories --


def test_files_are_read_in_the_order_of_their_names(acme: None, directory: Directory, things: str) -> None:
    where = directory(b=things, a="[provider]\nname = a\n", c="")
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
def test_a_file_that_is_no_text_says_so(
    directory: Directory, shown: Shown, data: bytes, expected: str, checked: Check
) -> None:
    where = directory()
    (where / "x.conf").write_bytes(data)
    assert shown(checked(where), hints=False) == [expected]


def test_a_directory_and_a_dangling_link_among_the_files_are_reported(
    directory: Directory, shown: Shown, checked: Check
) -> None:
    where = directory()
    (where / "a.conf").mkdir()
    (where / "b.conf").symlink_to("nowhere")
    assert shown(checked(where)) == [
        "a.conf EMB212 the provider file cannot be read: is a directory",
        "b.conf EMB212 the provider file cannot be read: no such file or directory",
    ]


def test_no_permission_is_reported(python: Callable[..., str], directory: Directory, things: str) -> None:
    where = directory(a=things)
    (where / "a.conf").chmod(0)
    program = (
        "from embank.inputs.provider.find import *\n"
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
        "from embank.errors import InputUnreadable\nfrom embank.inputs.provider.find import *\n"
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
