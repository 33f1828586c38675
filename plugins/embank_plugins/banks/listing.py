"""Listings of keys, where a service keeps other objects beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from embank.plugins import BankError, ObjectInfo, check_key


class Listed(Protocol):
    """A line of the service's listing."""

    @property
    def name(self) -> str:
        """Of the object."""

    @property
    def size(self) -> int:
        """In bytes."""


def list_keys(page: Callable[[str, int], Sequence[Listed]], marker: str, limit: int) -> list[ObjectInfo]:
    """Of the objects behind `marker` the first `limit` whose names are keys.

    `page(marker, limit)` asks the service; an empty answer means that there are no more.
    """
    found: list[ObjectInfo] = []
    while len(found) < limit and (rows := page(marker, limit - len(found))):
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
