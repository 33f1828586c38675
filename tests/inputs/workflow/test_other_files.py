"""Files of another kind, of somebody else, and full of mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from embank.diagnostics import Diagnostic

Problems = Callable[[str], tuple[Diagnostic, ...]]
TIMEOUT = "      timeout: 30\n"  # a line of a task


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("version: 1\nname: x\nprovider: local\nresources: []\n", "EMB601", "looks like a plan"),
        ("version: 1\nresources: []\n", "EMB601", "looks like a resource graph"),
        ("version: '2.0'\nworkflows: {a: {tasks: {}}}\n", "EMB601", "workbook"),
        ("version: '2.0'\n", "EMB601", "`embank compile`"),
        ("a: 1\n", "EMB601", "`embank compile`"),
        ("", "EMB109", ""),
        ("[]", "EMB111", ""),
        ("a: &x 1\n", "EMB103", ""),
        ("a: {b: 1, b: 2}\n", "EMB102", ""),
        ("\xff", "EMB111", ""),
    ],
)
def test_files_of_another_kind(text: str, code: str, hint: str, problems: Problems) -> None:
    found = problems(text)
    assert found[0].code == code
    assert hint in found[0].hint


def test_a_workflow_of_somebody_else(problems: Problems) -> None:
    """Each thing that is in the way is named; nothing is run of it."""
    text = """
version: '2.0'
create_vm:
  input: [name, flavor: m1.small]
  output: {id: <% $.vm_id %>}
  task-defaults: {retry: {count: 3, delay: 2}}
  tasks:
    create:
      action: nova.servers_create name=<% $.name %>
      publish: {vm_id: <% task().result.id %>}
      on-success: [tell: <% $.notify %>]
    tell: {action: std.email, input: {to: [a@example.com], subject: x}, join: all}
"""
    codes = {problem.code for problem in problems(text)}
    assert codes >= {"EMB604", "EMB605", "EMB611", "EMB614", "EMB615", "EMB617"}


def test_a_file_full_of_mistakes_is_not_read_to_the_end(shop: Path, problems: Problems) -> None:
    tasks = "".join(f"    t{number}: {{action: std.nop, requires: [x{number}]}}\n" for number in range(5000))
    found = problems(shop.read_text() + tasks)
    assert len(found) == 101
    assert found[-1].code == "EMB113"


def test_everything_that_is_wrong_is_said_at_once(shop: Path, problems: Problems) -> None:
    text = shop.read_text()
    for old, new in (
        (TIMEOUT, "      timout: 30\n"),
        ("[activities]", "[activites]"),
        ("operation: protect", "operation: protct"),
        ("        - sqlite_db_ready", "        - sqlite_db_redy"),
        ("status: available", "status: good"),
    ):
        text = text.replace(old, new)
    assert {problem.code for problem in problems(text)} == {"EMB603", "EMB608", "EMB614", "EMB616"}
