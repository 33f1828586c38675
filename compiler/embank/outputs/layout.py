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
    short = one_line(value, WIDTH - indent)
    if short is not None:
        return f" {short}"
    return "\n" + "\n".join(_lines(value, " " * indent))


def one_line(value: Json, width: int) -> str | None:
    """A scalar, an empty or a small flat list or dict on one line; None when it needs more."""
    if isinstance(value, Mapping):
        pairs = [(key(name, flow=True), _cell(cell)) for name, cell in value.items()]
        cells = [None if cell is None or len(name) > LONGEST_KEY else f"{name}: {cell}" for name, cell in pairs]
        return _joined(cells, "{}", width)
    if _is_list(value):
        return _joined([_cell(cell) for cell in value], "[]", width)
    return scalar(value)


def _cell(value: Json) -> str | None:
    if isinstance(value, Mapping):
        return None if value else "{}"
    if _is_list(value):
        return None if value else "[]"
    return scalar(value, flow=True)


def _joined(cells: Sequence[str | None], brackets: str, width: int) -> str | None:
    if None in cells:
        return None
    line = f"{brackets[0]}{', '.join(map(str, cells))}{brackets[1]}"
    return line if len(line) <= width or not cells else None


def _lines(value: Json, margin: str) -> Iterator[str]:
    """The lines of a list or dict that does not fit on one."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            written = key(name)
            start = f"{margin}{written}:" if len(written) <= LONGEST_KEY else f"{margin}? {written}\n{margin}:"
            yield start + after_key(item, len(margin) + 2)
        return
    for item in value:
        short = one_line(item, WIDTH - len(margin))
        if short is not None:
            yield f"{margin}- {short}"
            continue
        first, *rest = _lines(item, margin + "  ")
        yield f"{margin}- {first[len(margin) + 2 :]}"
        yield from rest


def _is_list(value: Json) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))
