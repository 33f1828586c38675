"""What an interruption leaves time for, and what a second one does. In this very process: `execute` runs in its main
thread here.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from embank.errors import ExitCode
from embank.reporting import events


def sends(*signals: signal.Signals, at: str) -> Callable[[events.Event], None]:
    """A listener that sends this process signals when it hears of the first poll with this message."""
    left = list(signals)

    def listen(event: events.Event) -> None:
        if isinstance(event, events.TaskPolled) and event.message == at:
            while left:
                os.kill(os.getpid(), left.pop(0))

    return listen


def test_what_is_stuck_is_abandoned_after_the_grace(run: Any, acting: Any) -> None:
    said: list[events.Event] = []
    specs = {"a": {"polls": 1, "stuck": True}, "b": {"requires": "a"}}
    outcome = run(specs, listeners=[sends(signal.SIGTERM, at="poll 0"), said.append], grace=0.2)
    assert (outcome.exit_code, outcome.state) == (ExitCode.INTERRUPTED, "ERROR")
    (failure,) = outcome.summary.failures
    assert failure.reason == "interrupted by SIGTERM, but did not come to an end within 0.2 s"
    texts = [event.text for event in said if isinstance(event, events.Message)]
    assert texts == ["it is stuck: its worker is abandoned"]
    (told,) = [event for event in said if isinstance(event, events.ExecutionInterrupted)]
    assert (told.by, told.running, told.grace) == ("SIGTERM", 1, 0.2)


def test_the_grace_is_also_for_closing(run: Any, acting: Any) -> None:
    specs = {"a": {"polls": 99, "stuck_in_close": True}}
    outcome = run(specs, listeners=[sends(signal.SIGINT, at="poll 1")], grace=0.2)
    assert outcome.summary.failures[0].reason == "interrupted by SIGINT, and did not let itself be closed"


def test_what_waits_for_a_worker_that_is_stuck_is_closed_too(run: Any, acting: Any) -> None:
    specs = {"a": {"polls": 2, "after": 60.0}, "b": {"polls": 1, "stuck": True}}
    outcome = run(specs, parallel=1, listeners=[sends(signal.SIGINT, at="poll 0")], grace=0.2)
    assert outcome.exit_code is ExitCode.INTERRUPTED
    assert outcome.summary.failed + outcome.summary.succeeded + len(outcome.summary.withdrawn) == 2


@pytest.mark.parametrize(
    ("signals", "state"),
    [
        ([signal.SIGINT, signal.SIGINT], "INTERRUPTED"),
        ([signal.SIGTERM, signal.SIGHUP, signal.SIGTERM], "INTERRUPTED"),
        ([signal.SIGHUP, signal.SIGHUP, signal.SIGTERM, signal.SIGINT], "ERROR"),
    ],
    ids=lambda value: "-".join(each.name for each in value) if isinstance(value, list) else value,
)
def test_which_second_signal_stops_at_once(run: Any, signals: list[signal.Signals], state: str) -> None:
    outcome = run({"a": {"polls": 99, "after": 60.0}}, listeners=[Each(signals)])
    assert (outcome.exit_code, outcome.state) == (ExitCode.INTERRUPTED, state)


class Each:
    """A listener that sends the next signal when it hears of the one before: two that wait at once are one."""

    def __init__(self, signals: list[signal.Signals]) -> None:
        self.left = list(signals)

    def __call__(self, event: events.Event) -> None:
        if isinstance(event, events.TaskPolled | events.ExecutionInterrupted) and self.left:
            os.kill(os.getpid(), self.left.pop(0))


@pytest.mark.parametrize("keep", [False, True])
def test_signals_afterwards(run: Any, keep: bool) -> None:
    """They are as they were; or, when this is the last thing that the process does, they do nothing any more."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert run({"a": {}}, keep_signals=keep).state == "SUCCESS"
        assert (signal.getsignal(signal.SIGTERM) is before) is not keep
        if keep:
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        for number, handler in ((signal.SIGTERM, before), (signal.SIGINT, signal.default_int_handler)):
            signal.signal(number, handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
