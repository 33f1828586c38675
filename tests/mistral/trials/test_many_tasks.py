"""More tasks in one workflow than Mistral gives in one list: it cuts lists at 1000, without a word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.mistral.trials.world import World

pytestmark = [pytest.mark.service, pytest.mark.nightly]
COUNT = 1010
HEAD = """
version: '2.0'
many_protect:
  type: direct
  vars:
    run:
      provider: none
      plan: many
      operation: protect
      checkpoint: <% execution().id %>
      execution: <% execution().id %>
  tasks:
"""


def test_more_than_a_thousand_tasks(world: World, tmp_path: Path) -> None:
    tasks = "".join(f"    task_{number}: {{action: std.noop}}\n" for number in range(COUNT))
    (tmp_path / "many.yaml").write_text(HEAD + tasks)
    done = world.embank(tmp_path, "submit", "many.yaml", "--watch", "--events", "events.jsonl", patience=900)
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    ended = {event["task"] for event in events if event["event"] == "task-succeeded"}
    assert len(ended) == COUNT
    id_ = events[0]["execution"]
    imported = world.embank(tmp_path, "import", id_, "--state-dir", "elsewhere")
    assert imported.returncode == 0, imported.stderr
    logs = world.embank(tmp_path, "execution", "logs", id_, "--state-dir", "elsewhere", "--json").stdout
    told = [json.loads(line) for line in logs.splitlines()]
    assert {event["task"] for event in told if event["event"] == "task-succeeded"} == ended
    shown = json.loads(world.embank(tmp_path, "execution", "show", id_, "--json", "--state-dir", "elsewhere").stdout)
    assert (shown["state"], shown["exit_code"], shown["warnings"]) == ("SUCCESS", 0, [])
