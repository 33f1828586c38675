"""The time, injected, so that tests and rehearsals can have their own; and one heap for all that waits for a time:
polls, retries, waits, timeouts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
TICK = 0.01  # s; whatever falls due within a tick is done together, so that 10,000 polls are a few wake-ups


class Clock(Protocol):
    """Two readings of one clock."""

    def monotonic(self) -> float:
        """Seconds, from anywhere."""

    def now(self) -> datetime:
        """The time of day, in UTC."""


class SystemClock:
    """The machine's clock. Its time of day is read once, so that it never goes back during an execution."""

    def __init__(self) -> None:
        self._start = datetime.now(UTC), time.monotonic()

    def not_before(self, moment: datetime) -> None:
        """Begin at this time of day, if it is later: the clock was set back since then."""
        late = moment - self.now()
        if late > timedelta():
            self._start = self._start[0] + late, self._start[1]

    def monotonic(self) -> float:
        """Seconds since the machine started."""
        return time.monotonic()

    def now(self) -> datetime:
        """The time of day."""
        wall, since = self._start
        return wall + timedelta(seconds=time.monotonic() - since)


class Timers(Generic[T]):
    """Things that fall due, in order of time, then of addition. Nothing is removed early: the owner ignores
    what is no longer wanted.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, T]] = []
        self._count = 0

    def add(self, when: float, what: T) -> None:
        """`when` on the owner's clock, in seconds."""
        self._count += 1
        heappush(self._heap, (when, self._count, what))

    def due(self, now: float) -> Iterator[T]:
        """What fell due until now."""
        while self._heap and self._heap[0][0] <= now:
            yield heappop(self._heap)[2]

    def seconds(self, now: float) -> float | None:
        """How long to sleep, in whole ticks; None when nothing is to come."""
        if not self._heap:
            return None
        return max(0.0, (self._heap[0][0] - now) // TICK + 1) * TICK
