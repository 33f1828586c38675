"""Closers run when all else has ended. Who waits for that hears what stays held meanwhile, and what can be done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embank.clock import SystemClock
from embank.conductor.state import CANCELLED
from embank.reporting.events import Event, Message
from embank.reporting.held import SOON
from embank.reporting.reporter import Reporter
from kit import documents as make
from kit.stage import play


def held(ran: Any) -> list[str]:
    return [text for text in ran.said if "held until" in text]


def test_what_stays_held_while_something_else_runs_is_told(stage: Any) -> None:
    def let_go_on(event: Event) -> None:
        if isinstance(event, Message) and "T::Site#site stays held" in event.text:
            stage.worlds[-1].release.set()

    ran = stage.run({("web", "ready"): "fails", ("disk", "parallel"): "hangs"}, listen=let_go_on)
    assert stage.worlds[-1].release.is_set(), "the copy was waited for"
    advice = "held until what is running has ended; then the closers run. `embank cancel e1` runs them now"
    assert held(ran) == [f"T::App#web stays {advice}", f"T::Site#site stays {advice}"]
    assert ran.world.open == set()


@pytest.mark.parametrize("fault", [("disk", "ready"), ("disk", "parallel"), ("web", "ready")])
def test_nothing_is_told_when_the_closers_run_soon(stage: Any, fault: tuple[str, str]) -> None:
    ran = stage.run({fault: "fails"})
    assert (held(ran), ran.world.open) == ([], set())


def frozen() -> tuple[Any, dict[str, int]]:
    """An execution whose snapshot has failed, so that nothing thaws; and the rows of its tasks, by name."""
    body = [
        make.activity("freeze", "pre", "T#a"),
        make.activity("snapshot", "ready", "T#b", requires=("freeze",)),
        make.activity("thaw", "ready", "T#a", requires=("snapshot",)),
        make.activity("copy", "parallel", "T#c"),
    ]
    document = make.bracketed(body, [make.closer("thaw", "ready", "pre", "T#a")])
    played = play(document, fails=["activities/snapshot"])
    execution = played.conductor.execution
    return execution, {execution.path(row).rpartition("/")[2]: row for row in range(len(execution.specs))}


class TurnedClock(SystemClock):
    """One whose seconds pass when a test says so."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


def test_who_takes_it_up_is_told_again() -> None:
    execution, rows = frozen()
    clock = TurnedClock()
    before = Reporter(execution, (), clock)
    before.first_start[rows["freeze"]] = 0.0
    seen: list[Event] = []
    reporter = Reporter(execution, [seen.append], clock, before, state=Path("/kept there"))
    reporter.taken_up(1)
    told = []
    for running in ([], ["copy"], ["copy"], [], ["copy"], ["copy"], ["copy"]):
        reporter.what_is_held([rows[name] for name in running])
        told.append(sum(isinstance(event, Message) for event in seen))
        clock.seconds += SOON
    assert told == [0, 0, 1, 1, 1, 1, 1], "once, and only when it has run for a while"
    (said,) = (event.text for event in seen if isinstance(event, Message))
    assert said.endswith(f"`embank cancel {execution.id} --state-dir '/kept there'` runs them now")


def test_nothing_is_told_of_an_execution_that_is_being_cancelled() -> None:
    """What was begun has some time to come to its end, and the closers run: the advice has been taken."""
    execution, rows = frozen()
    told: list[Event] = []
    clock = TurnedClock()
    before = Reporter(execution, (), clock)
    before.first_start[rows["freeze"]] = 0.0
    reporter = Reporter(execution, [told.append], clock, before)
    reporter.taken_up(1)
    execution.state.stopped = CANCELLED
    for _ in range(3):
        reporter.what_is_held([rows["copy"]])
        clock.seconds += SOON
    assert not any(isinstance(event, Message) for event in told)
