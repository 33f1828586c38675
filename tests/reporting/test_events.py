"""The events as JSON lines: stable names, documented, one consistent story."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from embank.document import Retry
from embank.plugins import Poll
from embank.reporting import events
from embank.runner.local import execute
from kit import documents as make

DOCS = Path(__file__).resolve().parents[2] / "docs" / "events.md"
KINDS = [
    kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, events.Event) and kind not in (events.Event, events.TaskEvent)
]


def perform(job: Any, control: Any) -> Iterator[Poll]:
    yield Poll(0.0, 0.5, "half")
    control.tell("päck\x1b[31m")
    if job.input.get("fails"):
        raise RuntimeError("no")


@pytest.fixture
def lines() -> list[dict[str, Any]]:
    body = [
        make.task("ok"),
        make.task("bad", input={"fails": True}, retry=Retry(1, 0)),
        make.task("after", requires="bad"),
    ]
    stream = io.StringIO()
    execute(make.bracketed(body), perform, execution="the-execution", listeners=[events.EventWriter(stream)])
    assert stream.getvalue().isascii()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_event_and_field_is_documented() -> None:
    rows = [line for line in DOCS.read_text().splitlines() if line.startswith("| `")]
    for kind in KINDS:
        (row,) = [row for row in rows if f"`{events.event_name(kind)}`" in row.split("|")[1]]
        own = {field.name for field in fields(kind)} - {"time", "task", "execution"}
        assert [name for name in own if f"`{name}`" not in row] == []


def test_lines_tell_one_story(lines: list[dict[str, Any]]) -> None:
    assert [line["event"] for line in lines][:1] == ["execution-started"]
    assert lines[-1] | {"time": ""} == {
        "event": "execution-finished",
        "time": "",
        "execution": "the-execution",
        "state": "ERROR",
        "exit_code": 4,
    }
    assert {line["execution"] for line in lines} == {"the-execution"}
    times = [datetime.fromisoformat(line["time"]) for line in lines]
    assert times == sorted(times)
    assert all(line["time"].endswith("Z") for line in lines)

    of_bad = [line for line in lines if line.get("task") == "activities/bad"]
    assert [line["event"] for line in of_bad] == [
        "task-started", "task-polled", "message", "task-retried",
        "task-started", "task-polled", "message", "task-failed",
    ]  # fmt: skip
    assert of_bad[-1]["reason"] == "RuntimeError: no"
    assert of_bad[2]["text"] == "p\xe4ck\\x1b[31m"
    (skipped,) = [line for line in lines if line["event"] == "task-skipped" and line["task"] == "activities/after"]
    assert (skipped["cause"], skipped["runs"]) == ("activities/bad", "test.do")


def test_every_task_that_started_ended(lines: list[dict[str, Any]]) -> None:
    started = {line["task"] for line in lines if line["event"] == "task-started"}
    ended = [line["task"] for line in lines if line["event"] in ("task-succeeded", "task-failed")]
    assert started == set(ended)
    assert len(ended) == len(set(ended))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (events.TaskTimedOut, "task-timed-out"),
        (events.ExecutionStarted, "execution-started"),
        (events.Message, "message"),
    ],
)
def test_names(kind: type[events.Event], name: str) -> None:
    assert events.event_name(kind) == name
