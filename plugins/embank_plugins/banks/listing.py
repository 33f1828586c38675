"""Listings of keys, where a service keeps other objects beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from embank.plugins import BankError, ObjectInfo, check_key

PAGE = 1000  # names that every service gives at once


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a service's listing. `age`: seconds, by the service's clock."""

    name: str
    size: int
    age: float


def list_keys(page: Callable[[str, int], Sequence[Row]], marker: str, limit: int) -> list[ObjectInfo]:
    """Of the objects behind `marker` the first `limit` whose names are keys.

    `page(marker, limit)` asks the service; an empty answer means that there are no more.
    """
    found: list[ObjectInfo] = []
    while len(found) < limit and (rows := page(marker, min(limit - len(found), PAGE))):
        found += [ObjectInfo(row.name, row.size) for row in rows if is_key(row.name)]
        marker = rows[-1].name
    return found


def is_key(name: str) -> bool:
    """Announcements, segments and what others have left here are not."""
    try:
        check_key(name)
    except BankError:
        return False
    return True
