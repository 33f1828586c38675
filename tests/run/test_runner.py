"""The runner, with real threads and real time. `Acting` is what its tasks do."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from embank.document import Expression
from embank.errors import ExitCode, UsageError
from embank.plugins import Poll
from embank.run import events
from embank.run.clock import SystemClock
from embank.run.conductor import Conductor
from embank.run.local import execute
from embank.run.reporting import Reporter
from embank.run.runner import Runner


class Acting:
    """Performs actions as their inputs say: `polls` times, `after` seconds apart, then `fail` or end well."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.release = threading.Event()  # what is stuck waits for this
        self.begun: list[str] = []
        self.closed: list[str] = []
        self.stepping = self.most_stepping = 0
        self.active: dict[str, int] = {}
        self.most_active: dict[str, int] = {}
        self.most_threads = 0
        self.left: dict[str, int] = {}

    def perform(self, job: Any, control: Any) -> Iterator[Poll]:
        given = job.input
        name, kind = str(given.get("name")), str(given.get("resource", {}).get("type", ""))
        with self.lock:
            self.begun.append(name)
            self.active[kind] = self.active.get(kind, 0) + 1
            self.most_active[kind] = max(self.most_active.get(kind, 0), self.active[kind])
            self.left.setdefault(name, int(given.get("fail", 0)))
        ended = False
        try:
            for number in range(given.get("polls", 0)):
                with self.lock:
                    self.stepping += 1
                    self.most_stepping = max(self.most_stepping, self.stepping)
                    self.most_threads = max(self.most_threads, threading.active_count())
                threading.Event().wait(given.get("step", 0.0))
                with self.lock:
                    self.stepping -= 1
                yield Poll(given.get("after", 0.01), number / given["polls"], f"poll {number}")
            while len(self.begun) < given.get("until_begun", 0):
                with self.lock:
                    self.most_threads = max(self.most_threads, threading.active_count())
                yield Poll(given.get("after", 0.01))
            if given.get("stuck"):
                self.release.wait(60)
            if given.get("say"):
                control.tell(given["say"])
            ended = True
        finally:
            with self.lock:
                self.active[kind] -= 1
                if not ended:
                    self.closed.append(name)
            if given.get("stuck_in_close") and not ended:
                self.release.wait(60)
            if given.get("close_fails") and not ended:
                raise RuntimeError("the door is jammed")
        with self.lock:
            self.left[name] -= 1
            fails = self.left[name] >= 0
        if fails:
            raise RuntimeError(f"{name} \x1b[31mfailed\nsecond line")


@pytest.fixture
def acting() -> Iterator[Acting]:
    acting = Acting()
    yield acting
    acting.release.set()


@pytest.fixture
def run(make: SimpleNamespace, acting: Acting) -> Any:
    """Run tasks, each given as name=input, as a reverse workflow; `specs` has more of a task than its input."""

    def run(specs: Mapping[str, Mapping[str, Any]], **options: Any) -> Any:
        tasks = []
        for name, fields in specs.items():
            known = {
                key: value for key, value in fields.items() if key in ("requires", "retry", "timeout", "pause_before")
            }
            given = {key: value for key, value in fields.items() if key not in known}
            action = "embank.activity" if "resource" in given else "test.do"
            tasks.append(make.task(name, action, input={"name": name, **given}, **known))
        limits = options.pop("concurrency", {})
        doc = make.calling(*tasks, vars={"concurrency": limits} if limits else {})
        return execute(doc, acting.perform, execution="e", **options)

    return run


def test_tasks_run_in_order_and_in_parallel_within_the_bound(run: Any, acting: Acting) -> None:
    specs = {f"t{n}": {"polls": 3, "step": 0.005, "after": 0.0} for n in range(20)}
    outcome = run({**specs, "last": {"requires": "t0 t19"}}, parallel=3)
    assert (outcome.exit_code, outcome.state) == (ExitCode.OK, "SUCCESS")
    assert acting.begun[-1] == "last"
    assert sorted(acting.begun) == sorted([*specs, "last"])
    assert 2 <= acting.most_stepping <= 3


@pytest.mark.large
def test_ten_thousand_pending_activities_hold_no_threads(run: Any, acting: Acting) -> None:
    before = threading.active_count()
    specs = {f"t{n}": {"until_begun": 10_000, "polls": 1, "after": 1.0} for n in range(10_000)}
    outcome = run(specs, parallel=8)
    assert outcome.state == "SUCCESS"
    assert acting.most_active[""] == 10_000  # all at the same time
    assert acting.most_threads <= before + 8


def test_one_worker_is_enough_for_many_pending(run: Any, acting: Acting) -> None:
    outcome = run({f"t{n}": {"until_begun": 50, "polls": 2} for n in range(50)}, parallel=1)
    assert (outcome.state, acting.most_active[""], acting.most_stepping) == ("SUCCESS", 50, 1)


def test_a_failure_has_a_reason_without_controls(run: Any) -> None:
    outcome = run({"a": {"fail": 9, "retry": None}, "b": {"requires": "a"}, "c": {}})
    assert outcome.exit_code is ExitCode.FAILED
    (failure,) = outcome.summary.failures
    assert failure.reason == "RuntimeError: a \\x1b[31mfailed · second line"
    assert (failure.task, failure.skipped, failure.place) == ("all/a", ("all/b",), "file.yaml:7:3")
    assert (outcome.summary.succeeded, outcome.summary.failed, outcome.summary.skipped) == (1, 1, 1)


def test_retries(run: Any, make: SimpleNamespace, acting: Acting) -> None:
    seen: list[events.Event] = []
    outcome = run({"a": {"fail": 2, "retry": make.retry(3, 0)}}, listeners=[seen.append])
    assert (outcome.state, acting.begun) == ("SUCCESS", ["a", "a", "a"])
    retried = [(event.task, event.attempt) for event in seen if isinstance(event, events.TaskRetried)]
    assert retried == [("all/a", 2), ("all/a", 3)]


def test_a_stuck_plain_activity_is_abandoned_and_its_worker_replaced(run: Any, acting: Acting) -> None:
    seen: list[events.Event] = []
    outcome = run({"a": {"stuck": True, "timeout": 1}, "b": {}}, parallel=1, listeners=[seen.append])
    assert outcome.exit_code is ExitCode.FAILED
    assert acting.begun == ["a", "b"]  # with the only worker stuck in a
    (timed_out,) = [event for event in seen if isinstance(event, events.TaskTimedOut)]
    assert (timed_out.task, timed_out.timeout, timed_out.stuck) == ("all/a", 1, True)
    assert outcome.summary.failures[0].reason == "timed out after 1 s"


def test_what_an_abandoned_worker_returns_later_counts_for_nothing(
    run: Any, acting: Acting, make: SimpleNamespace
) -> None:
    def let_go(event: events.Event) -> None:
        if isinstance(event, events.TaskTimedOut):
            acting.release.set()

    specs = {"a": {"stuck": True, "timeout": 1, "retry": make.retry(1, 0)}, "b": {"polls": 3, "after": 0.3}}
    outcome = run(specs, parallel=2, listeners=[let_go])
    assert (outcome.state, acting.begun.count("a")) == ("SUCCESS", 2)


def test_a_pending_activity_that_times_out_is_closed(run: Any, acting: Acting) -> None:
    seen: list[events.Event] = []
    outcome = run({"a": {"polls": 1, "after": 3600.0, "timeout": 1}}, listeners=[seen.append])
    assert (outcome.state, acting.closed) == ("ERROR", ["a"])
    (timed_out,) = [event for event in seen if isinstance(event, events.TaskTimedOut)]
    assert not timed_out.stuck


def test_an_activity_that_does_not_let_itself_be_closed_does_not_hold_up_the_end(
    make: SimpleNamespace, acting: Acting
) -> None:
    given = {"name": "a", "polls": 1, "after": 3600.0, "stuck_in_close": True}
    conductor = Conductor(make.calling(make.task("a", input=given, timeout=1)), "e")
    seen: list[events.Event] = []
    clock = SystemClock()
    reporter = Reporter(conductor.execution, [seen.append], clock)
    runner = Runner(
        conductor, acting.perform, reporter, parallel=1, limits={}, confirm=None, clock=clock, close_grace=0.2
    )
    assert runner.run() == "ERROR"
    assert acting.closed == ["a"]
    assert any("closed" in event.text for event in seen if isinstance(event, events.Message))


def test_a_time_out_while_every_worker_is_busy_waits_for_one_to_close_it(run: Any, acting: Acting) -> None:
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


def test_a_sub_workflow_that_times_out_closes_what_is_pending_in_it(make: SimpleNamespace, acting: Acting) -> None:
    given = {"name": "a", "polls": 1, "after": 60.0}
    doc = make.document(
        make.direct("main", make.task("s", workflow="sub", input={"task_name": "done"}, timeout=1)),
        make.reverse("sub", make.task("a", input=given), make.task("b", requires="a")),
    )
    outcome = execute(doc, acting.perform, execution="e")
    assert (outcome.exit_code, acting.closed, acting.begun) == (ExitCode.FAILED, ["a"], ["a"])
    assert [(failure.task, failure.skipped) for failure in outcome.summary.failures] == [("s", ("s/b",))]


def test_a_signal_asks_pending_activities_once_more_and_closes_them(run: Any, acting: Acting) -> None:
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


def test_an_expression_without_a_value_fails_its_task(make: SimpleNamespace, acting: Acting) -> None:
    missing = Expression("variable", "nowhere", make.place)
    outcome = execute(make.calling(make.task("a", input={"name": missing})), acting.perform, execution="e")
    (failure,) = outcome.summary.failures
    assert failure.reason == "<% $.nowhere %> has no value (file.yaml:7:3)"
    assert acting.begun == []


def test_the_concurrency_of_a_type_counts_pending_activities(run: Any, acting: Acting) -> None:
    def of(kind: str) -> dict[str, Any]:
        return {"resource": {"type": kind, "id": "x"}, "polls": 2, "after": 0.02}

    specs = {f"{kind}{n}": of(kind) for n in range(12) for kind in ("Slow", "Fast")}
    outcome = run(specs, parallel=8, concurrency={"Slow": 2})
    assert outcome.state == "SUCCESS"
    assert acting.most_active["Slow"] == 2
    assert acting.most_active["Fast"] > 2


@pytest.mark.parametrize("limits", [{"Slow": 0}, {"Slow": "2"}, {"Slow": True}, ["Slow"]])
def test_a_concurrency_that_is_no_number_is_refused(run: Any, acting: Acting, limits: Any) -> None:
    with pytest.raises(UsageError, match="concurrency"):
        run({"a": {}}, concurrency=limits)
    assert acting.begun == []


def test_fail_fast(run: Any, acting: Acting) -> None:
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
    assert outcome.summary.warnings == ("full stopped listening: OSError: [Errno 28] No space left on device",)


def test_pause_before_asks(run: Any, acting: Acting) -> None:
    asked: list[str] = []
    specs = {"a": {}, "b": {"requires": "a", "pause_before": True}}
    outcome = run(specs, confirm=lambda task: not asked.append(task))
    assert (outcome.state, asked, acting.begun) == ("SUCCESS", ["all/b"], ["a", "b"])


def test_no_to_a_pause_is_an_interruption(run: Any, acting: Acting) -> None:
    outcome = run({"a": {}, "b": {"requires": "a", "pause_before": True}}, confirm=lambda task: False)
    assert (outcome.exit_code, acting.begun) == (ExitCode.INTERRUPTED, ["a"])
    assert outcome.summary.withdrawn == ("all/b",)


def test_a_pause_without_anybody_to_ask_is_refused_before_anything_is_done(run: Any, acting: Acting) -> None:
    with pytest.raises(UsageError, match=r"file\.yaml:7:3: task 'b' has `pause-before`"):
        run({"a": {}, "b": {"requires": "a", "pause_before": True}})
    assert acting.begun == []


def test_what_activities_say_reaches_the_listeners(run: Any) -> None:
    seen: list[events.Event] = []
    run({"a": {"say": "hello \x1b[2J", "polls": 1}}, listeners=[seen.append])
    (message,) = [event for event in seen if isinstance(event, events.Message)]
    assert (message.task, message.text) == ("all/a", "hello \\x1b[2J")
    (poll,) = [event for event in seen if isinstance(event, events.TaskPolled)]
    assert (poll.progress, poll.message) == (0.0, "poll 0")


def test_an_activity_that_raises_system_exit_only_fails(make: SimpleNamespace) -> None:
    def perform(job: Any, control: Any) -> Iterator[Poll]:
        raise SystemExit(3)
        yield

    outcome = execute(make.calling(make.task("a")), perform, execution="e")
    assert outcome.summary.failures[0].reason == "SystemExit: 3"


def test_no_workers_is_a_usage_error(make: SimpleNamespace, acting: Acting) -> None:
    with pytest.raises(UsageError, match="--parallel"):
        execute(make.calling(make.task("a")), acting.perform, execution="e", parallel=0)


def test_the_workers_end_with_the_execution(run: Any) -> None:
    before = set(threading.enumerate())
    run({f"t{n}": {} for n in range(20)}, parallel=6)
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert set(threading.enumerate()) <= before
