"""What of Mistral is not supported, and keys, types and names that are wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from embank.diagnostics import Diagnostic

Refuse = Callable[[str, str], Diagnostic]
Problems = Callable[[str], tuple[Diagnostic, ...]]
LineOf = Callable[[str], int]
TIMEOUT = "      timeout: 30\n"  # a line of a task
DONE = "      requires: application_shop_ready\n"  # of the cleanup's last task


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("with-items: i in [1, 2]", "one task for each item"),
        ("publish: {x: 1}", "hand each other nothing"),
        ("publish-on-error: {x: 1}", "hand each other nothing"),
        ("join: all", "`requires`"),
        ("target: here", "no effect"),
        ("safe-rerun: true", "no effect"),
        ("fail-on: <% true %>", "std.fail"),
        ("keep-result: false", "not kept"),
        ("concurrency: 2", "vars of the main workflow"),
        ("tags: [a]", "comment"),
        ("on-success: [done]", "let the other task say `requires`"),
        ("on-error: done", "let the other task say `requires`"),
        ("on-complete: done", "let the other task say `requires`"),
        ("on-skip: [done]", "take the task out"),
    ],
)
def test_keys_of_a_task_that_are_not_supported(line: str, reason: str, refused: Refuse, line_of: LineOf) -> None:
    problem = refused(TIMEOUT, f"      {line}\n")
    assert problem.code == "EMB604"
    assert problem.message == f"task 'application_shop_ready': `{line.split(':')[0]}` is not supported"
    assert reason in problem.hint
    assert (problem.place.line, problem.place.column) == (line_of(TIMEOUT.strip()), 7)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("    begin:\n", "    begin:\n      requires: [complete]\n", "let the task before say `on-success`"),
        ("on-complete: [fail]", "on-complete: [pause]", "pause-before"),
        ("  output:\n    done: <% task(done).state %>\n", "  output-on-error: {a: 1}\n", "summary"),
        ("  description: Protect the shop.\n", "  task-defaults: {timeout: 3}\n", "in each task"),
        ("version: '2.0'\n", "version: '2.0'\ntags: [a]\n", "comment"),
        ("version: '2.0'\n", "version: '2.0'\nactions: {a: {base: std.noop}}\n", "std.noop"),
        ("retry: {count: 3, delay: 1}", "retry: {count: 3, delay: 1, break-on: <% true %>}", "conditions"),
    ],
)
def test_other_keys_that_are_not_supported(old: str, new: str, reason: str, refused: Refuse) -> None:
    problem = refused(old, new)
    assert problem.code == "EMB604"
    assert "is not supported" in problem.message
    assert reason in problem.hint


@pytest.mark.parametrize(
    ("action", "hint"),
    [
        ("std.http", "there are embank.begin"),
        ("std.ssh", "there are"),
        ("embank.activty", "did you mean 'embank.activity'?"),
        ("std.nop", "did you mean 'std.noop'?"),
        ("std.echo output='x'", "write its parameters as `input`"),
        ("<% $.run %>", "there are"),
    ],
)
def test_actions_that_are_not_supported(action: str, hint: str, refused: Refuse) -> None:
    problem = refused("action: std.noop  # of the cleanup", f'action: "{action}"')
    assert problem.code == "EMB611"
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("'{{ _.run }}'", "Jinja"),
        ("'{% raw %}'", "Jinja"),
        ("a <% $.run %>", "must be the whole value"),
        ("<% $.run %><% $.run %>", "must be the whole value"),
        ("<% $.run.plan %>", "supported are"),
        ("<% env().x %>", "supported are"),
        ("<% $.rum %>", "did you mean 'run'?"),
        ('"<% $.\\u202e %>"', "supported are"),
        ("""'<% "a\\%>b" %>'""", "supported are"),  # Mistral ends the expression in the middle
    ],
)
def test_expressions_that_are_not_supported(value: str, hint: str, refused: Refuse, line_of: LineOf) -> None:
    said = f"action: std.echo\n      input: {{output: [1, {value}]}}"
    problem = refused("action: std.noop  # of the cleanup", said)
    assert problem.code == "EMB615"
    assert hint in problem.hint
    assert "\u202e" not in problem.message
    where = line_of("action: std.noop  # of the cleanup")
    assert (problem.place.line, problem.place.column) == (where + 1, 27)


@pytest.mark.parametrize(
    ("old", "new", "code", "message", "hint"),
    [
        (TIMEOUT, "      timout: 30\n", "EMB603", "has no key 'timout'", "did you mean 'timeout'?"),
        ("  description: Protect the shop.\n", "  varz: {}\n", "EMB603", "has no key 'varz'", "did you mean 'vars'?"),
        ("count: 3, delay: 1", "count: 3, delay: 1, dela: 2", "EMB603", "has no key 'dela'", "'delay'"),
        ("count: 3, delay: 1", "count: 3", "EMB602", "has no delay", "retry needs both"),
        (TIMEOUT, "      timeout: soon\n", "EMB605", "timeout must be a whole number, not text", ""),
        (TIMEOUT, "      timeout: 1.5\n", "EMB605", "timeout must be a whole number, not the number 1.5", ""),
        (TIMEOUT, "      timeout: true\n", "EMB605", "timeout must be a whole number, not true", ""),
        (TIMEOUT, "      timeout: 0\n", "EMB605", "timeout must be at least 1", ""),
        (TIMEOUT, "      timeout: <% $.run %>\n", "EMB605", "timeout must be a whole number", "`input` only"),
        (TIMEOUT, "      timeout: 1000000001\n", "EMB621", "timeout must be at most 1000000000 seconds", "no limit"),
        ("delay: 1}", "delay: 1000000001}", "EMB621", "delay must be at most", ""),
        ("      plan: shop\n", "      plan: 2024-01-01\n", "EMB110", "read 2024-01-01 as a date", ""),
        (
            "  input: [run]\n  output",
            "  input: [run, task_name]\n  output",
            "EMB607",
            "task_name cannot be",
            "take it out",
        ),
        (TIMEOUT, "      wait-before: -1\n", "EMB605", "wait-before must be at least 0", ""),
        (TIMEOUT, "      pause-before: 1\n", "EMB605", "pause-before must be true or false", ""),
        ("retry: {count: 3, delay: 1}", "retry: count=3 delay=1", "EMB605", "retry must be keys and values", ""),
        (DONE, "      requires: {a: b}\n", "EMB605", "requires must be a list of names", ""),
        (DONE, "      requires: [application_shop_ready, 5]\n", "EMB605", "must list names, not the number 5", ""),
        ("on-complete: [fail]", "join: 2", "EMB605", "join must be text", ""),
        ("on-complete: [fail]", "join: one", "EMB605", "join must be `all`, not 'one'", ""),
        ("[activities]", "[activities: <% 1 %>]", "EMB605", "on-success must list names", "conditions"),
        (DONE, f"{DONE}      description: ''\n", "EMB606", "description is empty", "leave it out"),
        (DONE, f"{DONE}      input: {{}}\n", "EMB606", "input is empty", "leave it out"),
        (DONE, f"{DONE}      on-success:\n", "EMB604", "`on-success` is not supported", ""),
        (DONE, f"{DONE}      retry:\n", "EMB606", "retry is empty", "leave it out"),
        ("  type: direct\n", "  type: drect\n", "EMB605", "must be direct or reverse, not 'drect'", "'direct'"),
        ("version: '2.0'\n", "", "EMB602", "does not say its version", "begin with `version: '2.0'`"),
        ("version: '2.0'", "version: '3.0'", "EMB605", "the version must be '2.0'", ""),
        ("version: '2.0'\n", "version: '2.0'\nname: x\n", "EMB605", "'name' should be a workflow, not text", ""),
        ("version: '2.0'\n", "version: '2.0'\nother: []\n", "EMB605", "'other' should be a workflow", ""),
        ("action: std.noop  # of the cleanup", "workflow: ''", "EMB606", "workflow is empty", ""),
        ("      action: std.noop  # of the cleanup\n", "", "EMB602", "has no action", "std.noop does nothing"),
        (DONE, f"{DONE}    extra: 5\n", "EMB605", "task 'extra' should be keys and values, not the number 5", ""),
        (DONE, f"{DONE}    version: {{action: std.noop}}\n", "EMB607", "'version' has a meaning", "rename"),
        (DONE, f"{DONE}    9-a: {{action: std.noop}}\n", "EMB607", "'9-a' cannot be the name of a task", "ASCII"),
        (DONE, f"{DONE}    dé: {{action: std.noop}}\n", "EMB607", "'dé' cannot be the name of a task", "ASCII"),
        (DONE, f"{DONE}    {'x' * 256}: {{action: std.noop}}\n", "EMB607", "cannot be the name of a task", "255"),
    ],
)
def test_wrong_keys_types_and_names(
    old: str, new: str, code: str, message: str, hint: str, shop: Path, problems: Problems
) -> None:
    everything = problems(shop.read_text().replace(old, new))
    found = [problem for problem in everything if problem.code == code and message in problem.message]
    assert len(found) == 1, everything
    assert hint in found[0].hint
    # an added task that nothing requires is a problem of its own
    assert {problem.code for problem in everything} <= {code, "EMB613"}


def test_names_that_engines_keep_for_themselves(shop: Path, problems: Problems) -> None:
    text = shop.read_text().replace("    complete:\n", "    pause:\n").replace("[complete]", "[pause]")
    assert {problem.code for problem in problems(text)} >= {"EMB607"}
    named = shop.read_text().replace("shop_protect_cleanup", "2e0c8826-81d6-44f5-bbe5-8f46a98c5845")
    assert [problem.code for problem in problems(named)] == ["EMB607"]
    spaced = shop.read_text().replace("shop_protect_cleanup", "shop cleanup")
    assert [problem.code for problem in problems(spaced)] == ["EMB607"]
