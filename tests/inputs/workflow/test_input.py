"""What actions are given, and what the main workflow says of the execution."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from embank.diagnostics import Diagnostic

Refuse = Callable[[str, str], Diagnostic]
Problems = Callable[[str], tuple[Diagnostic, ...]]
LineOf = Callable[[str], int]
PRE = "        activity: pre\n"  # a line of the first activity's input
DONE = "      requires: application_shop_ready\n"  # of the cleanup's last task


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        (
            PRE,
            "        activity: prae\n",
            "activity must be one of pre, ready, parallel, post",
            "did you mean 'pre'?",
        ),
        (PRE, "", "needs the input activity", "add `activity:`"),
        (PRE, f"{PRE}        closes: pre\n", "embank.activity has no input 'closes'", ""),
        (PRE, f"{PRE}        activty: pre\n", "has no input 'activty'", "did you mean 'activity'?"),
        (PRE, f"{PRE}        poll_interval: 0\n", "poll_interval must be a number of seconds above 0", ""),
        (PRE, f"{PRE}        parameters: [1]\n", "parameters must be keys and values", ""),
        (PRE, f"{PRE}        resources: [{{type: T, id: x}}]\n", "says both resource and resources", ""),
        ("resource: {type: Local::SQLite, id: db, name: db}", "poll_interval: 1", "says no resource", ""),
        ("{type: Local::SQLite, id: db, name: db}", "{id: db, name: db}", "resource has no type", ""),
        ("{type: Local::SQLite, id: db, name: db}", "{type: T, id: 5}", "must have a id that is text", "quotes"),
        ("{type: Local::SQLite, id: db, name: db}", "{type: T, id: x, nam: y}", "has no key 'nam'", "'name'"),
        ("{type: Local::SQLite, id: db, name: db}", "{type: T, id: <% execution().id %>}", "id that is text", ""),
        ("{type: Local::SQLite, id: db, name: db}", "db", "resource must say type, id and name", ""),
        ("resource: {type: Local::SQLite, id: db, name: db}", "resources: []", "at least one resource", ""),
        ("resource: {type: Local::SQLite, id: db, name: db}", "resources: [{type: T}]", "resources has no id", ""),
        (
            "resource: {type: Local::SQLite, id: db, name: db}",
            "resources: [{type: T, id: x}], parameters: {a: 1}",
            "parameters of which resource?",
            "its own",
        ),
        ("status: available", "status: avialable", "status must be one of", "did you mean 'available'?"),
        ("{run: <% $.run %>, status: available}", "{status: available}", "needs the input run", ""),
        ("        closes: pre\n", "", "embank.cleanup needs the input closes", ""),
        (DONE, f"{DONE}      input: {{a: 1}}\n", "std.noop has no input 'a'", "it takes none"),
        (
            "            - [1, Local::SQLite, db, db]",
            "            - [2, Local::SQLite, db, db]",
            "cannot be read",
            "",
        ),
        ("- [1, Local::SQLite, db, db]", "- [0, Local::SQLite, db, 5]", "cannot be read", ""),
        ("            - [1, Local::SQLite, db, db]\n", "        chunk: 2\n        chunks: 2\n", "not numbered", ""),
        ("            - [1, Local::SQLite, db, db]\n", "        chunk: one\n", "chunk must be a whole number", ""),
    ],
)
def test_the_input_of_actions(old: str, new: str, message: str, hint: str, refused: Refuse) -> None:
    problem = refused(old, new)
    assert problem.code == "EMB616"
    assert message in problem.message
    assert hint in problem.hint


def test_a_problem_deep_inside_an_input_has_its_own_place(refused: Refuse, shop: Path, line_of: LineOf) -> None:
    members = "resources: [{type: T, id: a}, {type: T, id: b, parameters: 5}]"
    problem = refused("resource: {type: Local::SQLite, id: db, name: db}", members)
    line = shop.read_text().split("\n")[line_of("id: db, name: db") - 1]
    column = line.index("resource: ") + members.index("5") + 1
    assert (problem.place.line, problem.place.column) == (line_of("id: db, name: db"), column)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("      plan: shop\n", "", "run has no plan"),
        ("      plan: shop\n", "      plan: 5\n", "plan of run must be text"),
        ("      plan: shop\n", "      plan: shop\n      more: 1\n", "run has no key 'more'"),
        ("operation: protect", "operation: protct", "operation of run must be one of"),
        ("operation: protect", "operation: restore", "must be the id of a checkpoint"),
        ("      execution: <% execution().id %>", "      execution: mine", "must be <% execution().id %>"),
        ("checkpoint: <% execution().id %>", "checkpoint: [a]", "checkpoint of run must be text"),
    ],
)
def test_a_wrong_run(old: str, new: str, message: str, refused: Refuse) -> None:
    problem = refused(old, new)
    assert problem.code == "EMB614"
    assert message in problem.message


def test_no_run_at_all(shop: Path, problems: Problems) -> None:
    head, main, *others = shop.read_text().split("\n\n")
    start, _, tasks = main.partition("  vars:\n")
    text = "\n\n".join([head, start + "  tasks:" + tasks.partition("  tasks:")[2], *others])
    codes = [problem.code for problem in problems(text)]
    assert codes.count("EMB614") == 1
    assert set(codes) == {"EMB614", "EMB615"}  # nobody knows $.run then


@pytest.mark.parametrize("limit", ["0", "two", "true", "1.5"])
def test_wrong_limits(limit: str, refused: Refuse) -> None:
    problem = refused("lock: {embank: '0.1.0'}", f"concurrency: {{Local::SQLite: {limit}}}")
    assert (problem.code, "must be a whole number from 1" in problem.message) == ("EMB605", True)


def test_a_variable_made_of_another_one(refused: Refuse) -> None:
    """Neither Mistral nor the runner has a value for it: variables see the input alone."""
    problem = refused("lock: {embank: '0.1.0'}", "lock: <% $.run %>")
    assert (problem.code, problem.message) == ("EMB615", "there is no variable 'run' here")
