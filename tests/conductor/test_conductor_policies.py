"""The conductor: retries, time-outs, waits, pauses, and how an execution is stopped."""

from __future__ import annotations

from typing import Any

import pytest

from embank.conductor.conductor import Conductor
from embank.conductor.protocol import Begun, Cancelled, Due, Failed, Resumed, Start, Succeeded, TimeOut, Timer, Wait
from embank.document import Retry
from kit import documents as make
from kit.stage import play


def test_a_retry_runs_again_after_its_delay() -> None:
    played = play(make.calling(make.task("a", retry=Retry(2, 5))), fails={"all/a": 2})
    assert (played.begun, played.state) == (["all/a"] * 3, "SUCCESS")
    assert [(wait.attempt, wait.seconds) for wait in played.effects if isinstance(wait, Wait)] == [(2, 5), (3, 5)]


def test_retries_end() -> None:
    played = play(make.calling(make.task("a", retry=Retry(2, 0))), fails=["all/a"])
    assert (played.begun, played.state) == (["all/a"] * 3, "ERROR")


def test_a_timeout_counts_for_each_attempt() -> None:
    played = play(make.calling(make.task("a", timeout=30, retry=Retry(1, 1))), hangs=["all/a"])
    assert (played.begun, played.state) == (["all/a"] * 2, "ERROR")
    assert sum(isinstance(effect, TimeOut) for effect in played.effects) == 2


def test_waits_before_and_after() -> None:
    played = play(make.calling(make.task("a", wait_before=3, wait_after=4), make.task("b", requires="a")))
    waits = [(wait.seconds, str(wait.timer)) for wait in played.effects if isinstance(wait, Wait)]
    assert waits == [(3, "wait-before"), (4, "wait-after")]
    assert (played.begun, played.state) == (["all/a", "all/b"], "SUCCESS")


def test_a_sub_workflow_that_is_retried_runs_anew() -> None:
    t = make.task
    doc = make.document(
        make.direct("main", t("s", workflow="sub", input={"task_name": "done"}, retry=Retry(1, 0))),
        make.reverse("sub", t("a"), t("b", requires="a")),
    )
    played = play(doc, fails={"s/b": 1})
    assert (played.begun, played.state) == (["s/a", "s/b", "s/a", "s/b"], "SUCCESS")


def test_a_sub_workflow_that_times_out_is_cut_off_with_all_its_tasks() -> None:
    t = make.task
    doc = make.document(
        make.direct("main", t("s", workflow="sub", input={"task_name": "done"}, timeout=9)),
        make.reverse("sub", t("a"), t("b", requires="a"), t("c", wait_before=100), t("d", retry=Retry(3, 1))),
    )
    played = play(doc, hangs=["s/a", "s/d"])
    assert played.state == "ERROR"
    assert played.states == {"s": "failed", "s/a": "failed", "s/b": "skipped", "s/c": "skipped", "s/d": "failed"}
    assert set(played.causes.values()) == {"s"}


def test_fail_fast_starts_nothing_more_but_the_cleanup() -> None:
    t = make.task
    body = [t("a"), t("b", wait_before=5), t("c", requires="b")]
    played = play(make.bracketed(body, [t("thaw")]), fails=["activities/a"], fail_fast=True)
    assert played.begun == ["begin", "activities/a", "cleanup/thaw", "abandon"]
    assert played.states["activities/b"] == played.states["activities/c"] == "skipped"
    assert set(played.causes.values()) == {"activities/a"}


@pytest.mark.parametrize(
    ("at", "begun"),
    [
        ("begin", ["begin", "abandon"]),
        ("activities/a", ["begin", "activities/a", "cleanup/thaw", "cleanup/thaw2", "abandon"]),
        (
            "complete",
            ["begin", "activities/a", "activities/b", "complete", "cleanup/thaw", "cleanup/thaw2", "abandon"],
        ),
    ],
)
def test_cancel_starts_nothing_more_but_the_cleanup(at: str, begun: list[str]) -> None:
    t = make.task
    doc = make.bracketed([t("a", retry=Retry(3, 0)), t("b", requires="a")], [t("thaw"), t("thaw2")])
    played = play(doc, cancel_at=at)
    assert (played.begun, played.state) == (begun, "ERROR")


def test_cancel_does_not_touch_a_cleanup_that_is_under_way() -> None:
    t = make.task
    doc = make.bracketed([t("a")], [t("thaw", retry=Retry(1, 0)), t("thaw2", requires="thaw")])
    conductor = Conductor(doc, "e")

    def step(path: str, outcome: type[Any]) -> None:
        row = next(r for r in range(len(conductor.state.task)) if conductor.execution.path(r) == path)
        conductor.advance(Begun(row))
        conductor.advance(Failed(row, "no") if outcome is Failed else Succeeded(row))

    conductor.start()
    step("begin", Succeeded)
    step("activities/a", Failed)
    assert conductor.advance(Cancelled()) == []
    step("cleanup/thaw", Succeeded)
    step("cleanup/thaw2", Succeeded)
    step("abandon", Succeeded)
    assert conductor.state.finished


def test_a_running_task_that_ends_well_after_cancel_is_not_followed_but_cleaned_up() -> None:
    conductor = Conductor(make.bracketed([make.task("a")], [make.task("thaw")]), "e")
    (start,) = [effect for effect in conductor.start() if isinstance(effect, Start)]
    conductor.advance(Begun(start.row))
    conductor.advance(Cancelled())
    effects = conductor.advance(Succeeded(start.row))
    started = [conductor.execution.path(effect.row) for effect in effects if isinstance(effect, Start)]
    assert started == ["abandon"]


def test_pause_before_holds_everything_until_it_is_resumed() -> None:
    t = make.task
    conductor = Conductor(make.calling(t("a", pause_before=True), t("b")), "e")
    effects = conductor.start()
    assert [type(effect).__name__ for effect in effects] == ["Changed", "Pause"]  # b is held too
    row = effects[1].row
    started = [conductor.execution.path(e.row) for e in conductor.advance(Resumed(row)) if isinstance(e, Start)]
    assert sorted(started) == ["all/a", "all/b"]


def test_a_cancelled_pause_is_over() -> None:
    doc = make.bracketed([make.task("a", pause_before=True), make.task("b")], [make.task("thaw")])
    conductor = play(doc, resume=False).conductor
    effects = conductor.advance(Cancelled())
    started = [conductor.execution.path(effect.row) for effect in effects if isinstance(effect, Start)]
    assert started == ["cleanup/thaw"]


def test_events_that_cannot_be_are_refused() -> None:
    conductor = Conductor(make.calling(make.task("a")), "e")
    (start,) = [effect for effect in conductor.start() if isinstance(effect, Start)]
    with pytest.raises(ValueError, match="cannot end"):
        conductor.advance(Succeeded(start.row))
    conductor.advance(Begun(start.row))
    with pytest.raises(ValueError, match="cannot become running"):
        conductor.advance(Begun(start.row))
    conductor.advance(Succeeded(start.row))
    with pytest.raises(ValueError, match="cannot end"):
        conductor.advance(Failed(start.row, "late"))


def test_stale_timers_are_ignored() -> None:
    conductor = Conductor(make.calling(make.task("a", timeout=5, retry=Retry(1, 0))), "e")
    (start,) = [effect for effect in conductor.start() if isinstance(effect, Start)]
    conductor.advance(Begun(start.row))
    conductor.advance(Failed(start.row, "first"))
    assert conductor.advance(Due(start.row, 1, Timer.TIMEOUT)) == []
