"""A real (pseudo) terminal: Ctrl-C typed, questions, a window that is closed. It is left as it was."""

from __future__ import annotations

import signal
from typing import Any

import pytest

PAUSE = (
    "      requires:\n        - box_inner_pre\n",
    "      requires:\n        - box_inner_pre\n      pause-before: true\n",
)


def test_ctrl_c(world: Any, terminal: Any) -> None:
    world.let("inner", "parallel", "polite")
    run = world.run(**terminal.options())
    terminal.shows("box_inner_parallel (")
    terminal.type("\x03")
    assert run.end() == 130
    terminal.shows("interrupted (SIGINT)")
    terminal.shows("critical path")
    assert terminal.is_sane()
    assert world.frozen == set()
    assert world.checkpoint.status().status == "error"


def test_ctrl_c_twice(world: Any, terminal: Any) -> None:
    world.let("inner", "parallel", "sleep")
    run = world.run("--grace", "60", **terminal.options())
    terminal.shows("box_inner_parallel (")
    terminal.type("\x03")
    terminal.shows("Ctrl-C once more stops at once")
    terminal.type("\x03")
    assert run.end() == 130
    terminal.shows("STILL OPEN")
    terminal.shows("critical path")
    assert terminal.is_sane()


def test_a_stuck_activity(world: Any, terminal: Any) -> None:
    world.let("inner", "parallel", "ask")  # it reads what is typed
    run = world.run(**terminal.options())
    terminal.shows("box_inner_parallel (")
    run.signal(signal.SIGTERM)
    assert run.end() == 130
    terminal.shows("it is stuck: its worker is abandoned")
    terminal.shows("critical path")
    assert terminal.is_sane()
    assert world.frozen == set()


@pytest.mark.parametrize("how", ["request", "key", "no", "end"])
def test_a_question_that_nobody_answers_with_yes(world: Any, terminal: Any, how: str) -> None:
    world.edit(PAUSE)
    run = world.run(**terminal.options())
    terminal.shows("Start it? [y/N]")
    if how == "request":
        assert world.embank("cancel", world.execution).returncode == 0
    else:
        terminal.type({"key": "\x03", "no": "n\n", "end": "\x04"}[how])
    assert run.end() == 130
    terminal.shows("interrupted (" + {"request": "embank cancel", "key": "SIGINT"}.get(how, "answer"))
    terminal.shows("critical path")
    assert "Fatal" not in terminal.shown
    assert "Traceback" not in terminal.shown
    assert terminal.is_sane()
    assert "parallel inner" not in world.log
    assert world.frozen == set()


def test_questions_are_asked_one_after_the_other(world: Any, terminal: Any) -> None:
    """Of two tasks at once: an answer must not count for the other one."""
    world.edit(("        - box_outer_pre\n", "        - box_outer_pre\n      pause-before: true\n"))
    run = world.run(**terminal.options())
    for asked in (1, 2):
        terminal.shows("Start it? [y/N]", asked)
        assert len(world.log) == 2
        terminal.type("y\n")
    assert run.end() == 0
    terminal.shows("critical path")
    assert terminal.is_sane()


def test_a_window_that_is_closed(world: Any, terminal: Any) -> None:
    world.let("inner", "parallel", "polite")
    world.let("inner", "post", "talk")
    run = world.run(**terminal.options())
    terminal.shows("box_inner_parallel (")
    terminal.close()
    assert run.end() == 130
    assert world.log.count("post inner") == 1
    assert world.frozen == set()
    assert world.checkpoint.status().status == "error"
    shown = world.embank("execution", "show", world.execution)
    assert "INTERRUPTED" in shown.stdout
    assert "interrupted by SIGHUP" in shown.stdout or "InterruptedError" in shown.stdout


def test_a_window_that_is_closed_on_the_progress_alone(world: Any, terminal: Any) -> None:
    world.let("inner", "parallel", "polite")
    options = {name: value for name, value in terminal.options().items() if name != "stdout"}
    run = world.run(**options)
    terminal.shows("box_inner_parallel (")
    terminal.close()
    assert run.end() == 130
    world.settled(run, "error")


def test_a_window_that_is_closed_on_a_question(world: Any, terminal: Any) -> None:
    world.edit(PAUSE)
    run = world.run(**terminal.options())
    terminal.shows("Start it? [y/N]")
    terminal.close()
    assert run.end() == 130
    assert world.frozen == set()
    assert world.checkpoint.status().status == "error"


def test_a_terminal_that_stalls_holds_up_nothing(world: Any, terminal: Any) -> None:
    """Ctrl-S; or a connection that hangs, and fills up."""
    world.let("inner", "parallel", "polite")
    run = world.run(**terminal.options())
    terminal.shows("box_inner_parallel (")
    terminal.type("\x13")
    cancel = world.start("cancel", world.execution)
    world.until("thawed outer")
    assert cancel.end() == 0
    assert run.popen.poll() is None  # it has something to say yet
    terminal.type("\x11")
    assert run.end() == 130
    terminal.shows("critical path")
    assert terminal.is_sane()
