"""What a scalar means: what PyYAML's safe loader makes of it, so that a file means the same to both.

That is YAML 1.1: `on`, `yes` and `No` are booleans, `010` is eight, `1:30` is ninety, `1e3` is text. Dates
stay text, or are refused in a file that other programs read, too. What JSON cannot say, and what the safe
loader refuses, is refused.
"""

from __future__ import annotations

import math
import re

import yaml

from embank.model import Json

PREFIX = "tag:yaml.org,2002:"
DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
SPECIAL = frozenset({"merge", "value"})  # `<<` and `=`
LONGEST_NUMBER = 400


class NotSupported(Exception):
    """A plain scalar that has no value here. The message says which, and what to do."""


def resolve(text: str, *, portable: bool = False) -> Json:
    """The value of a plain scalar. `portable`: other programs read it, too. Raises NotSupported."""
    candidates = yaml.SafeLoader.yaml_implicit_resolvers.get(text[:1])
    if candidates is None:
        return text
    if DECIMAL.fullmatch(text):
        return int(text)
    for tag, regexp in candidates:
        if regexp.match(text):
            return _construct(tag.removeprefix(PREFIX), text, portable)
    return text


def _construct(kind: str, text: str, portable: bool) -> Json:
    if kind == "null":
        return None
    if kind == "bool":
        return yaml.SafeLoader.bool_values[text.lower()]
    if kind in SPECIAL:
        raise NotSupported(f"a plain {text} has a special meaning in YAML that is not supported; quote it")
    if kind in ("int", "float"):
        return _number(kind, text)
    if kind == "timestamp" and portable:
        raise NotSupported(f"other programs read {text} as a date, which JSON cannot hold; quote it")
    return text


def _number(kind: str, text: str) -> int | float:
    constructor = yaml.constructor.SafeConstructor()
    construct = constructor.construct_yaml_int if kind == "int" else constructor.construct_yaml_float
    try:
        # beyond this length base 60 becomes quadratic
        number: int | float = (
            construct(yaml.ScalarNode(PREFIX + kind, text)) if len(text) <= LONGEST_NUMBER else math.inf
        )
        if math.isfinite(number):
            return number
    except (ValueError, OverflowError):  # `0b_`, or more digits than Python converts
        pass
    shown = text if len(text) <= 20 else f"{text[:20]}…"
    raise NotSupported(f"{shown} is not a number that JSON can hold; quote it if it is meant as text")
