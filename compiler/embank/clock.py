"""The time, injected, so that tests and rehearsals can have their own."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


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
