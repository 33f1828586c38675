"""`embank cancel` of an execution whose runner was killed: it closes what is open itself."""

from __future__ import annotations

import re
import signal
from typing import Any


def killed(world: Any, *modes: tuple[str, str, str]) -> None:
    """Run until everything is frozen and copied, and kill the runner."""
    world.let("inner", "parallel", "polite")
    run = world.run()
    world.until("parallel inner")
    run.says("done      activities/box_outer_parallel")
    for mode in modes:
        world.let(*mode)
    run.signal(signal.SIGKILL)
    run.end()
    assert world.frozen == {"outer", "inner"}
    assert world.state == "left off"


def test_it_closes_and_ends_it(world: Any) -> None:
    killed(world)
    cancel = world.start("cancel", world.execution)
    assert cancel.end() == 0
    assert "interrupted (embank cancel)" in cancel.err
    world.settled(cancel, "error")
    assert world.embank("cancel", world.execution).returncode == 0  # nothing is left to be done


def test_a_closer_that_fails(world: Any) -> None:
    world.edit(("retry: {count: 3, delay: 1}", "retry: {count: 1, delay: 1}"))
    killed(world, ("inner", "post", "fail"))
    cancel = world.start("cancel", world.execution)
    assert cancel.end() == 5
    assert "closer failed: cleanup/box_inner_post (tried 2 times)" in cancel.out
    world.settled(cancel, "error", frozen=["inner"])
    world.let("inner", "post", "well")
    again = world.start("cancel", world.execution)
    assert again.end() == 0
    world.settled(again, "error")


def test_a_request_that_the_killed_runner_had_got(world: Any) -> None:
    """It lies there still; it must not count as a second one, which would stop the closers."""
    world.let("inner", "parallel", "polite")
    world.let("inner", "post", "until_told")
    run = world.run()
    world.until("parallel inner")
    assert world.embank("cancel", world.execution, "--no-wait").returncode == 0
    world.until("post inner")
    run.signal(signal.SIGKILL)
    run.end()
    resume = world.start("resume", world.execution)
    world.until_times("post inner", 2, resume)
    resume.says("repeated")
    (world.home / "world" / "go").touch()
    assert resume.end() == 130
    world.settled(resume, "error")


def test_two_at_once(world: Any) -> None:
    killed(world, ("inner", "post", "until_told"))
    first = world.start("cancel", world.execution)
    world.until_times("post inner", 1, first)
    second = world.start("cancel", world.execution)
    second.says("asked the runner")
    (world.home / "world" / "go").touch()
    assert (first.end(), second.end()) == (0, 0)
    assert world.log.count("post inner") == 1
    world.settled(first, "error")
    world.settled(second, "error")


def test_against_a_resume(world: Any) -> None:
    killed(world)
    resume = world.start("resume", world.execution)
    world.until_times("parallel inner", 2, resume)
    cancel = world.start("cancel", world.execution)
    assert (resume.end(), cancel.end()) == (130, 0)
    world.settled(resume, "error")
    world.settled(cancel, "error")


def test_a_race_with_a_resume_ends_closed_whoever_wins(world: Any) -> None:
    killed(world)
    resume, cancel = world.start("resume", world.execution), world.start("cancel", world.execution)
    assert cancel.end() == 0
    assert resume.end() in (7, 64, 130)  # it came second: locked, or all was over; or it was cancelled
    world.settled(cancel, "error")


def test_what_a_plugin_has_forked_holds_no_lock(world: Any) -> None:
    world.let("outer", "parallel", "fork")
    killed(world)
    cancel = world.start("cancel", world.execution)
    assert cancel.end() == 0
    assert "asked the runner" not in cancel.err
    world.settled(cancel, "error")


def without_times(text: str) -> str:
    """Where the clock is read twice, a hundredth of a second may pass."""
    return re.sub(r"\d+\.\d\d s", "T", text)


def test_a_bank_that_cannot_be_opened_keeps_nothing_frozen(world: Any) -> None:
    killed(world)
    (world.home / "world" / "no-bank").touch()
    cancel = world.start("cancel", world.execution)
    assert cancel.end() == 0
    assert world.frozen == set()
    assert "nobody can say whether this is open, so it is closed" in cancel.err
    assert "nobody answers at bank.example" in cancel.out
    shown = world.embank("execution", "show", world.execution)
    assert without_times(shown.stdout) == without_times(cancel.out)


def test_another_bank_than_the_one_that_it_began_in_gets_nothing(world: Any) -> None:
    """What is frozen is closed all the same, and nobody says that the checkpoint was deleted, or marked."""
    killed(world)
    provider = world.home / "providers.d" / "boxes.conf"
    provider.write_text(provider.read_text().replace("path = $here/../bank", "path = $here/../other-bank"))
    cancel = world.start("cancel", world.execution)
    assert cancel.end() == 0
    assert world.frozen == set()
    assert f"no checkpoint {world.execution}: it was deleted, or this is not the bank that it is in" in cancel.err
    assert f"there is no checkpoint {world.execution}: nothing to change" in cancel.err
    other = world.home / "other-bank" / "checkpoints"
    assert not other.exists() or not list(other.iterdir())
    assert world.checkpoint.status().status == "protecting"


def test_stopped_at_once_itself(world: Any) -> None:
    killed(world, ("inner", "post", "sleep"))
    cancel = world.start("cancel", world.execution)
    world.until_times("post inner", 1, cancel)
    for said in ("Ctrl-C once more", "STILL OPEN"):
        cancel.signal(signal.SIGINT)
        if said != "STILL OPEN":
            cancel.says(said)
    assert cancel.end() == 130
    assert "STILL OPEN" in cancel.out
    assert world.state == "stopped at once"
