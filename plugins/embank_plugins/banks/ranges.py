"""Ranges of bytes: checked, and as a header of HTTP."""

from __future__ import annotations


def check_range(start: int, end: int | None) -> None:
    """Raise ValueError unless [start, end) is a range of bytes."""
    if start < 0 or (end is not None and end < start):
        raise ValueError(f"[{start}, {end}) is not a range of bytes")


def range_header(start: int, end: int | None) -> str | None:
    """What a request for [start, end) says; None when that is all of an object."""
    return f"bytes={start}-{'' if end is None else end - 1}" if start or end is not None else None
