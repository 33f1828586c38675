"""How long, and how often, a bank that is reached over a network is asked again."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

IN_ALL = 90.0  # s
FIRST, LONGEST = 0.25, 15.0  # s


@dataclass(frozen=True, slots=True)
class Failure:
    """A try that may succeed another time, and in how many seconds the service wants to be asked again."""

    reason: str
    after: float | None = None


class Patience:
    """Pauses between tries. They grow, and vary, so that many clients do not come back at once."""

    def __init__(self, in_all: float = IN_ALL) -> None:
        self._started = time.monotonic()
        self._in_all = in_all
        self._next = FIRST

    @property
    def spent(self) -> float:
        """Seconds since the first try."""
        return time.monotonic() - self._started

    def pause(self, wanted: float | None = None) -> bool:
        """Sleep, for `wanted` seconds when the service asks for that. False, at once, when time is up."""
        length = self._next * random.uniform(0.5, 1.0)
        if wanted is not None:
            length = max(wanted, length / 4)
        if self.spent + length > self._in_all:
            return False
        time.sleep(length)
        self._next = min(2 * self._next, LONGEST)
        return True


def retry_after(value: str | None) -> float | None:
    """Seconds, from a `Retry-After` header: a number or a date. None when it says neither."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
