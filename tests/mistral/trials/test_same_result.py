"""The same file gives the same result here and on Mistral, whatever fails in it.

What Mistral does differently is in docs/mistral.md, and here in `differs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from embank.document import Document, WorkflowSpec
from embank.reporting.summary import Summary
from kit.mistral.trials.chosen import CHOSEN, drawn
from kit.mistral.trials.log import Line
from kit.mistral.trials.result import Both, Result
from kit.mistral.trials.trial import IMPLEMENTED, Trial, type_of

pytestmark = pytest.mark.service
Execute = Callable[[Trial], Both]


class SameResult:
    """Of a few trials, which are executed at the same time: in one process of the tests, with one Mistral."""

    trials: Sequence[Trial]

    def test_the_result_is_the_same(self, trial: Trial, both: Execute) -> None:
        here, there = both(trial).here, both(trial).there
        assert there.exit_code == here.exit_code, there.said
        assert there.tasks == here.tasks | joins_that_fail(here)
        assert in_order(there.log) == in_order(map(not_given_up, here.log))
        assert there.checkpoint == here.checkpoint
        assert told(there.summary) == told(here.summary)

    def test_the_order_is_kept(self, trial: Trial, both: Execute) -> None:
        for result in (both(trial).here, both(trial).there):
            log = list(enumerate(result.log))
            main = [(number, line) for number, line in log if line.attempt <= result.attempts.get(about(line), 0)]
            closing = [each for each in log if each not in main]
            for before, after in trial.order:
                begins = [number for number, line in main if about(line) == after and line.what == "begin"]
                ends = [number for number, line in main if about(line) == before and line.what == "end"]
                assert not begins or (ends and min(begins) > min(ends)), f"{after} began before {before} had ended"
            ended = [number for number, line in main if line.what != "went on"]
            assert not closing or closing[0][0] > max(ended), "closers ran while activities did"
            for below, above in trial.closing_order:
                lasts = [number for number, line in closing if line.resource == below and line.what != "went on"]
                firsts = [number for number, line in closing if line.resource == above]
                assert not lasts or not firsts or max(lasts) < min(firsts), f"{above} was closed before {below}"

    def test_what_was_opened_is_closed(self, trial: Trial, both: Execute) -> None:
        for result in (both(trial).here, both(trial).there):
            left = set()
            for each in trial.parents:
                for phase, closed in IMPLEMENTED[type_of(each)].items():
                    if closed and any(about(line) == (each, closed) for line in result.log):
                        closers = [line for line in result.log if about(line) == (each, phase)]
                        assert closers, f"{phase} of {each} never ran"
                        if not any(line.what == "end" for line in closers):
                            left.add((each, closed))
            assert (result.exit_code == 5) == bool(left), result.said
            assert result.checkpoint.get("open", set()) == left


@pytest.mark.xdist_group("chosen trials")
class TestChosen(SameResult):
    trials = CHOSEN


@pytest.mark.xdist_group("random trials")
class TestRandom(SameResult):
    trials = tuple(map(drawn, range(16)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    metafunc.parametrize("trial", metafunc.cls.trials, ids=lambda trial: trial.name)


def joins_that_fail(result: Result) -> dict[str, str]:
    """Mistral knows a `join: all` from the first task on that leads to it, and lets it fail when one never will."""
    failed = {}
    for path, state in result.tasks.items():
        above, _, name = path.rpartition("/")
        flow = flow_of(result.document, above)
        for follower in flow.tasks[name].on_success if state == "SUCCESS" else ():
            there = f"{above}/{follower}" if above else follower
            if there not in result.tasks and flow.tasks[follower].join:
                failed[there] = "ERROR"
    return failed


def flow_of(document: Document, path: str) -> WorkflowSpec:
    """The workflow that the task at a path runs."""
    flow = document.workflows[document.main]
    for name in filter(None, path.split("/")):
        flow = document.workflows[flow.tasks[name].workflow]
    return flow


def not_given_up(line: Line) -> Line:
    """Mistral lets the action of a task that timed out go on."""
    return replace(line, what="went on") if line.what == "closed" else line


def in_order(log: Iterable[Line]) -> list[Line]:
    return sorted(log, key=lambda line: (line.resource, line.phase, line.attempt, line.what))


def about(line: Line) -> tuple[str, str]:
    return line.resource, line.phase


def told(summary: Summary) -> dict[str, Any]:
    """What a summary says, but for ids, times and places."""
    failures = (
        (each.task, each.reason, each.attempts, each.closer, sorted(each.skipped)) for each in summary.failures
    )
    return {
        "state": summary.state,
        "counts": (summary.succeeded, summary.failed, summary.skipped),
        "failures": sorted(failures),
        "windows": sorted((each.resource, each.phase, each.closer, each.end is None) for each in summary.windows),
        "warnings": summary.warnings,
    }
