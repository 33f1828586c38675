"""What the rules for Mistral rest on: it really does this, and lint refuses it or warns of it.

The workflows here are Mistral's, not Embank's: as small as they can be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError

import pytest

from embank.review.mistral23_sizes import FIELD, measured
from kit.mistral.server import Server

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("server")]

Execute = Callable[..., Any]

CIRCLE = """
version: '2.0'
circle:
  type: reverse
  tasks:
    one: {action: std.fail, requires: [two]}
    two: {action: std.fail, requires: [one]}
    done: {action: std.noop, requires: [two]}
"""
LEFT_OUT = """
version: '2.0'
left_out:
  type: reverse
  tasks:
    forgotten: {action: std.fail}
    done: {action: std.noop}
"""
LONELY = """
version: '2.0'
lonely:
  tasks:
    first: {action: std.noop, on-success: [one], on-error: [two]}
    one: {action: std.noop, on-complete: [both]}
    two: {action: std.noop, on-complete: [both]}
    both: {action: std.noop, join: all}
"""
TWICE = """
version: '2.0'
twice:
  tasks:
    first: {action: std.noop, on-success: [second], on-complete: [second]}
    second: {action: std.noop}
"""
HIDDEN = """
version: '2.0'
hidden:
  vars: {__execution: {id: mine}}
  tasks:
    one: {action: std.echo, input: {output: <% execution().id %>}}
"""
UNBORN = """
version: '2.0'
unborn:
  tasks:
    one: {action: std.echo, input: {output: <% task(two).state %>}, on-success: [two]}
    two: {action: std.noop}
"""
OTHER_VARIABLE = """
version: '2.0'
other_variable:
  vars: {a: 1, b: <% $.a %>}
  tasks:
    one: {action: std.noop}
"""
TARGET = """
version: '2.0'
target:
  tasks:
    one: {workflow: below, input: {task_name: done}}
below:
  type: reverse
  input: [task_name]
  tasks:
    done: {action: std.noop}
"""


def test_a_circle_is_a_false_success(execute: Execute) -> None:
    assert execute(CIRCLE, task_name="done")[::2] == ("SUCCESS", {})


def test_what_the_target_does_not_require_is_never_run(execute: Execute) -> None:
    assert execute(LEFT_OUT, task_name="done")[::2] == ("SUCCESS", {"done": "SUCCESS"})


def test_a_join_fails_when_one_of_its_tasks_never_comes(execute: Execute) -> None:
    ended = execute(LONELY)
    assert (ended.state, ended.tasks["both"]) == ("ERROR", "ERROR")


def test_a_task_that_is_led_to_twice_runs_twice(execute: Execute, mistral: Server) -> None:
    before = len(mistral.request("GET", "/tasks?name=second")["tasks"])
    assert execute(TWICE).state == "SUCCESS"
    assert len(mistral.request("GET", "/tasks?name=second")["tasks"]) == before + 2


@pytest.mark.parametrize("text", [HIDDEN, UNBORN, TARGET], ids=["hidden", "unborn", "target"])
def test_what_fails_when_a_task_starts(text: str, execute: Execute) -> None:
    assert execute(text).state == "ERROR"


def test_variables_know_nothing_of_each_other(execute: Execute) -> None:
    with pytest.raises(HTTPError, match="400"):
        execute(OTHER_VARIABLE)


@pytest.mark.parametrize("letter", ["x", "é", "日", "\U0001f418"])
def test_how_large_an_input_may_be(letter: str, execute: Execute) -> None:
    """To the character: Mistral takes the largest that we call small enough, and not one KiB more."""
    per_letter = max(1, (measured({"output": letter * 2**18}) - measured({"output": letter})) // 2**8)
    count = (FIELD + 1) * 1024 // per_letter
    while measured({"output": letter * count}) > FIELD:
        count -= 1
    text = "version: '2.0'\necho:\n  tasks:\n    one: {{action: std.echo, input: {{output: {0}}}}}\n"
    assert measured({"output": letter * (count + 1)}) == FIELD + 1
    assert execute(text.format(letter * count)).state == "SUCCESS"
    ended = execute(text.format(letter * (count + 1)))
    assert ended.state == "ERROR"
    assert "size limit exceeded" in ended.reason
