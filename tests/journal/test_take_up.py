"""The real runner, with real threads and a real journal: cut anywhere, another runner takes the execution up."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from embank.clock import SystemClock
from embank.document import Document, Retry
from embank.journal.directory import ExecutionDirectory, Record
from embank.journal.file import Journal, read_journal
from embank.journal.replay import replay
from embank.plugins import Poll
from embank.runner.local import Outcome, TakenUp, execute
from kit import documents as make
from kit.examples import examples

SETTINGS = examples(12)
AT = "2026-11-23T08:15:02.120031+00:00"


class Acting:
    """Performs actions: each fails as often as its input says, then ends well; `done` counts those that did."""

    def __init__(self, failed: Mapping[str, int] | None = None) -> None:
        self.lock = threading.Lock()
        self.begun: Counter[str] = Counter()
        self.failed: Counter[str] = Counter(failed or {})

    def perform(self, job: Any, control: Any) -> Iterator[Poll]:
        name = str(job.input.get("name", job.action))
        with self.lock:
            self.begun[name] += 1
        for _ in range(job.input.get("polls", 0)):
            yield Poll(after=0.0)
        control.tell("at work")
        with self.lock:
            if self.failed[name] < job.input.get("fails", 0):
                self.failed[name] += 1
                raise RuntimeError("told to fail")


@st.composite
def documents(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Tasks: what each requires, how often it fails, is tried again, is polled."""
    few = st.integers(0, 2)
    return [
        {
            "requires": sorted(draw(st.sets(st.integers(0, n - 1), max_size=2))) if n else [],
            "fails": draw(few),
            "retry": draw(few),
            "polls": draw(few),
        }
        for n in range(draw(st.integers(1, 5)))
    ]


def document(tasks: list[dict[str, Any]]) -> Document:
    body = [
        make.task(
            f"t{n}",
            requires=tuple(f"t{m}" for m in each["requires"]),
            input={"name": f"t{n}", "fails": each["fails"], "polls": each["polls"]},
            retry=Retry(each["retry"], 0) if each["retry"] else None,
        )
        for n, each in enumerate(tasks)
    ]
    return make.bracketed(body, [make.task("thaw", input={"name": "thaw"})])


def run(document: Document, acting: Acting, path: Path, taken_up: TakenUp | None = None) -> Outcome:
    written = read_journal(path) if taken_up else None
    journal = Journal(path, written=written)
    if written is None:
        journal.append(AT, "execution", {"execution": "e", "fail_fast": False})
    try:
        record = Record(journal, ExecutionDirectory(path.parent))
        return execute(document, acting.perform, execution="e", record=record, taken_up=taken_up)
    finally:
        journal.close()


def ends(outcome: Outcome) -> dict[str, str]:
    execution = outcome.execution
    return {execution.path(row): str(task) for row, task in enumerate(execution.state.task)}


@SETTINGS
@given(tasks=documents())
def test_cut_anywhere_it_ends_the_same(tasks: list[dict[str, Any]]) -> None:
    doc = document(tasks)
    with TemporaryDirectory() as directory:
        path = Path(directory) / "journal"
        undisturbed = run(doc, Acting(), path)
        lines = path.read_bytes().splitlines(keepends=True)
        entries = read_journal(path).entries
        assert entries[-1]["event"] == "finished"
        for count in range(1, len(lines) - 1):
            path.write_bytes(b"".join(lines[:count]))
            said = entries[:count]
            replayed = replay(doc, said, SystemClock())
            if replayed.finished is not None:
                continue
            ended = {entry["task"] for entry in said if entry["event"] == "succeeded"}
            failed = Counter(entry["task"].split("/")[-1] for entry in said if entry["event"] == "failed")
            acting = Acting(failed)
            outcome = run(doc, acting, path, TakenUp(replayed))
            assert ends(outcome) == ends(undisturbed), f"taken up after line {count}"
            assert outcome.exit_code is undisturbed.exit_code
            assert not {task.split("/")[-1] for task in ended} & set(acting.begun), "what had succeeded is kept"
            again = read_journal(path)
            assert (again.torn, again.damage) == (0, "")
            assert replay(doc, again.entries, SystemClock()).conductor.state == outcome.execution.state
