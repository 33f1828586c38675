"""Expressions in workflow files: the few forms that Embank supports, and how data that looks like one is written.

Mistral evaluates every string value that has `<% … %>`, `{{ … }}` or `{% … %}` on one line, at any depth
(keys it leaves alone). Names, ids and parameters are data, so the writer turns such a string into one YAQL
string literal, `<% "…" %>`, which evaluates to exactly that string, in Mistral and here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

from embank.document import Expression
from embank.model import Json
from embank.plaintext import UNSEEN

# Mistral 23.0.0, mistral/expressions: INLINE_YAQL_REGEXP, JINJA_REGEXP, JINJA_BLOCK_REGEXP
_EVALUATED = re.compile(r"<%.*?%>|\{\{.*?\}\}|\{%.*?%\}")
_OPENERS = re.compile(r"<%|\{\{|\{%")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


class Form(StrEnum):
    """The supported forms."""

    EXECUTION_ID = "execution-id"  # <% execution().id %>
    VARIABLE = "variable"  # <% $.NAME %>
    TASK_STATE = "task-state"  # <% task(NAME).state %>
    LITERAL = "literal"  # <% "…" %>: data


class Parsed(NamedTuple):
    """An expression: for VARIABLE and TASK_STATE `text` is the name, for LITERAL the decoded string."""

    form: Form
    text: str = ""


_FORMS = (
    (Form.EXECUTION_ID, re.compile(r"<%\s*execution\(\)\.id()\s*%>", re.ASCII)),
    (Form.VARIABLE, re.compile(r"<%\s*\$\.([A-Za-z_]\w*)\s*%>", re.ASCII)),
    (Form.TASK_STATE, re.compile(r"<%\s*task\(([A-Za-z_]\w*)\)\.state\s*%>", re.ASCII)),
    # The text between the quotes may hold nothing that would end or start another expression.
    (Form.LITERAL, re.compile(r'<%\s*"((?:(?!<%|%>|\{\{|\{%)(?:[^"\\\n]|\\(?!<%|%>|\{\{|\{%)[^\n]))*)"\s*%>')),
)

# YAQL 3.2, yaql/language/lexer.py: decode_escapes. Other backslashes stand for themselves.
_ESCAPES = re.compile(r"\\(?:U.{8}|u.{4}|x..|[0-7]{1,3}|N\{[^}]+\}|[\\'\"abfnrtv])")

# What a literal may not hold as it is: what delimits expressions, strings and comments in YAQL, Jinja or YAML.
_UNSAFE = re.compile(rf"[<>%{{}}#\"'\\{UNSEEN}]")


def is_evaluated(text: str) -> bool:
    """True when an engine would evaluate this value instead of taking it as it is."""
    return ("<" in text or "{" in text) and _EVALUATED.search(text) is not None


def as_data(text: str) -> str:
    """`text` when every reader takes it as it is, else the literal that stands for it.

    A lone surrogate is written as a literal too: YAML has no way to say it.
    """
    if _OPENERS.search(text) or (not text.isascii() and _SURROGATES.search(text)):
        return literal(text)
    return text


def literal(text: str) -> str:
    """`<% "…" %>` for any string. `parse` of it gives the string back."""
    return f'<% "{_UNSAFE.sub(_escape, text)}" %>'


def parse(text: str) -> Parsed | None:
    """What an evaluated string says; None when it is not of a supported form."""
    for form, pattern in _FORMS:
        match = pattern.fullmatch(text)
        if match and form is Form.LITERAL:
            return _decoded(match[1])
        if match:
            return Parsed(form, match[1])
    return None


def data(value: str) -> str:
    """The string that a value written by `as_data` stands for; anything else unchanged."""
    parsed = parse(value) if is_evaluated(value) else None
    return parsed.text if parsed and parsed.form is Form.LITERAL else value


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _decoded(body: str) -> Parsed | None:
    try:
        return Parsed(Form.LITERAL, _ESCAPES.sub(lambda match: match[0].encode().decode("unicode-escape"), body))
    except UnicodeDecodeError:  # an escape without its digits, or beyond U+10FFFF
        return None


def resolve(value: Json, evaluate: Callable[[Expression], Json]) -> Json:
    """`value` with every Expression in it replaced; what holds none is returned as it is (not a copy)."""
    if isinstance(value, Expression):
        return evaluate(value)
    if isinstance(value, Mapping):
        items = {key: resolve(item, evaluate) for key, item in value.items()}
        return items if any(items[key] is not value[key] for key in items) else value
    if isinstance(value, list | tuple):
        members = [resolve(item, evaluate) for item in value]
        return members if any(new is not old for new, old in zip(members, value, strict=True)) else value
    return value


def describe(expression: Expression) -> str:
    """The expression as it stands in a workflow file."""
    forms = {
        "execution-id": "<% execution().id %>",
        "variable": f"<% $.{expression.name} %>",
        "task-state": f"<% task({expression.name}).state %>",
    }
    return forms[expression.kind]
