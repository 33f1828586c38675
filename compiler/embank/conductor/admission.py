"""Which ready task begins next: the first in file order whose types have room. Pure, for runner and rehearsal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from heapq import heappop, heappush
from typing import NamedTuple

from embank.document import Activity, Document, TaskSpec
from embank.errors import UsageError


class Entry(NamedTuple):
    """A ready task. `types` are those of its resource types that have a limit."""

    order: tuple[int, ...]
    row: int
    types: tuple[str, ...]


class Admission:
    """Ready tasks, and how many are active (begun and not ended, pending polls included) of each limited type.

    Every operation costs O(log n): a task of a type without room is set aside until one of the type ends.
    """

    def __init__(self, limits: Mapping[str, int]) -> None:
        self.limits = limits
        self._ready: list[Entry] = []
        self._aside: dict[str, list[Entry]] = {name: [] for name in limits}
        self._active: dict[str, int] = dict.fromkeys(limits, 0)
        self._types: dict[int, tuple[str, ...]] = {}  # of the active rows that have any

    def offer(self, order: tuple[int, ...], row: int, types: Sequence[str]) -> None:
        """A task became ready."""
        limited = tuple(dict.fromkeys(name for name in types if name in self.limits)) if types else ()
        heappush(self._ready, Entry(order, row, limited))

    def take(self) -> int | None:
        """The row to begin next, now counted as active; None when there is no task, or no room."""
        while self._ready:
            entry = heappop(self._ready)
            full = next((name for name in entry.types if not self._has_room(name)), None)
            if full is None:
                self.occupy(entry.row, entry.types)
                return entry.row
            heappush(self._aside[full], entry)
            for name in entry.types:
                self._readmit(name)
        return None

    def occupy(self, row: int, types: Sequence[str]) -> None:
        """A task is active, whether or not there is room: it is begun here, or was begun before a crash."""
        limited = tuple(dict.fromkeys(name for name in types if name in self.limits)) if types else ()
        for name in limited:
            self._active[name] += 1
        if limited:
            self._types[row] = limited

    def copy(self) -> Admission:
        """The same tasks, admitted elsewhere from here on."""
        other = copy(self)
        other._ready = self._ready[:]
        other._aside = {name: entries[:] for name, entries in self._aside.items()}
        other._active = dict(self._active)
        other._types = dict(self._types)
        return other

    def end(self, row: int) -> None:
        """A task that was taken has ended, or did not begin after all."""
        for name in self._types.pop(row, ()):
            self._active[name] -= 1
            self._readmit(name)

    def _has_room(self, name: str) -> bool:
        return self._active[name] < self.limits[name]

    def _readmit(self, name: str) -> None:
        if self._aside[name] and self._has_room(name):
            heappush(self._ready, heappop(self._aside[name]))


def types_of(spec: TaskSpec) -> list[str]:
    """The resource types of an activity; of anything else none, so that no limit holds up a closer."""
    return [resource.type for resource in spec.resources] if isinstance(spec.does, Activity) else []


def concurrency(document: Document) -> dict[str, int]:
    """How many activities of a type may be active at once: `concurrency` in the vars of the main workflow."""
    limits = document.workflows[document.main].vars.get("concurrency", {})
    place = document.workflows[document.main].place
    if not isinstance(limits, dict):
        raise UsageError(f"{place}: `concurrency` must give a number for each resource type")
    for name, limit in limits.items():
        if type(limit) is not int or limit < 1:
            raise UsageError(f"{place}: the concurrency of {name!r} must be a whole number from 1, not {limit!r}")
    return dict(limits)
