"""Critical path, freeze windows, exit codes and the text of a summary, from known times."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from embank.errors import ExitCode
from embank.reporting.summary import Span, Summary, Times, summarise
from embank.reporting.summary_text import duration, summary_text
from embank.reporting.windows import Window
from kit import documents as make
from kit.stage import play

Play = Callable[..., Any]
Clocked = Callable[..., Summary]


@pytest.fixture
def clocked() -> Clocked:
    """Play a document, then say when each task started and ended (by path; "a b" seconds)."""

    def clocked(doc: Any, times: dict[str, tuple[float, float]], **how: Any) -> Summary:
        interrupted, codes = how.pop("interrupted", False), how.pop("codes", {})
        played = play(doc, **how)
        execution = played.conductor.execution
        rows = {execution.path(row): row for row in range(len(execution.specs))}
        starts = {rows[path]: 100 + start for path, (start, _) in times.items()}
        ends = {rows[path]: 100 + end for path, (_, end) in times.items()}
        return summarise(
            execution,
            Times(100, 100 + max(end for _, end in times.values()), starts, starts, ends),
            state=played.state or "INTERRUPTED",
            started=datetime(2026, 1, 1, tzinfo=UTC),
            codes={rows[path]: code for path, code in codes.items()},
            interrupted=interrupted,
            warnings=[],
        )

    return clocked


@pytest.fixture
def frozen() -> Any:
    """A server that is frozen in pre and thawed in ready, after a snapshot of its volume."""
    return make.bracketed(
        [
            make.activity("s_pre", "pre", "Server#s"),
            make.activity("v_ready", "ready", "Volume#v", requires="s_pre"),
            make.activity("s_ready", "ready", "Server#s", requires="v_ready"),
            make.activity("v_parallel", "parallel", "Volume#v", requires="v_ready"),
        ],
        [make.closer("s_ready", "ready", "pre", "Server#s")],
    )


ALL_WELL = {
    "begin": (0.0, 1.0),
    "activities": (1.0, 40.0),
    "activities/s_pre": (1.0, 2.0),
    "activities/v_ready": (2.0, 6.0),
    "activities/s_ready": (6.5, 7.0),
    "activities/v_parallel": (6.0, 40.0),
    "activities/done": (40.0, 40.0),
    "complete": (40.0, 41.0),
}


def test_the_critical_path_enters_sub_workflows_and_passes_joins(frozen: Any, clocked: Clocked) -> None:
    assert clocked(frozen, ALL_WELL).critical_path == (
        Span("begin", 0.0, 1.0),
        Span("activities/s_pre", 1.0, 1.0),
        Span("activities/v_ready", 2.0, 4.0),
        Span("activities/v_parallel", 6.0, 34.0),
        Span("complete", 40.0, 1.0),
    )


def test_a_freeze_window_ends_with_its_closer_not_with_the_copy(frozen: Any, clocked: Clocked) -> None:
    summary = clocked(frozen, ALL_WELL)
    assert summary.windows == (Window("Server#s", "s", "pre", "ready", 1.0, 7.0),)
    assert (summary.exit_code, summary.open) == (ExitCode.OK, ())


def test_a_window_that_the_cleanup_closed(frozen: Any, clocked: Clocked) -> None:
    times = {
        "begin": (0.0, 1.0),
        "activities": (1.0, 6.0),
        "activities/s_pre": (1.0, 2.0),
        "activities/v_ready": (2.0, 6.0),
        "cleanup": (6.0, 8.0),
        "cleanup/s_ready": (6.0, 8.0),
        "abandon": (8.0, 9.0),
    }
    summary = clocked(frozen, times, fails=["activities/v_ready"])
    assert summary.windows == (Window("Server#s", "s", "pre", "ready", 1.0, 8.0),)
    assert summary.exit_code is ExitCode.FAILED
    text = "\n".join(summary_text(summary))
    assert "FAILED after 9.00 s; nothing is left open" in text
    assert "skipped because of it: activities/s_ready, activities/v_parallel" in text
    assert "Server#s (s): 7.00 s, from pre to ready" in text

    failed = clocked(frozen, times, fails=["activities/v_ready", "cleanup/s_ready"])
    assert failed.exit_code is ExitCode.FAILED_OPEN
    assert [(window.resource, window.end) for window in failed.open] == [("Server#s", None)]
    text = "\n".join(summary_text(failed))
    assert "STILL OPEN" in text
    assert "closer failed: cleanup/s_ready" in text
    assert "still open" in text


def test_exit_codes(frozen: Any, clocked: Clocked) -> None:
    times = {"begin": (0.0, 1.0), "abandon": (1.0, 2.0)}
    held = clocked(frozen, times, fails=["begin"], codes={"begin": ExitCode.LOCKED})
    assert held.exit_code is ExitCode.LOCKED
    assert clocked(frozen, times, fails=["begin"], codes={"begin": ExitCode.FAILED}).exit_code is ExitCode.FAILED
    # the first failure counts, not what followed from it
    late = clocked(frozen, times, fails=["begin", "abandon"], codes={"abandon": ExitCode.LOCKED})
    assert late.exit_code is ExitCode.FAILED
    assert clocked(frozen, times, fails=["begin"], interrupted=True).exit_code is ExitCode.INTERRUPTED
    assert clocked(frozen, ALL_WELL, interrupted=True).exit_code is ExitCode.OK


def test_the_summary_is_json(frozen: Any, clocked: Clocked) -> None:
    data = json.loads(json.dumps(clocked(frozen, ALL_WELL).to_data()))
    assert (data["exit_code"], data["started"]) == (0, "2026-01-01T00:00:00+00:00")
    assert data["windows"][0]["resource"] == "Server#s"


def test_many_failures_are_counted(clocked: Clocked) -> None:
    doc = make.calling(*[make.task(f"t{n}") for n in range(30)])
    times = {f"all/t{n}": (0.0, 1.0) for n in range(30)}
    text = "\n".join(summary_text(clocked(doc, times, fails=list(times))))
    assert text.count("told to fail") == 10
    assert "… and 20 more failed tasks" in text


def test_a_task_that_is_there_to_fail_counts_as_failed(clocked: Clocked) -> None:
    doc = make.calling(make.task("good"), make.task("stop", "std.fail", requires="good"))
    lines = list(summary_text(clocked(doc, {"all/good": (0.0, 1.0), "all/stop": (1.0, 1.0)})))
    assert lines[1:3] == ["  tasks: 1 succeeded, 1 failed, 0 skipped", "  failed: all/stop  [file.yaml:7:3]"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.25, "0.25 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
