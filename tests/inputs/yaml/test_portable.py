"""Files that other programs read, too: what is accepted means the same to PyYAML's own parser, which is Mistral's."""

from __future__ import annotations

from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from embank.inputs import yaml
from kit.examples import examples

PIECES = (
    "a", "b", "1", ":", " ", "  ", "\n", "\n  ", "- ", "? ", "?", ",", "[", "]", "{", "}", "#", " # c", "|", ">",
    "|#", "'", '"', "\\", "\t", "a: ", "- a\n", "{a: b}", "[a, b]", "|\n  x\n", "2024-01-01", "1:30", "~", "%", "@",
    "`", "=", '"\\ud83d\\ude00"', "\u00e9", "---", "...",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 2024-01-01", "1:4 EMB110 other programs read 2024-01-01 as a date, which JSON cannot hold; quote it"),
        ("a: {b?: c}", "1:5 EMB101 not valid YAML: other YAML readers refuse a ? between brackets or braces"),
        ("a: [[b?]]", "1:6 EMB101 not valid YAML: other YAML readers refuse a ? between brackets or braces"),
        ("a: |#\n  b", "1:4 EMB101 not valid YAML: other YAML readers refuse a comment right behind |"),
        ("a:\n- >2-#\n   b", "2:3 EMB101 not valid YAML: other YAML readers refuse a comment right behind >"),
        ("a:\tb", "1:3 EMB107 the character U+0009 means different things to different YAML readers"),
    ],
)
def test_what_only_libyaml_reads(text: str, problem: str) -> None:
    found = yaml.parse(text.encode(), "f", portable=True).diagnostics
    assert [f"{each.place.line}:{each.place.column} {each.code} {each.message}" for each in found] == [problem]
    assert yaml.parse(text.encode(), "f").value is not None


@pytest.mark.parametrize("text", ["a: b?", "a: ['b?', \"c?\"]", "a: 'x |#'", "a: b|#\nc: |\n  d", "a: '2024-01-01'"])
def test_what_everybody_reads(text: str) -> None:
    checked = yaml.parse(text.encode(), "f", portable=True)
    assert checked.value is not None
    assert not checked.diagnostics
    assert checked.value.value == pyyaml.safe_load(text)


@pytest.mark.parametrize("before", [b"a:\n", b"a:\n ", b"", b"a:\r\n  "])
@pytest.mark.parametrize("length", [0, 2**14 - 5, 2**14 - 2, 2**14 - 1, 2**14])
def test_a_tab_that_indents_is_told_from_others(before: bytes, length: int) -> None:
    """The advice is that of other files, where libyaml gives it; wherever the bytes are cut."""
    long = b"# " + b"x" * length + b"\n" if length else b""
    (found,) = yaml.parse(long + before + b"\tb: 1\n", "f", portable=True).diagnostics
    assert (found.code, found.hint) == ("EMB101", "indent with spaces, not tabs")
    assert (found.place.line, found.place.column) == (
        (long + before).count(b"\n") + 1, len(before.rpartition(b"\n")[2]) + 1
    )  # fmt: skip
    (other,) = yaml.parse(long + before + b"b:\t1\n", "f", portable=True).diagnostics
    assert other.code == "EMB107"


def test_a_file_that_is_no_text_is_not_taken_for_one_with_tabs() -> None:
    (found,) = yaml.parse(b"\x7fELF\x02\x00\x00 \t", "f", portable=True).diagnostics
    assert (found.message, found.place.column) == ("the character U+007F is not allowed in YAML", 1)
    (found,) = yaml.parse(b"a: b\nc\x00\n\tb", "f", portable=True).diagnostics
    assert (found.message, found.place.line) == ("the character U+0000 is not allowed in YAML", 2)
    assert "is this a text file?" in found.hint


def test_a_comment_is_found_wherever_the_bytes_are_cut() -> None:
    """libyaml asks for 16 KiB at a time."""
    for length in range(2**14 - 12, 2**14 + 4):
        text = f"a: {'x' * (length - 8)}\nb: |-#\n  c\n"
        assert [each.place.line for each in yaml.parse(text.encode(), "f", portable=True).diagnostics] == [2]


@examples(300)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_what_is_accepted_means_the_same_to_both(text: str) -> None:
    checked = yaml.parse(f"a: {text}".encode(), "f", portable=True)
    if checked.value is not None and not checked.diagnostics:
        read: Any = pyyaml.safe_load(f"a: {text}")
        assert repr(read) == repr(checked.value.value)
