"""What the strict reader refuses, with a place, and how little it needs for that."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from embank.inputs import yaml
from embank.inputs.yaml.composer import Composer
from embank.inputs.yaml.source import Source

Problems = Callable[[str | bytes], list[str]]

MIB = 2**20


# -- what it refuses --


def test_all_problems_are_reported_in_one_go(problems: Problems) -> None:
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
def test_it_says_what_and_where(text: bytes, expected: str, problems: Problems) -> None:
    (found,) = problems(text)
    assert found.startswith(expected)


def test_an_ambiguous_character_between_two_reads_is_found(problems: Problems) -> None:
    for shift in range(4):
        data = b"a: 'x" + b"x" * (2**14 - 8 + shift) + "\u2028'".encode()
        (found,) = problems(data)
        assert found.startswith(f"1:{2**14 - 2 + shift} EMB107 the character U+2028")


def test_an_unclosed_bracket_shows_where_it_was_opened() -> None:
    (diagnostic,) = yaml.parse(b"a:\n  - [1,\nb: 3\n", "f").diagnostics
    assert diagnostic.code == "EMB101"
    assert [str(related.place) for related in diagnostic.related] == ["f:2:5"]
    assert "bracket" in diagnostic.hint


def test_the_number_of_problems_is_limited(problems: Problems) -> None:
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
    composer = Composer(source, "f", yaml.DEEPEST)
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


def test_a_legal_depth_is_read_and_one_more_is_refused(problems: Problems) -> None:
    assert yaml.parse(b"a: " + b"[" * 99 + b"]" * 99, "f").ok
    (found,) = problems(b"a: " + b"[" * 100 + b"]" * 100)
    assert found == "1:103 EMB105 nested more than 100 levels deep"
