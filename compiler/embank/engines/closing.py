"""Closing what an execution in Mistral has left open: cancelling there runs no closers.

The cleanup workflow that was uploaded with the execution's own is run by a small workflow, under a name and in an
execution of its own, on behalf of the one that was cancelled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from embank.document import Document, TaskSpec
from embank.model import Json
from embank.outputs.quoting import scalar
from embank.run.closers_again import closers_alone

SUFFIX = "_closing"


def closing_workflow(document: Document, run: Mapping[str, Json]) -> tuple[str, str]:
    """The name and the text of a workflow that runs the closers of `document` for the execution that `run` names.

    Raises ValueError when the document has no closers.
    """
    alone = closers_alone(document)
    main = alone.workflows[alone.main]
    name = f"{document.main}{SUFFIX}"
    lines = ["version: '2.0'", f"{name}:", "  type: direct", "  vars:", "    run:"]
    lines += [f"      {key}: {scalar(value)}" for key, value in run.items()]
    lines += ["  tasks:", *(line for task in main.tasks.values() for line in _task(task))]
    return name, "\n".join(lines) + "\n"


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
