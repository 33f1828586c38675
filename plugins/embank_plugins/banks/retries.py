"""How long, and how often, a service on the network is asked again (decision BANK-3)."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Self, TypeVar

from embank.plugins import BankError

IN_ALL = 90.0  # s
FIRST, LONGEST = 0.25, 4.0  # s
Got = TypeVar("Got")


@dataclass(frozen=True, slots=True)
class Failure:
    """A try that may succeed another time, and in how many seconds the service wants to be asked again."""

    reason: str
    after: float | None = None


class Retries:
    """Pauses between tries. They grow, and vary, so that many clients do not come back at once."""

    def __init__(self, in_all: float) -> None:
        self._started = time.monotonic()
        self._in_all = in_all
        self._next = FIRST

    @property
    def spent(self) -> float:
        """Seconds since the first try."""
        return time.monotonic() - self._started

    def pause(self, wanted: float | None) -> bool:
        """Sleep, for `wanted` seconds when the service asks for that. False, at once, when time is up."""
        length = self._next * random.uniform(0.5, 1.0)
        if wanted is not None:
            length = max(wanted, length / 4)
        if self.spent + length > self._in_all:
            return False
        time.sleep(length)
        self._next = min(2 * self._next, LONGEST)
        return True


class Service:
    """What is asked. `name` is that of the bank, in errors; an `action` is what cannot be done with it."""

    def __init__(self, name: str, in_all: float) -> None:
        self._name = name
        self._in_all = in_all

    def persist(self, attempt: Callable[[], Got | Failure], action: str) -> Got:
        """Try until there is something. Raises BankError when time is up."""
        retries = self.retries()
        while isinstance(got := attempt(), Failure):
            self.wait(retries, got, action)
        return got

    def hurried(self, in_all: float) -> Self:
        """The same service, with the same connections, for somebody who has no more than `in_all` seconds."""
        other = copy.copy(self)
        other._in_all = min(in_all, self._in_all)
        return other

    def retries(self) -> Retries:
        """For as long as this service is asked again."""
        return Retries(self._in_all)

    def wait(self, retries: Retries, failure: Failure, action: str) -> None:
        """Until the next try. Raises BankError when there is to be none."""
        if not retries.pause(failure.after):
            wish = f", and wants to be asked again in {failure.after:.0f} s" if failure.after else ""
            raise self.cannot(action, f"{failure.reason}{wish} (tried for {retries.spent:.0f} s)")

    def cannot(self, action: str, reason: str) -> BankError:
        """The error."""
        return BankError(f"cannot {action} {self._name}: {reason}")


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


def unanswered(error: BaseException) -> Failure:
    """What a client library has to say of a connection, in the words of its innermost cause."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop()
        seen.add(id(each))
        if isinstance(each, OSError) and each.strerror:
            return Failure(f"nobody answers: {each.strerror}")
        inner = (each.__cause__, each.__context__, getattr(each, "reason", None), *each.args)
        waiting += [found for found in inner if isinstance(found, BaseException) and id(found) not in seen]
    return Failure(f"nobody answers: {str(error)[:200]}")
