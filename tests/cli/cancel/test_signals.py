"""Ctrl-C, SIGTERM, SIGHUP and closed outputs, with real plugins and a real bank."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest


def test_twice_stops_at_once_and_says_what_to_do(world: Any) -> None:
    world.let("inner", "parallel", "sleep")
    run = world.run()
    world.until("parallel inner")
    run.says("done      activities/box_outer_parallel")
    run.signal(signal.SIGINT)
    run.says("Ctrl-C once more stops at once")
    run.signal(signal.SIGINT)
    assert run.end() == 130
    assert world.frozen == {"outer", "inner"}
    assert "still running when it was stopped at once:\n    activities/box_inner_parallel" in run.out
    assert run.out.count("pre was started, post did not succeed") == 2
    assert f"embank cancel {world.execution}" in run.out
    assert "15 min" in run.out  # its lease is still there
    assert world.checkpoint.leases.current() is not None
    assert world.state == "stopped at once"
    shown = world.embank("execution", "show", world.execution).stdout
    assert f"embank cancel {world.execution}" in shown
    for text in (shown, run.out):
        assert "embank resume" not in text, "it would not go on"
    cancel = world.start("cancel", world.execution)
    assert cancel.end() == 0
    world.settled(cancel, "error")


def test_twice_while_closers_run(world: Any) -> None:
    world.let("inner", "parallel", "fail")
    world.let("inner", "post", "sleep")
    run = world.run()
    world.until("post inner")
    run.signal(signal.SIGTERM)
    run.says("SIGTERM once more stops at once")
    run.signal(signal.SIGTERM)
    assert run.end() == 130
    assert world.frozen == {"outer", "inner"}
    assert run.out.count("pre was started, post did not succeed") == 2


@pytest.mark.parametrize("signals", [("SIGHUP", "SIGHUP", "SIGTERM"), ("SIGTERM", "SIGHUP", "SIGINT")])
def test_what_goes_down_may_send_several_signals_and_means_one(world: Any, signals: tuple[str, ...]) -> None:
    """A terminal: SIGHUP from the shell and from the kernel. systemd: SIGTERM and SIGHUP."""
    world.let("inner", "parallel", "polite")
    world.let("inner", "post", "until_told")
    run = world.run()
    world.until("parallel inner")
    for name in signals:
        run.signal(signal.Signals[name])
        run.says(f"interrupted ({name})")
    (world.home / "world" / "go").touch()
    assert run.end() == 130
    assert f"interrupted by {signals[0]}" in run.out or "InterruptedError" in run.out
    world.settled(run, "error")


def test_a_closer_that_fails_after_an_interruption(world: Any) -> None:
    world.let("inner", "parallel", "polite")
    world.let("inner", "post", "fail")
    world.edit(("retry: {count: 3, delay: 1}", "retry: {count: 1, delay: 1}"))
    run = world.run()
    world.until("parallel inner")
    run.signal(signal.SIGINT)
    assert run.end() == 5
    world.settled(run, "error", frozen=["inner"])
    assert f"embank resume {world.execution}" in run.out


def test_nohup(world: Any) -> None:
    world.let("inner", "parallel", "until_told")
    run = world.run(before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    world.until("parallel inner")
    run.signal(signal.SIGHUP)
    (world.home / "world" / "go").touch()
    assert run.end() == 0
    assert "interrupted" not in run.err
    world.settled(run, "available")


@pytest.mark.parametrize("closed", ["stdout", "stderr", "both"])
def test_a_reader_that_goes_away(world: Any, closed: str) -> None:
    """`embank run … | head`: neither the execution nor its exit code depends on who reads."""
    world.let("inner", "parallel", "until_told")
    read, write = os.pipe()
    given = {"stdout": {"stdout": write}, "stderr": {"stderr": write}, "both": {"stdout": write, "stderr": write}}
    run = world.run(**given[closed])
    os.close(write)
    world.until("parallel inner")
    os.close(read)
    (world.home / "world" / "go").touch()
    assert run.end() == 0
    assert "Traceback" not in run.err
    assert world.checkpoint.status().status == "available"
    if closed == "stderr":
        world.settled(run, "available")


def test_a_full_disk_behind_the_output(world: Any) -> None:
    world.let("inner", "parallel", "fail")
    with Path("/dev/full").open("w") as full:
        run = world.run(stdout=full, stderr=full)
    assert run.end() == 4
    assert world.frozen == set()


def test_signals_at_the_very_end_take_nothing_back(world: Any) -> None:
    """Whoever presses Ctrl-C a few times too often still gets the summary and the exit code."""
    world.let("inner", "parallel", "polite")
    run = world.run()
    world.until("parallel inner")
    run.signal(signal.SIGHUP)
    while run.popen.poll() is None:
        run.signal(signal.SIGHUP)
    assert run.end() == 130
    world.settled(run, "error")
