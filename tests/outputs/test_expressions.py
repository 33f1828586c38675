"""Which strings an engine evaluates, which of those Embank knows, and the literals that stand for data."""

from __future__ import annotations

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embank import expressions
from embank.expressions import Form, Parsed
from embank.plaintext import UNSEEN, plain


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        ("<% execution().id %>", Parsed(Form.EXECUTION_ID)),
        ("<%execution().id%>", Parsed(Form.EXECUTION_ID)),
        ("<% $.run %>", Parsed(Form.VARIABLE, "run")),
        ("<% task(done).state %>", Parsed(Form.TASK_STATE, "done")),
        ('<% "vm" %>', Parsed(Form.LITERAL, "vm")),
        (r'<% "vm \u007b\u007b 7*7 \u007d\u007d" %>', Parsed(Form.LITERAL, "vm {{ 7*7 }}")),
        (r'<% "\x41\101\n\\\"\'\U0001f418\q" %>', Parsed(Form.LITERAL, "AA\n\\\"'\U0001f418\\q")),
        ("<% $ %>", None),
        ("<% $.run.plan %>", None),
        ("<% $.é %>", None),
        ("<% 1 + 1 %>", None),
        ("a <% $.run %>", None),
        ("<% $.run %> ", None),
        ("<% $.a %><% $.b %>", None),
        ('<% "a" %> <% "b" %>', None),
        ('<% "a" + "b" %>', None),
        ('<% "{{ x }}" %>', None),  # Jinja would be evaluated inside
        ('<% "a%>b" %>', None),  # the expression ends inside
        (r'<% "\uZZZZ" %>', None),
        (r'<% "\Uffffffff" %>', None),
        ("{{ _.x }}", None),
    ],
)
def test_forms(value: str, parsed: Parsed | None) -> None:
    assert expressions.is_evaluated(value)
    assert expressions.parse(value) == parsed


@pytest.mark.parametrize("value", ["<%", "%>", "<% x", "{{ x", "{% x }}", "<% a\nb %>", "{ {x} }", "$.run", ""])
def test_what_no_engine_evaluates(value: str) -> None:
    assert not expressions.is_evaluated(value)
    assert expressions.data(value) == value


SYNTAX = st.text(st.sampled_from(list("<%>{}#\"'\\$.ab \n\t\0\x85\u2028\u202e\ufffe\U0001f418\ud83d")), max_size=20)


@given(st.one_of(SYNTAX, st.text()))
def test_every_string_has_a_literal_that_says_it(value: str) -> None:
    literal = expressions.literal(value)
    assert literal.isascii() or not re.search(f"[{UNSEEN}]", literal)
    assert not re.search(r"<%|%>|\{\{|\{%|#|'", literal[2:-2])
    assert expressions.data(literal) == value


@given(st.one_of(SYNTAX, st.text()))
def test_data_stays_data(value: str) -> None:
    written = expressions.as_data(value)
    assert expressions.data(written) == value
    assert written == value or expressions.parse(written) == Parsed(Form.LITERAL, value)
    written.encode()  # no half of a surrogate pair is left
    assert expressions.data(expressions.as_data(written)) == written  # also when it looks like a literal itself


def test_every_character_that_editors_and_terminals_act_upon_is_escaped() -> None:
    acted_upon = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character) in acted_upon or code & 0xFFFE == 0xFFFE:
            assert plain(character).isascii(), hex(code)


def test_a_comment_is_one_line_of_limited_length() -> None:
    assert plain("a\nb\u2028c\u202e\ud83d") == r"a\nb\u2028c\u202e\ud83d"
    assert plain("x" * 5000, 60) == "x" * 59 + "…"
    assert plain("Großer Laden 🐘") == "Großer Laden 🐘"
