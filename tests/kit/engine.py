"""A workflow in small, and tables of what an engine says of an execution."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from embank.diagnostics import Place
from embank.document import Document, Expression, Flow, TaskSpec, WorkflowSpec
from embank.mistral.api.seen import Seen, SeenAttempt, SeenTask
from embank.task_input import decode

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ID = "5c1c2f5e-7e5b-4c7e-9d38-5a6f0f4f7a01"
PLACE = Place("shop.yaml", 1, 1)
RUN = Expression("variable", "run", PLACE)

SHOP = b"""
version: '2.0'
shop:
  type: direct
  vars:
    run:
      provider: p
      plan: shop
      operation: protect
      checkpoint: <% execution().id %>
      execution: <% execution().id %>
  tasks:
    begin:
      action: embank.begin
      input: {run: <% $.run %>}
      on-success: [activities]
      on-error: [abandon]
    activities:
      workflow: body
      input: {run: <% $.run %>, task_name: done}
      timeout: 60
      on-success: [complete]
      on-error: [cleanup]
    complete:
      action: embank.complete
      input: {run: <% $.run %>, status: available}
      on-error: [cleanup]
    cleanup:
      workflow: closers
      input: {run: <% $.run %>}
      on-complete: [abandon]
    abandon:
      action: embank.complete
      input: {run: <% $.run %>, status: error}
      on-complete: [fail]
body:
  type: reverse
  input: [run]
  tasks:
    freeze:
      action: embank.activity
      input: {run: <% $.run %>, activity: pre, resource: {type: T::App, id: web, name: Web}}
    copy:
      action: embank.activity
      input: {run: <% $.run %>, activity: parallel, resource: {type: T::Disk, id: disk, name: Disk}}
      requires: [freeze]
      retry: {count: 2, delay: 1}
      timeout: 30
    thaw:
      action: embank.activity
      input: {run: <% $.run %>, activity: post, resource: {type: T::App, id: web, name: Web}}
      requires: [copy]
    done:
      action: std.noop
      requires: [thaw]
closers:
  type: direct
  input: [run]
  tasks:
    thaw:
      action: embank.cleanup
      input: {run: <% $.run %>, activity: post, closes: pre, resource: {type: T::App, id: web, name: Web}}
      timeout: 30
"""


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def look(table: str, state: str = "RUNNING", ended: float | None = None, info: str = "") -> Seen:
    """What an engine says, from lines such as "activities/copy ERROR 3-7 it says why"; without an end "3-". Lines
    with a dot in front are the attempts of the task above; of them "code 7:" before the reason is the exit code.
    """
    tasks: dict[str, SeenTask] = {}
    for line in filter(None, map(str.strip, table.splitlines())):
        first, what, span, *rest = line.split(maxsplit=3)
        start, _, end = span.partition("-")
        times = at(float(start)), at(float(end)) if end else None
        text = rest[0] if rest else ""
        if first == ".":
            code, _, reason = text.removeprefix("code ").rpartition(": ")
            attempt = SeenAttempt(what, *times, reason, int(code or 0))
            path, above = tasks.popitem()
            tasks[path] = SeenTask(
                path, above.state, above.started, above.ended, above.info, (*above.attempts, attempt)
            )
        else:
            tasks[first] = SeenTask(first, what, *times, text)
    return Seen(ID, "shop", state, START, None if ended is None else at(ended), info, tasks)


def task(name: str, action: str = "embank.activity", **fields: Any) -> TaskSpec:
    if fields.get("workflow"):
        return TaskSpec(name, PLACE, **fields)
    does, _ = decode(action, {"run": RUN, **fields.get("input", {})})
    return TaskSpec(name, PLACE, action=action, does=does, **fields)


def reverse(name: str, tasks: Sequence[TaskSpec]) -> WorkflowSpec:
    """A reverse workflow with a sink."""
    done = task("done", "std.noop", requires=tuple(each.name for each in tasks))
    return WorkflowSpec(name, Flow.REVERSE, PLACE, input=("run",), tasks={each.name: each for each in (*tasks, done)})


def bracketed(
    parts: Sequence[Sequence[TaskSpec]], closers: Sequence[TaskSpec], timeout: int | None = None
) -> Document:
    """The shape of a compiled file. A task `partN` of one part runs the part with that number; the first part is
    the body, which may time out.
    """
    given = {"run": RUN, "task_name": "done"}
    main = [
        task("begin", "embank.begin", input={"run": RUN}, on_success=("activities",), on_error=("abandon",)),
        task(
            "activities",
            workflow="part0",
            input=given,
            on_success=("complete",),
            on_error=("cleanup",),
            timeout=timeout,
        ),
        task("complete", "embank.complete", input={"run": RUN, "status": "available"}, on_error=("cleanup",)),
        task("cleanup", workflow="closers", input={"run": RUN}, on_complete=("abandon",)),
        task("abandon", "embank.complete", input={"run": RUN, "status": "error"}, on_complete=("fail",)),
    ]
    flows = [
        WorkflowSpec("main", Flow.DIRECT, PLACE, vars={"run": {"provider": "p"}}, tasks={t.name: t for t in main}),
        *(reverse(f"part{number}", tasks) for number, tasks in enumerate(parts)),
        WorkflowSpec("closers", Flow.DIRECT, PLACE, input=("run",), tasks={t.name: t for t in closers}),
    ]
    return Document("main.yaml", "0" * 64, "main", {flow.name: flow for flow in flows})
