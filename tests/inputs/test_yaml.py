"""The strict reader: what it reads equals PyYAML's safe loader, and what it refuses it refuses with a place."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from embank.errors import InputUnreadable
from embank.inputs import yaml
from embank.inputs.yaml.composer import Composer
from embank.inputs.yaml.source import Source

MIB = 2**20


def problems(text: str | bytes) -> list[str]:
    """Every diagnostic as "line:column CODE message"."""
    data = text.encode() if isinstance(text, str) else text
    found = yaml.parse(data, "f").diagnostics
    return [f"{d.place.line}:{d.place.column} {d.code} {d.message}" for d in found if d.place]


def value(text: str | bytes) -> object:
    checked = yaml.parse(text.encode() if isinstance(text, str) else text, "f")
    assert not checked.diagnostics
    assert checked.value
    return checked.value.value


# -- what it reads --

SCALARS = re.split(
    r"\s+",
    """on off yes No true FALSE null ~ 0 -0 +7 010 0o10 0x1F 0b101 1_000 190:20:30 1:30 12345678901234567890123 08 1.
    1e3 1.5e+3 1.5E3 -1.5e-3 6.02e23 190:20:30.15 . -- +- 0. 12e03 abc y n Y N tRue nul NULL Null None 'on' "1" ""
    .5 0b 0x 1__0 _1 1_ .e5 5% a#b http://x:80/ 0b_ = .inf""",
)


@pytest.mark.parametrize("scalar", SCALARS)
def test_a_plain_scalar_means_what_it_means_to_pyyaml(scalar: str) -> None:
    text = f"key: {scalar}\n"
    if scalar in ("=", "0b_", ".inf"):  # PyYAML refuses the first, crashes at the second; JSON has no third
        assert problems(text)
        return
    expected = pyyaml.safe_load(text)
    ours = value(text)
    assert ours == expected
    assert repr(ours) == repr(expected)  # 1, 1.0 and True are equal, and not the same


def test_a_date_stays_text() -> None:
    assert value("a: 2024-01-01\nb: 2024-01-01 10:00:00") == {"a": "2024-01-01", "b": "2024-01-01 10:00:00"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_what_pyyaml_writes_comes_back(document: dict[str, object]) -> None:
    text = pyyaml.safe_dump(document, allow_unicode=False)
    if "&id" in text or any(len(key) > 100 for key in document):
        return
    if any(0xD800 <= ord(character) < 0xE000 for character in json.dumps(document, ensure_ascii=False)):
        return
    assert value(text) == pyyaml.safe_load(text)


@given(st.dictionaries(st.text(max_size=50), st.text() | st.integers() | st.booleans() | st.none(), max_size=5))
def test_json_as_most_programs_write_it_comes_back(document: dict[str, object]) -> None:
    data = json.dumps(document)
    try:
        data.encode().decode("utf-8")
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair is no text
        return
    assert value(data) == document


def test_json_with_characters_beyond_sixteen_bits() -> None:
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


# -- what it refuses --


def test_all_problems_are_reported_in_one_go() -> None:
    text = "a: 1\nb: 2\na: 3\non: 1\n? [x]\n: y\n1: 2\n<<: {c: 1}\nx: &q 1\ny: !!str 2\nz: .nan\nw: *q\n"
    assert problems(text) == [
        "3:1 EMB102 the key 'a' is given twice",
        "4:1 EMB106 the key on is not text but the boolean true",
        "5:3 EMB106 a list or a mapping cannot be a key",
        "7:1 EMB106 the key 1 is not text but a number",
        "8:1 EMB110 a plain << has a special meaning in YAML that is not supported; quote it",
        "9:4 EMB103 the anchor &q is not supported",
        "10:4 EMB104 the tag !!str is not supported",
        "11:4 EMB110 .nan is not a number that JSON can hold; quote it if it is meant as text",
        "12:4 EMB103 the alias *q is not supported",
    ]


def test_a_duplicate_key_shows_the_first_one_and_does_not_replace_it() -> None:
    checked = yaml.parse(b"x:\n  a: 1\n  b: 2\n  a: {c: [3]}\n  d: 4\n", "f")
    (diagnostic,) = checked.diagnostics
    assert [str(related.place) for related in diagnostic.related] == ["f:2:3"]
    assert checked.value
    assert checked.value.value == {"x": {"a": 1, "b": 2, "d": 4}}
    assert str(checked.value.place(checked.value.value["x"], "d")) == "f:5:6"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "1:1 EMB109 the file is empty"),
        (b"# nothing\n", "2:1 EMB109 the file is empty"),
        (b"---\n", "2:1 EMB109 the file is empty"),
        (b"hello\n", "1:1 EMB111 the file holds a single text where keys and values are expected"),
        (b"true\n", "1:1 EMB111 the file holds the boolean true where keys and values are expected"),
        (b"- a\n- b\n", "1:1 EMB111 the file holds a list where keys and values are expected"),
        (b"a: 1\n---\nb: 1\n", "2:1 EMB108 a second document begins here"),
        (b"a: 1\nb: \xff\n", "2:4 EMB107 the file is not UTF-8: invalid leading UTF-8 octet"),
        (b"a: \xc3", "1:4 EMB107 the file is not UTF-8: incomplete UTF-8 octet sequence"),
        ("é: é\0".encode(), "1:5 EMB107 the character U+0000 is not allowed in YAML"),
        ("a: \ufffe".encode(), "1:4 EMB107 the character U+FFFE is not allowed in YAML"),
        (b"a: \x7f", "1:4 EMB107 the character U+007F is not allowed in YAML"),
        ("a: 1\nb: 'x\x85y'".encode(), "2:6 EMB107 the character U+0085"),
        ("a: '\u2028'".encode(), "1:5 EMB107 the character U+2028"),
        ("a: '\ufeff'".encode(), "1:5 EMB107 the character U+FEFF"),
        ("a: 1".encode("utf-16"), "1:1 EMB107 the file is UTF-16"),
        (b'{"a": "\\ud83d"}', "1:10 EMB101 not valid YAML: found invalid Unicode character escape code"),
        (b"a: 1" + b"0" * 5000, "1:4 EMB110 10000000000000000000… is not a number that JSON can hold"),
        (b"a: 1" + b":59" * 5000, "1:4 EMB110 1:59:59:59:59:59:59:… is not a number that JSON can hold"),
        (b"a: 1.0e+400", "1:4 EMB110 1.0e+400 is not a number that JSON can hold"),
        (b"*a", "1:1 EMB103 the alias *a is not supported"),
        (b"a:\n\tb: 1", "2:1 EMB101 not valid YAML: found character that cannot start any token"),
    ],
)  # fmt: skip
def test_it_says_what_and_where(text: bytes, expected: str) -> None:
    (found,) = problems(text)
    assert found.startswith(expected)


def test_an_ambiguous_character_between_two_reads_is_found() -> None:
    for shift in range(4):
        data = b"a: 'x" + b"x" * (2**14 - 8 + shift) + "\u2028'".encode()
        (found,) = problems(data)
        assert found.startswith(f"1:{2**14 - 2 + shift} EMB107 the character U+2028")


def test_an_unclosed_bracket_shows_where_it_was_opened() -> None:
    (diagnostic,) = yaml.parse(b"a:\n  - [1,\nb: 3\n", "f").diagnostics
    assert diagnostic.code == "EMB101"
    assert [str(related.place) for related in diagnostic.related] == ["f:2:5"]
    assert "bracket" in diagnostic.hint


def test_the_number_of_problems_is_limited() -> None:
    assert len(problems("a: 1\n" * 1000)) == 20


# -- nonsense --


class CountedReads(io.BytesIO):
    """A stream that knows how much was read of it."""

    total = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.total += len(data)
        return data


NONSENSE = {
    "brackets": (b"a: ", b"["),
    "braces": (b"", b"{a: "),
    "dashes": (b"a:\n  ", b"- "),
    "one word": (b"", b"a"),
    "lines of words": (b"", b"lorem ipsum dolor\n"),
    "an open quote": (b'a: "', b"x"),
    "a comment": (b"a: 1\n", b"#"),
    "empty lines": (b"a: 1\n", b"\n"),
    "zeros": (b"", b"\0"),
    "noise": (b"", bytes(range(256))),
    "one key again and again": (b"", b"a: 1\n"),
    "a list": (b"", b"- a\n"),
    "question marks": (b"", b"? "),
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_of_much_nonsense_only_the_beginning_is_read(kind: str) -> None:
    begin, repeated = NONSENSE[kind]
    stream = CountedReads(begin + repeated * (20 * MIB // len(repeated)))
    source = Source(stream, "f")
    composer = Composer(source, "f")
    composer.run()
    checked = composer.result(source.sha256)
    assert checked.value is None or checked.diagnostics
    assert all(diagnostic.place and diagnostic.place.line for diagnostic in checked.diagnostics)
    assert stream.total < 9 * MIB


def test_a_hundred_megabytes_of_nonsense_need_little_memory(tmp_path: Path) -> None:
    file = tmp_path / "noise"
    with file.open("wb") as stream:
        for _ in range(100):
            stream.write(b"lorem ipsum dolor sit amet, \n" * (MIB // 29))
    program = (
        "import resource, sys; from embank.inputs import yaml\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "(problem,) = yaml.read(sys.argv[1]).diagnostics\n"
        "print(problem.code, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)"
    )
    ran = subprocess.run([sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=True)
    code, mebibytes = ran.stdout.split()
    assert code == "EMB112"
    assert int(mebibytes) < 50


def test_a_legal_depth_is_read_and_one_more_is_refused() -> None:
    assert yaml.parse(b"a: " + b"[" * 99 + b"]" * 99, "f").ok
    (found,) = problems(b"a: " + b"[" * 100 + b"]" * 100)
    assert found == "1:103 EMB105 nested more than 100 levels deep"


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
