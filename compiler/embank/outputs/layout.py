"""Lists and dicts as YAML: a small flat one on one line, `{count: 3, delay: 1}`, any other one item a line.

Depth is bounded by what the readers accept, so recursion is safe here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from embank.model import Json
from embank.outputs.quoting import key, scalar

WIDTH = 110  # characters of a line, beyond which a flat list or dict is split
LONGEST_KEY = 1000  # libyaml takes at most 1024 characters for a key without `? `


def after_key(value: Json, indent: int) -> str:
    """What follows `key:` for a value whose own lines, if it needs any, are indented by `indent` spaces."""
    return _after(value, indent, indent)


def _after(value: Json, indent: int, column: int) -> str:
    short = one_line(value, WIDTH - column)
    if short is not None:
        return f" {short}"
    return "\n" + "\n".join(_lines(value, " " * indent))


def one_line(value: Json, width: int) -> str | None:
    """A scalar, an empty or a small flat list or dict on one line; None when it needs more."""
    if not _is_container(value):
        return scalar(value)
    cells: list[str] = []
    mapping = isinstance(value, Mapping)
    for item in value:
        cell = value[item] if mapping else item
        if not _is_container(cell):
            written = scalar(cell, flow=True)
        elif cell:
            return None
        else:
            written = "{}" if isinstance(cell, Mapping) else "[]"
        if mapping:
            name = key(item, flow=True)
            if len(name) > LONGEST_KEY:
                return None
            written = f"{name}: {written}"
        cells.append(written)
    line = f"{{{', '.join(cells)}}}" if mapping else f"[{', '.join(cells)}]"
    return line if len(line) <= width or not cells else None


def _lines(value: Json, margin: str) -> Iterator[str]:
    """The lines of a list or dict that does not fit on one."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            written = key(name)
            start = f"{margin}{written}:" if len(written) <= LONGEST_KEY else f"{margin}? {written}\n{margin}:"
            yield start + _after(item, len(margin) + 2, len(margin) + len(written) + 2)
        return
    for item in value:
        short = one_line(item, WIDTH - len(margin) - 2)
        if short is not None:
            yield f"{margin}- {short}"
            continue
        first, *rest = _lines(item, margin + "  ")
        yield f"{margin}- {first[len(margin) + 2 :]}"
        yield from rest


def _is_container(value: Json) -> bool:
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:  # by far the most
        return False
    return isinstance(value, (dict, list)) or (isinstance(value, (Mapping, Sequence)) and not isinstance(value, str))
