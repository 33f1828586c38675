"""What does not come to an end by itself: the process ends all the same, and names it."""

from __future__ import annotations

import signal
from typing import Any

import pytest

ABANDONED = "activities/box_inner_parallel: it is stuck: its worker is abandoned"
UNCLOSED = "activities/box_inner_parallel: it does not let itself be closed: its worker is abandoned"


@pytest.mark.parametrize("mode", ["sleep", "fifo", "child", "hold_on"])
def test_after_an_interruption(world: Any, mode: str) -> None:
    world.let("inner", "parallel", mode)
    run = world.run()
    world.until("parallel inner")
    run.says("started   activities/box_inner_parallel")
    run.signal(signal.SIGTERM)
    assert run.end() == 130
    assert (UNCLOSED if mode == "hold_on" else ABANDONED) in run.err
    assert "failed: activities/box_inner_parallel" in run.out
    why = ", and did not let itself be closed" if mode == "hold_on" else ", but did not come to an end within 1 s"
    assert f"interrupted by SIGTERM{why}" in run.out
    world.settled(run, "error")


@pytest.mark.parametrize("mode", ["thread", "at_exit"])
def test_what_python_waits_for_at_its_end(world: Any, mode: str) -> None:
    world.let("inner", "parallel", mode)
    run = world.run()
    assert run.end() == 0
    what = "the thread 'box-heater' of a plugin" if mode == "thread" else "what a library does at the end"
    assert f"left without waiting any longer for {what}" in run.err
    world.settled(run, "available")


def test_after_a_timeout_in_a_run_that_goes_on(world: Any) -> None:
    world.let("inner", "parallel", "sleep")
    world.edit(("        - box_inner_pre\n", "        - box_inner_pre\n      timeout: 1\n"))
    run = world.run()
    assert run.end() == 4
    assert "timed out activities/box_inner_parallel after 1 s; it does not return, its worker is abandoned" in run.err
    world.settled(run, "error")


def test_a_closer_has_its_own_time_and_then_the_next_has_its_turn(world: Any) -> None:
    world.let("inner", "parallel", "polite")
    world.let("inner", "post", "sleep")
    world.edit(("retry: {count: 3, delay: 1}", "retry: {count: 1, delay: 1}"), ("timeout: 300", "timeout: 1"))
    run = world.run()
    world.until("parallel inner")
    run.signal(signal.SIGINT)
    assert run.end() == 5
    assert "closer failed: cleanup/box_inner_post (tried 2 times)" in run.out
    world.settled(run, "error", frozen=["inner"])


def test_begin(world: Any) -> None:
    """The bank hangs, and answers again when the execution has given up waiting for it."""
    world.stall("put", "graph")
    run = world.run()
    world.until("bank stalls")
    run.signal(signal.SIGINT)
    assert run.end() == 130
    assert "begin: it is stuck: its worker is abandoned" in run.err
    assert world.log == ["bank stalls"]
    world.settled(run, "error")


def test_complete(world: Any) -> None:
    world.stall("put", "manifest")
    run = world.run()
    world.until("bank stalls")
    run.signal(signal.SIGINT)
    assert run.end() == 130
    assert "complete: it is stuck: its worker is abandoned" in run.err
    world.settled(run, "error")


@pytest.mark.nightly
def test_a_bank_that_hangs_for_good(world: Any) -> None:
    """30 s for the last word."""
    world.let("inner", "parallel", "polite")
    run = world.run()
    world.until("parallel inner")
    world.stall("")
    run.signal(signal.SIGINT)
    assert run.end() == 130
    assert world.frozen == set()
    assert "the bank has not answered for 30 s" in run.out
    world.go_on()
    shown = world.embank("execution", "show", world.execution)
    assert "the bank has not answered for 30 s" in shown.stdout
