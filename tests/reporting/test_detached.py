"""A listener in a thread of its own."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from embank.reporting import events
from embank.reporting.detached import MANY, Detached

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Slow:
    """A listener that takes nothing before it may."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.heard: list[events.Event] = []

    def __call__(self, event: events.Event) -> None:
        self.may.wait(60)
        self.heard.append(event)


def started(number: int) -> events.Event:
    return events.TaskStarted(NOW, f"t{number}", "embank.activity", 1, "")


def test_everything_is_told_in_order_and_nobody_waits() -> None:
    slow = Slow()
    detached = Detached(slow)
    told = [started(number) for number in range(100)]
    for event in told:
        detached(event)
    assert not detached.close(0.01)
    slow.may.set()
    assert detached.close()
    assert slow.heard == told


def test_polls_are_left_out_when_very_many_events_wait() -> None:
    slow = Slow()
    detached = Detached(slow)
    poll = events.TaskPolled(NOW, "t", 0.5, "")
    for _ in range(2 * MANY):
        detached(poll)
    detached(started(1))
    slow.may.set()
    assert detached.close()
    assert MANY <= len(slow.heard) <= MANY + 3
    assert slow.heard[-1] == started(1)


def test_what_the_listener_raises_is_raised_with_the_next_event() -> None:
    def full(event: events.Event) -> None:
        raise OSError(28, "No space left on device")

    detached = Detached(full)
    assert events.when_lost(detached) == "full stopped listening"
    detached(started(1))
    detached.catch_up(60)
    with pytest.raises(OSError, match="No space left"):
        detached(started(2))
    assert detached.close()


def test_catching_up() -> None:
    heard: list[Any] = []
    detached = Detached(heard.append)
    detached(started(1))
    detached.catch_up(60)
    assert heard == [started(1)]
    assert detached.close()
