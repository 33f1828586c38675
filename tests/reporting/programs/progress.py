"""A program that shows progress on stderr: some activities poll, one fails, names try to break the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from embank.diagnostics import Place
from embank.document import Document, Flow, TaskSpec, WorkflowSpec
from embank.plugins import Poll
from embank.reporting.live import progress_on
from embank.runner.local import execute

PLACE = Place("f.yaml", 1, 1)
COUNT = int(sys.argv[1])


def perform(job, control) -> Iterator[Poll]:
    for number in range(4):
        yield Poll(0.1 if number < 3 else 1.0, number / 4, "[bold]half\x1b[5m")
    if job.input["number"] == 1:
        raise RuntimeError("the disk [red]is full\x1b]0;title\x07")


def activity(number: int) -> TaskSpec:
    return TaskSpec(f"t{number}", PLACE, action="embank.activity", input={"number": number}, description="Copy it.")


body = [activity(number) for number in range(COUNT)]
done = TaskSpec("done", PLACE, action="std.noop", requires=tuple(task.name for task in body))
call = TaskSpec("all", PLACE, workflow="body", input={"task_name": "done"})
document = Document(
    "f.yaml",
    "0",
    "main",
    {
        "main": WorkflowSpec("main", Flow.DIRECT, PLACE, tasks={"all": call}),
        "body": WorkflowSpec("body", Flow.REVERSE, PLACE, tasks={task.name: task for task in [*body, done]}),
    },
)
execute(document, perform, execution="e", listeners=[progress_on(sys.stderr)])
