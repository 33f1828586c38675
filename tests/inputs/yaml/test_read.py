"""The strict reader: what it reads equals PyYAML's safe loader, and what it refuses it refuses with a place."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from embank.errors import InputUnreadable
from embank.inputs import yaml

Problems = Callable[[str | bytes], list[str]]
Value = Callable[[str | bytes], object]


# -- what it reads --

SCALARS = re.split(
    r"\s+",
    """on off yes No true FALSE null ~ 0 -0 +7 010 0o10 0x1F 0b101 1_000 190:20:30 1:30 12345678901234567890123 08 1.
    1e3 1.5e+3 1.5E3 -1.5e-3 6.02e23 190:20:30.15 . -- +- 0. 12e03 abc y n Y N tRue nul NULL Null None 'on' "1" ""
    .5 0b 0x 1__0 _1 1_ .e5 5% a#b http://x:80/ 0b_ = .inf""",
)


@pytest.mark.parametrize("scalar", SCALARS)
def test_a_plain_scalar_means_what_it_means_to_pyyaml(scalar: str, problems: Problems, value: Value) -> None:
    text = f"key: {scalar}\n"
    if scalar in ("=", "0b_", ".inf"):  # PyYAML refuses the first, crashes at the second; JSON has no third
        assert problems(text)
        return
    expected = pyyaml.safe_load(text)
    ours = value(text)
    assert ours == expected
    assert repr(ours) == repr(expected)  # 1, 1.0 and True are equal, and not the same


def test_a_date_stays_text(value: Value) -> None:
    assert value("a: 2024-01-01\nb: 2024-01-01 10:00:00") == {"a": "2024-01-01", "b": "2024-01-01 10:00:00"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_what_pyyaml_writes_comes_back(value: Value, document: dict[str, object]) -> None:
    text = pyyaml.safe_dump(document, allow_unicode=False)
    if "&id" in text or any(len(key) > 100 for key in document):
        return
    if any(0xD800 <= ord(character) < 0xE000 for character in json.dumps(document, ensure_ascii=False)):
        return
    assert value(text) == pyyaml.safe_load(text)


@given(st.dictionaries(st.text(max_size=50), st.text() | st.integers() | st.booleans() | st.none(), max_size=5))
def test_json_as_most_programs_write_it_comes_back(value: Value, document: dict[str, object]) -> None:
    data = json.dumps(document)
    try:
        data.encode().decode("utf-8")
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair is no text
        return
    assert value(data) == document


def test_json_with_characters_beyond_sixteen_bits(value: Value) -> None:
    document = {"name": "💾 \\ud83d\\udcbe \\", "💾": ["\\💾", '"💾"']}
    assert value(json.dumps(document)) == document
    assert value(json.dumps(document, ensure_ascii=False)) == document


def test_a_byte_order_mark_and_windows_line_ends_are_fine() -> None:
    checked = yaml.parse(b"\xef\xbb\xbfa: 1\r\nb: [x]\r\n", "f")
    assert checked.value
    assert checked.value.value == {"a": 1, "b": ["x"]}
    assert str(checked.value.key_place(checked.value.value, "b")) == "f:2:1"


def test_the_digest_is_that_of_the_file() -> None:
    for data in (b"a: 1\n", json.dumps({"a": "💾"}).encode(), b"a: 1\n...\n" + b"# x\n" * 50_000):
        checked = yaml.parse(data, "f")
        assert checked.value
        assert checked.value.sha256 == hashlib.sha256(data).hexdigest()


# -- places --


def test_every_value_has_its_place() -> None:
    text = "a: 1\nlist:\n  - x\n  - {k: v, 'quoted': [1, 2]}\nä: ü\n"
    checked = yaml.parse(text.encode(), "dir/f.yaml")
    assert checked.value
    located, document = checked.value, checked.value.value
    inner = document["list"][1]
    assert str(located.place(document)) == "dir/f.yaml:1:1"
    assert str(located.place(document, "a")) == "dir/f.yaml:1:4"
    assert str(located.key_place(document, "list")) == "dir/f.yaml:2:1"
    assert str(located.place(document["list"])) == str(located.place(document, "list")) == "dir/f.yaml:3:3"
    assert str(located.place(document["list"], 0)) == "dir/f.yaml:3:5"
    assert str(located.place(inner)) == "dir/f.yaml:4:5"
    assert str(located.key_place(inner, "quoted")) == "dir/f.yaml:4:12"
    assert str(located.place(inner["quoted"], 1)) == "dir/f.yaml:4:26"
    assert str(located.place(document, "ä")) == "dir/f.yaml:5:4"


def test_places_of_a_large_mapping() -> None:
    lines = [f"key_{number}: {number}" for number in range(50_000)]
    checked = yaml.parse("\n".join(lines).encode(), "f")
    assert checked.value
    document = checked.value.value
    assert [checked.value.place(document, key).line for key in document] == list(range(1, 50_001))


# -- files --


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "ok.yaml"
    file.write_text("a: 1\n")
    checked = yaml.read(str(file))
    assert checked.value
    assert checked.value.value == {"a": 1}


def test_stdin_is_read_even_when_it_is_a_pipe() -> None:
    program = "from embank.inputs import yaml; c = yaml.read('-'); print(c.value.value, c.diagnostics[0].place)"
    ran = subprocess.run([sys.executable, "-c", program], input=b"a: 1\na: 2\n", capture_output=True, check=True)
    assert ran.stdout == b"{'a': 1} -:2:1\n"


def test_a_bad_byte_in_a_pipe_has_no_line_and_is_refused_all_the_same() -> None:
    program = "from embank.inputs import yaml; (d,) = yaml.read('-').diagnostics; print(d.place, d.message)"
    ran = subprocess.run([sys.executable, "-c", program], input=b"a: 1\nb: \0\n", capture_output=True, check=True)
    assert ran.stdout == b"- the character U+0000 is not allowed in YAML\n"


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(InputUnreadable, match=r"missing\.yaml: there is no such file"):
        yaml.read(str(tmp_path / "missing.yaml"))
    with pytest.raises(InputUnreadable, match="this is a directory"):
        yaml.read(str(tmp_path))
    with pytest.raises(InputUnreadable, match="cannot be read"):
        yaml.read("a\0b")


def test_no_permission_says_so(tmp_path: Path) -> None:
    file = tmp_path / "secret.yaml"
    file.write_text("a: 1\n")
    file.chmod(0)
    # The superuser may read everything: ask as somebody else.
    program = (
        "import os, sys\n"
        "from embank.errors import InputUnreadable\n"
        "from embank.inputs import yaml\n"
        "stream = open(sys.argv[1]).close() if os.geteuid() == 0 else None\n"
        "os.chdir(os.path.dirname(sys.argv[1]))\n"
        "os.geteuid() or os.seteuid(65534)\n"
        "try: yaml.read('secret.yaml')\n"
        "except InputUnreadable as error: print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=True)
    assert ran.stdout == "secret.yaml: no permission to read this file\n"
