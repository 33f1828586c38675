"""The one place that quotes: scalars as YAML that PyYAML, libyaml and a person read as the same thing.

Plain where that is safe (`shop`, `/srv/shop`), else 'single-quoted', else "double-quoted" with escapes.
Always one line, so that nothing depends on indentation or folding. What a person cannot see (controls,
bidi and format characters, odd spaces) is always an escape (decision FILE-5).
"""

from __future__ import annotations

import math
import re
from functools import lru_cache

from embank.errors import EmbankError, ExitCode
from embank.expressions import as_data
from embank.model import Json
from embank.plaintext import UNSEEN

# Spaces that look like the space but are not it; a person should see the difference.
_UNWRITTEN = re.compile(rf"[{UNSEEN}\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")

# Plain scalars: safe anywhere in a block, and in [flow, lists] when without commas. A first character that
# means something to YAML is not among these; what looks like a word or number of YAML is sorted out below.
_PLAIN = re.compile(r"[A-Za-z0-9_/\u00a1-\uffef\U00010000-\U000effff][A-Za-z0-9_/.:,()'+=~@$ \u00a1-\U000effff-]*")
_BREAKS_PLAIN = re.compile(r": |[: ]$")
_WORDS = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))  # of YAML 1.1, in any case
# Numbers, sexagesimals and dates of YAML 1.1 and 1.2, and whatever comes close to one.
_NUMBERISH = re.compile(r"[0-9][0-9_.,:+-]*([eE][0-9_.,:+-]*)?|0[xXoObB].*|[0-9]{4}-[0-9]{1,2}-[0-9].*")
SHORT = 200  # longer strings are not worth a place in the cache
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0", '"': '\\"', "\\": "\\\\"}
_ESCAPED = re.compile(rf"[\"\\{_UNWRITTEN.pattern[1:]}")


class Unwritable(EmbankError):
    """A key with half of a surrogate pair: no YAML reader accepts it, and an engine evaluates no keys."""

    exit_code = ExitCode.PROBLEMS


def scalar(value: Json, *, flow: bool = False) -> str:
    """A data value that is no list or dict. A string that looks like an expression is written as the literal
    that stands for it (`embank.expressions`). Raises TypeError for what JSON cannot say.

    `flow`: it stands inside `[…]` or `{…}`.
    """
    if isinstance(value, str):
        return text(as_data(value), flow=flow)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return format(value, "d")
    if isinstance(value, float):
        return _number(value)
    raise TypeError(f"a {type(value).__name__} is not a value of JSON")


def text(value: str, *, flow: bool = False) -> str:
    """A string as it is, for places where nothing is evaluated: keys and descriptions."""
    return _quoted(value, flow) if len(value) <= SHORT else _quoted.__wrapped__(value, flow)


def key(value: str, *, flow: bool = False) -> str:
    """A key. Raises Unwritable for half of a surrogate pair, TypeError for what is no string."""
    if not isinstance(value, str):
        raise TypeError(f"a key must be text, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        broken = f"U+{ord(value[error.start]):04X}"
        raise Unwritable(f"the key {value!r} holds half of a surrogate pair ({broken}); rename it") from None
    return text(value, flow=flow)


@lru_cache(1024)  # types, keys and descriptions come again and again
def _quoted(value: str, flow: bool) -> str:
    if _is_plain(value) and not (flow and "," in value):
        return value
    if not _UNWRITTEN.search(value):
        return "'" + value.replace("'", "''") + "'"
    return '"' + _ESCAPED.sub(_escape, value) + '"'


def _is_plain(value: str) -> bool:
    return (
        _PLAIN.fullmatch(value) is not None
        and not _BREAKS_PLAIN.search(value)
        and value.lower() not in _WORDS
        and not _NUMBERISH.fullmatch(value)
        and (value.isascii() or not _UNWRITTEN.search(value))
    )


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] in _SHORT:
        return _SHORT[match[0]]
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _number(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    digits = repr(value)
    # YAML 1.1 takes 1e+22 for a string: it wants the point.
    return digits if "." in digits else digits.replace("e", ".0e")
