"""Whatever goes wrong at whatever task: at the end nothing is open, every closer of what was started has run
exactly once, and those of dependents before those of their parents.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from embank.checkpoint.records.status import Status
from embank.errors import ExitCode

CALLS = [
    ("site", "pre"),
    ("web", "pre"),
    ("db", "pre"),
    ("disk", "ready"),
    ("web", "ready"),
    ("db", "ready"),
    ("disk", "parallel"),
    ("disk", "post"),
    ("site", "post"),
]
OPENS = {"site": "pre", "web": "pre", "db": "pre", "disk": "ready"}
CLOSES = {"site": "post", "web": "ready", "db": "ready", "disk": "post"}
ABOVE = [("site", "web"), ("site", "db"), ("web", "disk"), ("db", "disk")]
CODES = {"SIGINT": ExitCode.INTERRUPTED, "SIGTERM": ExitCode.INTERRUPTED}


def check(ran: Any, call: tuple[str, str], kind: str, *, together: bool = False) -> None:
    """The claims above, for an execution in which one call went wrong once."""
    world, checkpoint = ran.world, ran.checkpoint
    assert world.open == set()
    assert ran.still_open == []
    assert ran.outcome.summary.open == ()
    again = [call[0]] if call[1] == CLOSES[call[0]] else []  # the closer itself went wrong: it is called once more
    if together and again and call[0] in ("web", "db"):
        again = ["web", "db"]
    called = [id for id, phase in world.calls if phase == CLOSES[id]]
    assert sorted(called) == sorted([*ran.marked, *again])
    assert {id for id, phase in world.calls if phase == OPENS[id]} <= ran.marked
    assert sorted(world.closed) == sorted(world.opened)
    assert len(world.opened) == len(set(world.opened))
    assert checkpoint is not None
    assert checkpoint.status().status is Status.ERROR
    assert checkpoint.leases.current() is None
    assert ran.outcome.exit_code is CODES.get(kind, ExitCode.FAILED), ran.outcome.summary
    name = f"{call[0]}_{call[1]}"
    failures = ran.outcome.summary.failures
    assert together or [failure.closer for failure in failures if failure.task.endswith(name)] == [False]
    in_cleanup = [event.task.split("/")[1] for event in ran.events if type(event).__name__ == "TaskStarted"
                  and event.task.startswith("cleanup/")]  # fmt: skip
    place = {task.split("_")[1]: number for number, task in enumerate(in_cleanup)}
    assert all(place[parent] > place[below] for parent, below in ABOVE if {parent, below} <= set(place))


def test_nothing_goes_wrong(stage: Any) -> None:
    ran = stage.run({})
    assert ran.outcome.exit_code is ExitCode.OK
    assert sorted(ran.world.calls) == sorted(CALLS)
    assert sorted(ran.world.closed) == sorted(OPENS)
    assert ran.checkpoint.status().status is Status.AVAILABLE


@pytest.mark.parametrize("fail_fast", [False, True], ids=["", "fail-fast"])
@pytest.mark.parametrize("kind", ["fails", "fails half-way"])
@pytest.mark.parametrize("call", CALLS, ids="-".join)
def test_a_task_that_fails(stage: Any, call: tuple[str, str], kind: str, fail_fast: bool) -> None:
    check(stage.run({call: kind}, fail_fast=fail_fast), call, kind)


@pytest.mark.parametrize("kind", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("call", CALLS, ids="-".join)
def test_a_task_during_which_the_execution_is_cancelled(stage: Any, call: tuple[str, str], kind: str) -> None:
    """By Ctrl-C, or by a polite kill."""
    check(stage.run({call: kind}), call, kind)


def test_a_task_that_times_out(stage: Any) -> None:
    """Pending and polled for ever, or stuck in a call: side by side, for each takes a second."""
    cases = [(call, kind) for call in CALLS for kind in ("never ends", "hangs")]
    with ThreadPoolExecutor(len(cases)) as pool:
        runs: Iterable[Any] = pool.map(lambda case: stage.run({case[0]: case[1]}, timeout=1), cases)
        for (call, kind), ran in zip(cases, runs, strict=True):
            check(ran, call, kind)
            assert "timed out after 1 s" in ran.outcome.summary.failures[0].reason


@pytest.mark.parametrize("call", CALLS, ids="-".join)
def test_closers_that_are_one_task(stage: Any, call: tuple[str, str]) -> None:
    """It runs for all of its resources when one of them is open: what is closed twice takes no harm."""
    check(stage.run({call: "fails half-way"}, together=True), call, "fails half-way", together=True)
