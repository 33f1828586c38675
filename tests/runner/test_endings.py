"""The runner when things do not end by themselves: time-outs, stuck workers, signals, pauses."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from embank.document import Retry
from embank.errors import ExitCode, UsageError
from embank.plugins import Poll
from embank.reporting import events
from embank.runner.local import execute
from kit import documents as make


def test_a_stuck_plain_activity_is_abandoned_and_its_worker_replaced(run: Any, acting: Any) -> None:
    seen: list[events.Event] = []
    outcome = run({"a": {"stuck": True, "timeout": 1}, "b": {}}, parallel=1, listeners=[seen.append])
    assert outcome.exit_code is ExitCode.FAILED
    assert acting.begun == ["a", "b"]  # with the only worker stuck in a
    (timed_out,) = [event for event in seen if isinstance(event, events.TaskTimedOut)]
    assert (timed_out.task, timed_out.timeout, timed_out.stuck) == ("all/a", 1, True)
    assert outcome.summary.failures[0].reason == "timed out after 1 s"


def test_what_an_abandoned_worker_returns_later_counts_for_nothing(run: Any, acting: Any) -> None:
    def let_go(event: events.Event) -> None:
        if isinstance(event, events.TaskTimedOut):
            acting.release.set()

    specs = {"a": {"stuck": True, "timeout": 1, "retry": Retry(1, 0)}, "b": {"polls": 3, "after": 0.3}}
    outcome = run(specs, parallel=2, listeners=[let_go])
    assert (outcome.state, acting.begun.count("a")) == ("SUCCESS", 2)


def test_a_pending_activity_that_times_out_is_closed(run: Any, acting: Any) -> None:
    seen: list[events.Event] = []
    outcome = run({"a": {"polls": 1, "after": 3600.0, "timeout": 1}}, listeners=[seen.append])
    assert (outcome.state, acting.closed) == ("ERROR", ["a"])
    (timed_out,) = [event for event in seen if isinstance(event, events.TaskTimedOut)]
    assert not timed_out.stuck


def test_an_activity_that_does_not_let_itself_be_closed_does_not_hold_up_the_end(run: Any, acting: Any) -> None:
    seen: list[events.Event] = []
    specs = {"a": {"polls": 1, "after": 3600.0, "stuck_in_close": True, "timeout": 1}}
    outcome = run(specs, parallel=1, listeners=[seen.append], close_grace=0.2)
    assert outcome.state == "ERROR"
    assert acting.closed == ["a"]
    assert any("closed" in event.text for event in seen if isinstance(event, events.Message))


def test_a_time_out_while_every_worker_is_busy_waits_for_one_to_close_it(run: Any, acting: Any) -> None:
    seen: list[events.Event] = []

    def let_go(event: events.Event) -> None:
        seen.append(event)
        if isinstance(event, events.TaskTimedOut):
            acting.release.set()

    outcome = run({"a": {"polls": 99, "timeout": 1}, "b": {"stuck": True}}, parallel=1, listeners=[let_go])
    assert (outcome.exit_code, acting.begun, acting.closed) == (ExitCode.FAILED, ["a", "b"], ["a"])
    (timed_out,) = [event for event in seen if isinstance(event, events.TaskTimedOut)]
    assert not timed_out.stuck
    assert outcome.summary.failures[0].reason == "timed out after 1 s"


def test_what_goes_wrong_while_closing_is_told_and_changes_nothing(run: Any) -> None:
    seen: list[events.Event] = []
    outcome = run({"a": {"polls": 1, "after": 60.0, "timeout": 1, "close_fails": True}}, listeners=[seen.append])
    assert outcome.summary.failures[0].reason == "timed out after 1 s"
    (message,) = [event for event in seen if isinstance(event, events.Message)]
    assert message.text == "while it was closed: RuntimeError: the door is jammed"


def test_a_sub_workflow_that_times_out_closes_what_is_pending_in_it(acting: Any) -> None:
    given = {"name": "a", "polls": 1, "after": 60.0}
    doc = make.document(
        make.direct("main", make.task("s", workflow="sub", input={"task_name": "done"}, timeout=1)),
        make.reverse("sub", make.task("a", input=given), make.task("b", requires="a")),
    )
    outcome = execute(doc, acting.perform, execution="e")
    assert (outcome.exit_code, acting.closed, acting.begun) == (ExitCode.FAILED, ["a"], ["a"])
    assert [(failure.task, failure.skipped) for failure in outcome.summary.failures] == [("s", ("s/b",))]


def test_a_signal_asks_pending_activities_once_more_and_closes_them(run: Any, acting: Any) -> None:
    """In this very process: `execute` runs in the main thread here."""
    seen: list[events.Event] = []

    def interrupt(event: events.Event) -> None:
        seen.append(event)
        if isinstance(event, events.TaskPolled) and event.message == "poll 0":
            os.kill(os.getpid(), signal.SIGTERM)

    outcome = run({"a": {"polls": 99, "after": 60.0}, "b": {"requires": "a"}}, listeners=[interrupt])
    assert (outcome.exit_code, outcome.state, acting.closed) == (ExitCode.INTERRUPTED, "ERROR", ["a"])
    assert [event.message for event in seen if isinstance(event, events.TaskPolled)] == ["poll 0", "poll 1"]
    assert outcome.summary.failures[0].reason == "interrupted by SIGTERM"
    assert outcome.summary.withdrawn == ("all/b",)


def test_pause_before_asks(run: Any, acting: Any) -> None:
    asked: list[str] = []
    specs = {"a": {}, "b": {"requires": "a", "pause_before": True}}
    outcome = run(specs, confirm=lambda task: not asked.append(task))
    assert (outcome.state, asked, acting.begun) == ("SUCCESS", ["all/b"], ["a", "b"])


def test_no_to_a_pause_is_an_interruption(run: Any, acting: Any) -> None:
    outcome = run({"a": {}, "b": {"requires": "a", "pause_before": True}}, confirm=lambda task: False)
    assert (outcome.exit_code, acting.begun) == (ExitCode.INTERRUPTED, ["a"])
    assert outcome.summary.withdrawn == ("all/b",)


def test_a_pause_without_anybody_to_ask_is_refused_before_anything_is_done(run: Any, acting: Any) -> None:
    with pytest.raises(UsageError, match=r"file\.yaml:7:3: task 'b' has `pause-before`"):
        run({"a": {}, "b": {"requires": "a", "pause_before": True}})
    assert acting.begun == []


def test_an_activity_that_raises_system_exit_only_fails() -> None:
    def perform(job: Any, control: Any) -> Iterator[Poll]:
        raise SystemExit(3)
        yield

    outcome = execute(make.calling(make.task("a")), perform, execution="e")
    assert outcome.summary.failures[0].reason == "SystemExit: 3"
