"""The runner, with real threads and real time: order, bounds, retries, reports."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from embank.document import Expression, Retry
from embank.errors import ExitCode, UsageError
from embank.reporting import events
from embank.runner.local import execute
from embank.runner.options import Options
from kit import documents as make


def test_tasks_run_in_order_and_in_parallel_within_the_bound(run: Any, acting: Any) -> None:
    specs = {f"t{n}": {"polls": 3, "step": 0.005, "after": 0.0} for n in range(20)}
    outcome = run({**specs, "last": {"requires": "t0 t19"}}, parallel=3)
    assert (outcome.exit_code, outcome.state) == (ExitCode.OK, "SUCCESS")
    assert acting.begun[-1] == "last"
    assert sorted(acting.begun) == sorted([*specs, "last"])
    assert 2 <= acting.most_stepping <= 3


@pytest.mark.nightly
def test_ten_thousand_pending_activities_hold_no_threads(run: Any, acting: Any) -> None:
    before = threading.active_count()
    specs = {f"t{n}": {"until_begun": 10_000, "polls": 1, "after": 1.0} for n in range(10_000)}
    outcome = run(specs, parallel=8)
    assert outcome.state == "SUCCESS"
    assert acting.most_active[""] == 10_000  # all at the same time
    assert acting.most_threads <= before + 8


def test_one_worker_is_enough_for_many_pending(run: Any, acting: Any) -> None:
    outcome = run({f"t{n}": {"until_begun": 50, "polls": 2} for n in range(50)}, parallel=1)
    assert (outcome.state, acting.most_active[""], acting.most_stepping) == ("SUCCESS", 50, 1)


def test_a_failure_has_a_reason_without_controls(run: Any) -> None:
    outcome = run({"a": {"fail": 9, "retry": None}, "b": {"requires": "a"}, "c": {}})
    assert outcome.exit_code is ExitCode.FAILED
    (failure,) = outcome.summary.failures
    assert failure.reason == "RuntimeError: a \\x1b[31mfailed · second line"
    assert (failure.task, failure.skipped, failure.place) == ("all/a", ("all/b",), "file.yaml:7:3")
    assert (outcome.summary.succeeded, outcome.summary.failed, outcome.summary.skipped) == (1, 1, 1)


def test_retries(run: Any, acting: Any) -> None:
    seen: list[events.Event] = []
    outcome = run({"a": {"fail": 2, "retry": Retry(3, 0)}}, listeners=[seen.append])
    assert (outcome.state, acting.begun) == ("SUCCESS", ["a", "a", "a"])
    retried = [(event.task, event.attempt) for event in seen if isinstance(event, events.TaskRetried)]
    assert retried == [("all/a", 2), ("all/a", 3)]


def test_an_expression_without_a_value_fails_its_task(acting: Any) -> None:
    missing = Expression("variable", "nowhere", make.PLACE)
    outcome = execute(make.calling(make.task("a", input={"name": missing})), acting.perform, execution="e")
    (failure,) = outcome.summary.failures
    assert failure.reason == "<% $.nowhere %> has no value (file.yaml:7:3)"
    assert acting.begun == []


def test_the_concurrency_of_a_type_counts_pending_activities(run: Any, acting: Any) -> None:
    def of(kind: str) -> dict[str, Any]:
        return {"activity": "pre", "resource": {"type": kind, "id": "x"}, "polls": 2, "after": 0.02}

    specs = {f"{kind}{n}": of(kind) for n in range(12) for kind in ("Slow", "Fast")}
    outcome = run(specs, parallel=8, concurrency={"Slow": 2})
    assert outcome.state == "SUCCESS"
    assert acting.most_active["Slow"] == 2
    assert acting.most_active["Fast"] > 2


@pytest.mark.parametrize("limits", [{"Slow": 0}, {"Slow": "2"}, {"Slow": True}, ["Slow"]])
def test_a_concurrency_that_is_no_number_is_refused(run: Any, acting: Any, limits: Any) -> None:
    with pytest.raises(UsageError, match="concurrency"):
        run({"a": {}}, concurrency=limits)
    assert acting.begun == []


def test_fail_fast(run: Any, acting: Any) -> None:
    outcome = run({"a": {"fail": 9}, "b": {}, "c": {}}, parallel=1, fail_fast=True)
    assert (outcome.exit_code, acting.begun) == (ExitCode.FAILED, ["a"])
    assert outcome.summary.failures[0].skipped == ("all/b", "all/c")


def test_a_listener_that_fails_is_left_out_and_the_execution_goes_on(run: Any) -> None:
    told = []

    def full(event: events.Event) -> None:
        told.append(event)
        raise OSError(28, "No space left on device")

    outcome = run({"a": {}, "b": {}}, listeners=[full])
    assert (outcome.state, len(told)) == ("SUCCESS", 1)
    assert outcome.summary.warnings == ("full stopped listening: No space left on device",)


def test_what_activities_say_reaches_the_listeners(run: Any) -> None:
    seen: list[events.Event] = []
    run({"a": {"say": "hello \x1b[2J", "polls": 1}}, listeners=[seen.append])
    (message,) = [event for event in seen if isinstance(event, events.Message)]
    assert (message.task, message.text) == ("all/a", "hello \\x1b[2J")
    (poll,) = [event for event in seen if isinstance(event, events.TaskPolled)]
    assert (poll.progress, poll.message) == (0.0, "poll 0")


def test_no_workers_is_a_usage_error(acting: Any) -> None:
    with pytest.raises(UsageError, match="--parallel"):
        execute(make.calling(make.task("a")), acting.perform, execution="e", options=Options(parallel=0))


def test_the_workers_end_with_the_execution(run: Any) -> None:
    before = set(threading.enumerate())
    run({f"t{n}": {} for n in range(20)}, parallel=6)
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) <= before
