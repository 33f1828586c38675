"""Closing what an execution in Mistral has left open: cancelling there runs no closers.

The cleanup workflow that was uploaded with the execution's own is run by a small workflow, under a name and in an
execution of its own, on behalf of the one that was cancelled (decision MISTRAL-1).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from embank.document import Complete, Document, TaskSpec
from embank.expressions import resolve
from embank.journal.closers_again import closers_alone
from embank.mistral.api.seen import Seen
from embank.model import Json
from embank.outputs.quoting import scalar
from embank.task_parameters import FAILED


def closing_workflow(document: Document, execution: str) -> tuple[str, str]:
    """The name and the text of a workflow that runs the closers of `document`, and then what follows them, for an
    execution. Without closers it only says that the execution failed. Raises ValueError when not even that is there.
    """
    main = document.workflows[document.main]
    try:
        tasks = closers_alone(document).workflows[document.main].tasks
    except ValueError:
        tasks = {name: task for name, task in main.tasks.items() if _abandons(task)}
        if not tasks:
            raise
    name = f"{document.main}_closing_{UUID(execution).hex}"  # client.CLOSING
    lines = ["version: '2.0'", f"{name}:", "  type: direct", "  vars:", "    run:"]
    lines += [f"      {key}: {scalar(value)}" for key, value in _run(document, execution).items()]
    lines += ["  tasks:", *(line for task in tasks.values() for line in _task(task))]
    return name, "\n".join(lines) + "\n"


def with_closers(seen: Seen, closing: Seen) -> Seen:
    """What was seen of an execution, with the closers that ran for it afterwards in the places where they belong."""
    return replace(seen, ended=closing.ended, tasks={**seen.tasks, **closing.tasks})


def _abandons(task: TaskSpec) -> bool:
    """Whether it says that the execution failed."""
    return isinstance(task.does, Complete) and task.does.status == FAILED


def _run(document: Document, execution: str) -> Mapping[str, Json]:
    """The `run` of the main workflow as the execution has it."""
    run: Mapping[str, Json] = resolve(document.run, lambda expression: execution)
    return run


def _task(task: TaskSpec) -> list[str]:
    runs = f"workflow: {task.workflow}" if task.workflow else f"action: {task.action}"
    lines = [f"    {task.name}:", f"      {runs}", "      input:", "        run: <% $.run %>"]
    lines += [f"        {key}: {json.dumps(value)}" for key, value in task.input.items() if key != "run"]
    for key in ("on_success", "on_error", "on_complete"):
        if names := getattr(task, key):
            lines.append(f"      {key.replace('_', '-')}: [{', '.join(names)}]")
    if task.join:
        lines.append("      join: all")
    return lines
