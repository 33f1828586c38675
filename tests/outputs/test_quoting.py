"""Whatever is quoted reads back equal: from PyYAML, from libyaml, from Embank's own reader."""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterator

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from embank import expressions
from embank.inputs.yaml import parse
from embank.outputs.layout import WIDTH, after_key
from embank.outputs.quoting import Unwritable, key, scalar, text
from embank.plaintext import UNSEEN
from kit.examples import examples

ALPHABET = st.one_of(
    st.sampled_from(
        string.printable + "\0\x07\x1b\x7f\x80\x85\xa0\xad\u200b\u2028\u202e\ufeff\ufffe\uffff\U0001f418"
    ),
    st.characters(exclude_categories=["Cs"]),
)
# What YAML means something by: numbers, dates, indicators, expressions.
SHAPES = st.one_of(
    st.text(ALPHABET, max_size=30),
    st.from_regex(r"[-+.]?[0-9][0-9_.:xXoObBeE+-]{0,12}", fullmatch=True),
    st.from_regex(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9:.Z+]{0,12})?", fullmatch=True),
    st.from_regex(r"(<%|\{\{|\{%)[ -~]{0,10}(%>|\}\}|%\})?", fullmatch=True),
    st.from_regex(r"(?i)(y|n|yes|no|on|off|true|false|null|~|=|<<|\.inf|\.nan|---|\.\.\.)[ :#]{0,2}", fullmatch=True),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), SHAPES),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(SHAPES, inner, max_size=4)),
    max_leaves=15,
)


def readings(document: str) -> Iterator[dict[str, object]]:
    """What three readers make of a document that begins with a mapping."""
    yield yaml.load(document, yaml.SafeLoader)
    yield yaml.load(document, yaml.CSafeLoader)
    checked = parse(document.encode(), "test.yaml")
    assert checked.value is not None, checked.diagnostics
    yield checked.value.value


def data(value: object) -> object:
    """What an engine makes of a value as read: literals become the text they stand for. Keys are left alone."""
    if isinstance(value, str):
        assert not expressions.is_evaluated(value) or expressions.parse(value), f"{value!r} would be evaluated"
        return expressions.data(value)
    if isinstance(value, dict):
        return {name: data(item) for name, item in value.items()}
    return [data(item) for item in value] if isinstance(value, list) else value


def check_string(value: str) -> None:
    for line in (f"k: {scalar(value)}", f"k: [{scalar(value, flow=True)}, z]", f"k:\n  - {scalar(value)}"):
        for read in readings(f"{line}\nz: end\n"):
            found = read["k"][0] if isinstance(read["k"], list) else read["k"]
            assert data(found) == value, line
            assert read["z"] == "end"
    other = "z" if value != "z" else "x"
    for read in readings(f"{{{key(value, flow=True)}: v, {other}: w}}"):
        assert read == {value: "v", other: "w"}
    for read in readings(f"k:\n  {key(value)}:\n    - v\n"):
        assert read == {"k": {value: ["v"]}}


@examples(200)
@given(SHAPES)
@example("z")  # the other key that a reading stands beside
def test_every_string_reads_back_equal(value: str) -> None:
    check_string(value)


def test_what_is_known_to_break_quoting_reads_back_equal(nasty: list[str]) -> None:
    for value in nasty:
        if len(value) < 1000:  # longer keys need another form: see below
            check_string(value)
        for read in readings(f"k:{after_key([value, {'deep': [value]}], 2)}\n"):
            assert data(read["k"]) == [value, {"deep": [value]}]


@examples(150)
@given(VALUES)
@example({"a": [], "b": {}, "c": [[], {}], "d": [[1], [2, [3]]], "e": {"f": {"g": None}}})
@example({"on": 1, "1": 2, "null": 3, "": 4, "<% x %>": 5, "{{ x }}": [6]})
@example([1e22, 1e-7, -0.0, 0.1, 5e-324, 1.7976931348623157e308, 10**300, -(2**63)])
def test_every_value_reads_back_equal(value: object) -> None:
    document = f"k:{after_key(value, 2)}\nz: end\n"
    for read in readings(document):
        found = data(read["k"])
        assert found == value, document
        assert repr(found) == repr(value), document  # 1 is not True is not 1.0; order of keys
        assert read["z"] == "end"


@pytest.mark.parametrize("length", [999, 1000, 1001, 1022, 1023, 1024, 1025, 5000])
def test_keys_of_any_length(length: int) -> None:
    for letter in ("x", '"', "\n", "é", "\U0001f418"):
        value = {"deep": [{letter * length: {"a": 1}, "b": [2]}]}
        for read in readings(f"k:{after_key(value, 2)}\n"):
            assert read["k"] == value


def test_what_json_cannot_say_is_written_as_yaml_can() -> None:
    for value, written in ((math.inf, ".inf"), (-math.inf, "-.inf"), (math.nan, ".nan")):
        assert scalar(value) == written
        assert repr(yaml.safe_load(written)) == repr(value)
    for value in (b"x", object(), 1j):
        with pytest.raises(TypeError):
            scalar(value)


def test_half_of_a_surrogate_pair_is_a_literal_as_a_value_and_refused_as_a_key() -> None:
    value = "a\ud83db"
    written = scalar(value)
    written.encode()
    for read in readings(f"k: {written}\n"):
        assert data(read["k"]) == value
    with pytest.raises(Unwritable, match=r"U\+D83D"):
        key(value)


# --- what a person sees ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        *("shop", "/srv/x", "Local::Application", "nightly-shop", "Thaw the application (closes pre).", "it's"),
        *("2e0c8826-81d6-44f5-bbe5-8f46a98c5845", "4f1c" * 16, "plan.yaml", "a@b.c", "Großer Laden", "日本", "🐘 db"),
    ],
)
def test_what_is_safe_is_written_as_it_is(value: str) -> None:
    assert text(value) == value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a: b", "'a: b'"),
        ("on", "'on'"),
        ("12:30:45", "'12:30:45'"),
        ("it's: x", "'it''s: x'"),
        ("a\nb", r'"a\nb"'),
        ("\0\x07\x85", r'"\0\x07\x85"'),
        ("user\u202etxt.exe", r'"user\u202Etxt.exe"'),
        ("tag\U000e0041", r'"tag\U000E0041"'),
        ("zero\u200bwidth", r'"zero\u200Bwidth"'),
        ("no\xa0break", r'"no\xA0break"'),
        ("", "''"),
    ],
)
def test_anything_else_is_quoted_and_what_is_invisible_is_shown(value: str, written: str) -> None:
    assert text(value) == written


@given(st.text(ALPHABET))
def test_nothing_invisible_is_ever_written(value: str) -> None:
    for written in (text(value), scalar(value), after_key({value: [value]}, 2).replace("\n", "")):
        assert not re.search(f"[{UNSEEN}]", written)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"count": 3, "delay": 1}, " {count: 3, delay: 1}"),
        (["*.tmp", "cache/"], " ['*.tmp', cache/]"),
        ({}, " {}"),
        ({"a": []}, " {a: []}"),
        ({"a, b": "c, d"}, " {'a, b': 'c, d'}"),
        ({"a": {"b": 1}, "c": 2}, "\n  a: {b: 1}\n  c: 2"),
        ([[1, 2], [3]], "\n  - [1, 2]\n  - [3]"),
        ([{"a": {"b": 1}, "c": [1]}], "\n  - a: {b: 1}\n    c: [1]"),
        ([[[1]]], "\n  - - [1]"),
    ],
)
def test_small_flat_values_take_one_line(value: object, written: str) -> None:
    assert after_key(value, 2) == written


@given(VALUES)
def test_lines_are_no_wider_than_their_widest_value(value: object) -> None:
    def longest(value: object) -> int:
        if isinstance(value, dict):
            return max((len(key(name)) + longest(item) for name, item in value.items()), default=2)
        if isinstance(value, list):
            return max(map(longest, value), default=2)
        return len(scalar(value))

    margin = 40  # indentation, dashes, colons
    assert all(len(line) <= max(WIDTH, longest(value) + margin) for line in after_key(value, 2).split("\n"))
