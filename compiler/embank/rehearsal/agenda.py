"""What is to happen in a simulated execution, in order, and what time it is there."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import NamedTuple

from embank.conductor.protocol import Due, Timer

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# What happens, in this order at one moment: an action has taken its time, a timer of the conductor is due, an action
# of a cancelled execution should have come to an end by now. So what ends just in time has not timed out.
END, TIMER, OVERDUE = range(3)


class Happening(NamedTuple):
    """`number` counts up. `attempt`: the number of the END of the same attempt; of a TIMER it is 0."""

    when: float
    kind: int
    number: int
    row: int
    attempt: int
    due: Due | None


class VirtualClock:
    """A clock that stands still until it is set."""

    def __init__(self, time: float = 0.0) -> None:
        self.time = time

    def monotonic(self) -> float:
        """Seconds since the execution started."""
        return self.time

    def now(self) -> datetime:
        """As if it had started when time began."""
        return EPOCH + timedelta(seconds=self.time)


class Agenda:
    """Happenings to come. Nothing is taken out early: the owner ignores what is no longer wanted."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self._heap: list[Happening] = []
        self._count = 0

    def __bool__(self) -> bool:
        """Whether anything is to come."""
        return bool(self._heap)

    def copy(self) -> Agenda:
        """The same, for an execution that goes on by itself."""
        other = copy(self)
        other.clock = VirtualClock(self.clock.time)
        other._heap = self._heap[:]
        return other

    def add_end(self, seconds: float, row: int) -> int:
        """An action ends after so many seconds. The number of its attempt."""
        self._count = count = self._count + 1
        heappush(self._heap, Happening(self.clock.time + seconds, END, count, row, count, None))
        return count

    def add_timer(self, when: float, due: Due) -> None:
        """A timer of the conductor falls due."""
        self._count += 1
        heappush(self._heap, Happening(when, TIMER, self._count, due.row, 0, due))

    def add_overdue(self, seconds: float, row: int, attempt: int) -> None:
        """An attempt should have come to an end after so many seconds."""
        self._count += 1
        heappush(self._heap, Happening(self.clock.time + seconds, OVERDUE, self._count, row, attempt, None))

    def pass_time(self) -> Iterator[Happening]:
        """Go on to the next moment at which anything happens: all that does, and what is added for it meanwhile."""
        heap = self._heap
        self.clock.time = now = heap[0].when
        while heap and heap[0].when == now:
            yield heappop(heap)

    def ends_next(self) -> Iterator[Happening]:
        """The actions that end at the next moment at which anything happens, in order."""
        if self._heap:
            when = self._heap[0].when
            yield from sorted(each for each in self._heap if each.when == when and each.kind == END)

    def end_of(self, row: int) -> float:
        """When the action of a row ends."""
        return next(each.when for each in self._heap if each.kind == END and each.row == row)

    def waits(self) -> dict[tuple[int, Timer], float]:
        """When the timers fall due."""
        return {(each.row, each.due.timer): each.when for each in self._heap if each.due is not None}

    def clear(self) -> None:
        """Nothing of it happens."""
        self._heap = []
