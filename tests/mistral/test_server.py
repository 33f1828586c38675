"""The server that the other tests here use."""

from __future__ import annotations

import json

import pytest

from kit.mistral.server import Server

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("server")]


def test_it_knows_the_actions_of_workflow_files(mistral: Server) -> None:
    names = {action["name"] for action in mistral.request("GET", "/actions")["actions"]}
    assert {"embank.begin", "embank.activity", "embank.cleanup", "embank.complete", "std.noop"} <= names


def test_it_executes_again_after_a_restart(mistral: Server) -> None:
    before = mistral.pid
    mistral.restart(kill=True)
    assert mistral.pid != before
    action = {"name": "std.echo", "input": json.dumps({"output": "still there"})}
    assert "still there" in mistral.request("POST", "/action_executions", action)["output"]
