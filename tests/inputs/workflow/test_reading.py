"""Workflow files that people edited: what they may do, and what the reader makes of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from embank.diagnostics import Place
from embank.document import Document, Expression, Flow, Retry
from embank.errors import InputUnreadable
from embank.inputs.workflow import parse_workflow, read_workflow

Edit = Callable[[str, str], Document]


def test_a_document_says_what_stands_in_the_file(shop: Path) -> None:
    checked = read_workflow(str(shop))
    assert checked.diagnostics == ()
    document = checked.value
    assert document is not None
    assert document.main == "shop_protect"
    assert document.file == str(shop)
    assert len(document.sha256) == 64
    assert [(spec.name, spec.flow) for spec in document.workflows.values()] == [
        ("shop_protect", Flow.DIRECT),
        ("shop_protect_activities", Flow.REVERSE),
        ("shop_protect_cleanup", Flow.REVERSE),
    ]
    assert document.run["plan"] == "shop"
    assert document.run["execution"].kind == "execution-id"
    activities = document.workflows["shop_protect_activities"]
    assert activities.input == ("run",)
    assert activities.output["done"] == Expression("task-state", "done", Place(str(shop), 54, 11))
    thaw = activities.tasks["application_shop_ready"]
    assert thaw.place == Place(str(shop), 66, 5)
    assert (thaw.action, thaw.description) == ("embank.activity", "Thaw the application.")
    assert (thaw.requires, thaw.retry, thaw.timeout) == (("sqlite_db_ready",), Retry(3, 1), 30)
    assert thaw.input["resource"] == {"type": "Local::Application", "id": "shop", "name": "vm {{ 7*7 }}"}
    assert thaw.input["run"] == Expression("variable", "run", Place(str(shop), 70, 14))
    begin = document.workflows["shop_protect"].tasks["begin"]
    assert (begin.on_success, begin.on_error, begin.on_complete) == (("activities",), ("abandon",), ())


def test_an_added_task(edited: Edit) -> None:
    added = """
    tell:  # our own
      description: Tell somebody.
      action: std.echo
      input: {output: {text: [frozen, 1]}}
      requires: application_shop_pre
      wait-before: 5
      wait-after: 0
      pause-before: true
      retry:
        delay: 0
        count: 2
    done:
      action: std.noop
      requires: [tell, application_shop_ready]"""
    document = edited(
        "\n    done:  # of the activities\n      action: std.noop\n      requires:\n        - application_shop_ready",
        added,
    )
    task = document.workflows["shop_protect_activities"].tasks["tell"]
    assert (task.action, task.input) == ("std.echo", {"output": {"text": ["frozen", 1]}})
    assert (task.requires, task.wait_before, task.wait_after, task.pause_before) == (
        ("application_shop_pre",),
        5,
        0,
        True,
    )
    assert task.retry == Retry(2, 0)
    assert document.workflows["shop_protect_activities"].tasks["done"].requires == ("tell", "application_shop_ready")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version: '2.0'", "version: 2.0"),
        ("version: '2.0'", "version: 2"),
        ("version: '2.0'", "# a comment\n---\nversion: '2.0'"),
        ("on-success: [activities]", "on-success: activities"),
        ("on-success: [activities]", "on-success:\n        - activities"),
        ("on-complete: [fail]", "on-complete: [succeed]"),
        ("on-complete: [fail]", "on-complete: [noop, fail]"),
        ("      on-complete: [fail]\n", ""),
        ("retry: {count: 3, delay: 1}", "retry: {count: 0, delay: 0}"),
        ("      timeout: 30\n", ""),
        ("action: std.noop  # of the cleanup", "action: std.fail"),
        ("action: std.noop  # of the cleanup", "action: 'std.noop'\n      timeout: 1"),
        ("  type: direct\n", ""),  # as in Mistral
        ("  description: Protect the shop.\n", ""),
        ("checkpoint: <% execution().id %>", "checkpoint: my-checkpoint"),
        ("activity: pre\n", "activity: pre\n        poll_interval: 0.5\n"),
        ("activity: pre\n", "activity: pre\n        parameters: {a: {}, '<% x %>': []}\n"),
        ("    lock: {embank: '0.1.0'}\n", ""),
        ("    lock: {embank: '0.1.0'}\n", "    concurrency: {Local::SQLite: 2}\n    ours: <% execution().id %>\n"),
        ("{type: Local::SQLite, id: db, name: db}", "{type: Local::SQLite, id: db}"),
    ],
)
def test_what_people_may_change(old: str, new: str, edited: Edit) -> None:
    assert edited(old, new).main == "shop_protect"


def test_the_order_of_the_file_means_nothing(shop: Path) -> None:
    """Workflows and tasks turned round: the same document but for places."""
    head, *workflows = shop.read_text().split("\n\n")
    turned = parse_workflow("\n\n".join([head, *reversed(workflows)]).encode(), "turned.yaml")
    assert turned.diagnostics == ()
    assert turned.value is not None
    assert turned.value.main == "shop_protect"


def test_a_literal_is_the_text_it_stands_for_at_any_depth(edited: Edit) -> None:
    parameters = (
        r"""parameters: {a: ['<% "x \u003c%\u003e" %>', {b: '<% "\u0027" %>'}], '<% "k" %>': "{{", c: '<%'}"""
    )
    document = edited("activity: pre\n", f"activity: pre\n        {parameters}\n")
    given = document.workflows["shop_protect_activities"].tasks["application_shop_pre"].input["parameters"]
    assert given == {"a": ["x <%>", {"b": "'"}], '<% "k" %>': "{{", "c": "<%"}


def test_expressions_in_data_are_expressions(edited: Edit) -> None:
    """std.echo may say what the workflow knows."""
    said = "action: std.echo\n      input: {output: [<% $.run %>, <% task(application_shop_ready).state %>]}"
    document = edited("action: std.noop  # of the cleanup", said)
    output = document.workflows["shop_protect_cleanup"].tasks["done"].input["output"]
    assert [(item.kind, item.name) for item in output] == [
        ("variable", "run"),
        ("task-state", "application_shop_ready"),
    ]


def test_deep_and_wide_files_are_read(edited: Edit) -> None:
    chain = "\n".join(f"    t{number}: {{action: std.noop, requires: [t{number + 1}]}}" for number in range(3000))
    wide = "\n".join(f"    w{number}: {{action: std.noop}}" for number in range(3000))
    names = ", ".join(f"w{number}" for number in range(3000))
    tasks = f"{chain}\n    t3000: {{action: std.noop, requires: [{names}]}}\n{wide}\n"
    start = "    done:  # of the cleanup\n      action: std.noop  # of the cleanup\n"
    done = f"{start}      requires: application_shop_ready\n"
    new = "    done: {action: std.noop, requires: [t0, application_shop_ready]}\n"
    document = edited(done, tasks + new).workflows["shop_protect_cleanup"]
    assert len(document.tasks["t3000"].requires) == 3000


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputUnreadable, match="no such file"):
        read_workflow(str(tmp_path / "none.yaml"))
    with pytest.raises(InputUnreadable, match="directory"):
        read_workflow(str(tmp_path))


def test_parameters_may_be_as_deep_as_a_plan_can_say_them(edited: Edit) -> None:
    """A plan is a mapping of parameters by type, so at most 97 levels are left for them."""
    parameters = "{a: " * 97 + "1" + "}" * 97
    document = edited("activity: pre\n", f"activity: pre\n        parameters: {parameters}\n")
    given = document.workflows["shop_protect_activities"].tasks["application_shop_pre"].input["parameters"]
    for _ in range(97):
        given = given["a"]
    assert given == 1
