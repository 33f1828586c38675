"""`embank cancel` from another terminal, while a runner is at work."""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Any

import pytest

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2


def test_while_activities_run(world: Any) -> None:
    world.let("inner", "parallel", "pend")
    run = world.run()
    world.until("parallel inner")
    cancel = world.start("cancel", world.execution[:8])
    assert (run.end(), cancel.end()) == (130, 0)
    assert (
        "interrupted (embank cancel): nothing more is started but what closes; waiting for 1 running task" in run.err
    )
    assert "INTERRUPTED" in run.out
    assert "interrupted by embank cancel" in run.out
    assert world.log[-6:] == [
        f"{what} {box}" for box in ("inner", "outer") for what in ("post", "ended post", "thawed")
    ]
    world.settled(run, "error")
    world.settled(cancel, "error")
    shown = world.embank("execution", "show", world.execution)
    assert shown.stdout == cancel.out


def test_while_closers_run_because_of_a_failure(world: Any) -> None:
    world.let("inner", "parallel", "fail")
    world.let("inner", "post", "until_told")
    run = world.run()
    world.until("post inner")
    cancel = world.start("cancel", world.execution)
    run.says("interrupted (embank cancel)")
    (world.home / "world" / "go").touch()
    assert (run.end(), cancel.end()) == (130, 0)
    assert world.log.count("post inner") == 1
    assert "RuntimeError: the lid is stuck" in run.out
    world.settled(run, "error")


@pytest.mark.parametrize("first", ["signal", "request"])
def test_asked_twice_is_asked_once(world: Any, first: str) -> None:
    """Whoever cancels from elsewhere does not know what others have done: that must not stop the closers."""
    world.let("inner", "parallel", "polite")
    world.let("inner", "post", "until_told")
    run = world.run()
    world.until("parallel inner")
    if first == "signal":
        run.signal(signal.SIGINT)
    else:
        assert world.embank("cancel", world.execution, "--no-wait").returncode == 0
    world.until("post inner")
    cancel = world.start("cancel", world.execution)
    cancel.says("asked the runner")
    if first == "signal":
        run.says("interrupted (embank cancel)")
    (world.home / "world" / "go").touch()
    assert (run.end(), cancel.end()) == (130, 0)
    world.settled(run, "error")
    world.settled(cancel, "error")


@pytest.mark.parametrize("what", ["retry: {count: 3, delay: 600}", "wait-before: 600"])
def test_while_a_task_waits(world: Any, what: str) -> None:
    world.let("inner", "parallel", "fail")
    world.edit(
        ("      requires:\n        - box_inner_pre\n", f"      requires:\n        - box_inner_pre\n      {what}\n")
    )
    run = world.run()
    if "retry" in what:
        run.says("attempt 2 in 600 s")
    else:
        run.says("done      activities/box_inner_pre")
    cancel = world.start("cancel", world.execution)
    assert (run.end(), cancel.end()) == (130, 0)
    assert ("RuntimeError: the lid is stuck" in run.out) == ("retry" in what)
    world.settled(run, "error")


def test_before_begin_has_ended(world: Any) -> None:
    world.stall("put", "graph")
    run = world.run("--grace", "60")
    world.until("bank stalls")
    cancel = world.start("cancel", world.execution)
    run.says("interrupted (embank cancel)")
    world.go_on()
    assert (run.end(), cancel.end()) == (130, 0)
    assert world.log == ["bank stalls"]
    world.settled(run, "error")


def test_too_late_to_stop_anything(world: Any) -> None:
    world.stall("put", "manifest")
    run = world.run("--grace", "60")
    world.until("bank stalls")
    cancel = world.start("cancel", world.execution)
    run.says("interrupted (embank cancel)")
    world.go_on()
    assert (run.end(), cancel.end()) == (0, 0)
    assert "it had succeeded before it could be stopped" in cancel.err
    world.settled(run, "available")
    world.settled(cancel, "available")


def test_what_has_ended_is_left_alone(world: Any) -> None:
    assert world.run().end() == 0
    before = world.log
    cancel = world.embank("cancel", world.execution)
    assert (cancel.returncode, cancel.stdout) == (0, "")
    assert f"the execution {world.execution} has ended (SUCCESS), and nothing of it is open" in cancel.stderr
    assert world.embank("resume", world.execution).returncode == 64
    assert world.log == before
    assert world.checkpoint.status().status == "available"


def test_a_runner_that_leaves_off_meanwhile_is_stood_in_for(world: Any) -> None:
    world.let("inner", "parallel", "polite")
    world.let("inner", "post", "until_told")
    run = world.run()
    world.until("parallel inner")
    cancel = world.start("cancel", world.execution, "--grace", "1")
    world.until("post inner")
    run.signal(signal.SIGKILL)
    run.end()
    (world.home / "world" / "go").touch()
    assert cancel.end() == 0
    assert "its runner left off before it had stopped" in cancel.err
    world.settled(cancel, "error")


def test_who_waits_may_stop_waiting(world: Any) -> None:
    world.let("inner", "parallel", "polite")
    world.let("inner", "post", "until_told")
    run = world.run()
    world.until("parallel inner")
    cancel = world.start("cancel", world.execution)
    world.until("post inner")
    cancel.signal(signal.SIGINT)
    assert cancel.end() == 130
    assert "not waiting any longer" in cancel.err
    (world.home / "world" / "go").touch()
    assert run.end() == 130
    world.settled(run, "error")


def without_override() -> None:
    """Let file permissions hold for root too: drop the capabilities that override them, before exec."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            assert libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0


def test_somebody_elses_execution(world: Any) -> None:
    world.let("inner", "parallel", "until_told")
    run = world.run()
    world.until("parallel inner")
    state = world.home / ".embank" / "executions"
    for locked in (state / world.execution, state):
        name, mode = world.execution, locked.stat().st_mode
        locked.chmod(0)
        cancel = world.start("cancel", name, before=without_override)
        code = cancel.end()
        locked.chmod(mode)
        assert code == 64
        assert "Permission denied" in cancel.err
        assert "a bug" not in cancel.err
    (world.home / "world" / "go").touch()
    assert run.end() == 0
