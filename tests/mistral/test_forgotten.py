"""An engine that dies between two of its steps: a task that it has made is never begun. Who watches hears of it."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from embank.inputs.workflow import parse_workflow
from embank.mistral.api.client import Mistral
from embank.mistral.api.connection import connect
from embank.mistral.watching import FORGOTTEN, watch
from embank.reporting.events import Event, Message
from kit.mistral.server import Server

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("server")]
PATIENCE = 60  # s
TEXT = """\
version: '2.0'
outer:
  type: direct
  vars: {run: {provider: p, plan: p, operation: protect, checkpoint: c, execution: '<% execution().id %>'}}
  tasks:
    inside: {workflow: inner, input: {task_name: done}}
inner:
  type: reverse
  tasks:
    first: {action: std.echo, input: {output: hello}}
    done: {action: std.noop, requires: [first]}
"""
LASTING, QUICK = '"delay": 3600', '"delay": 0'  # s, of the first task; Embank itself knows no delay
SLOW = TEXT.replace("output: hello", f"output: hello, {LASTING}")


def tasks(mistral: Server, execution: str) -> dict[str, Any]:
    """All of an execution, by name."""
    frames = mistral.request("GET", f"/executions/{execution}/executions")["executions"]
    found = [task for each in frames for task in mistral.request("GET", f"/executions/{each['id']}/tasks")["tasks"]]
    return {task["name"]: task for task in found}


def states(mistral: Server, execution: str) -> dict[str, str]:
    return {name: task["state"] for name, task in tasks(mistral, execution).items()}


def wait_for(mistral: Server, execution: str, task: str, state: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while (now := states(mistral, execution)).get(task) != state:
        assert time.monotonic() < deadline, now
        time.sleep(0.1)


def forget(database: Path, task: str) -> None:
    """As if the engine had been killed when it had made the task with this id, and had not begun it. When it is begun
    after all it takes no time.
    """
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM action_executions_v2 WHERE task_execution_id = ?", (task,))
        connection.execute("UPDATE task_executions_v2 SET state = 'IDLE', started_at = NULL WHERE id = ?", (task,))
        connection.execute("UPDATE workflow_executions_v2 SET spec = replace(spec, ?, ?)", (LASTING, QUICK))


def test_a_task_that_is_never_begun_is_told_and_begun_by_a_pause(mistral: Server) -> None:
    namespace = f"test-{time.monotonic_ns()}"
    mistral.upload(SLOW, namespace)
    asked = {"workflow_name": "outer", "workflow_namespace": namespace}
    execution = mistral.request("POST", "/executions", asked)["id"]
    wait_for(mistral, execution, "first", "RUNNING")
    first = tasks(mistral, execution)["first"]["id"]
    mistral.stop(kill=True)
    forget(mistral.home / "mistral.sqlite", first)
    mistral.start()
    document = parse_workflow(TEXT.encode(), "x.yaml").value
    assert document is not None
    engine = Mistral(connect(mistral.url, None, {}))
    seen: list[Event] = []
    slept: list[float] = []
    watch(
        lambda: engine.look(execution), document, [seen.append],
        sleep=slept.append, until=lambda: sum(slept) > 2 * FORGOTTEN,
    )  # fmt: skip
    (told,) = [event.text for event in seen if isinstance(event, Message)]
    assert "inside/first" in told
    assert states(mistral, execution)["first"] == "IDLE"
    for state in ("PAUSED", "RUNNING"):
        assert f"openstack workflow execution update --state {state} {execution}" in told
        mistral.request("PUT", f"/executions/{execution}", {"state": state})
    wait_for(mistral, execution, "inside", "SUCCESS")
    assert json.dumps(states(mistral, execution)).count("SUCCESS") == 3
