"""What Mistral would make of a workflow. That it really does so is in tests/mistral/test_facts.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from embank.diagnostics import Diagnostic, Severity
from embank.errors import UsageError
from embank.inputs.workflow import read_workflow
from embank.review.engines import rules_for
from embank.review.mistral23 import MOST
from embank.review.mistral23_sizes import FIELD, measured

Found = Callable[..., list[tuple[Diagnostic, str]]]
LOCK = "lock: {embank: '0.1.0'}"
NOOP = "      action: std.noop  # of the cleanup\n"
RETRY = "      retry: {count: 3, delay: 1}\n"
ECHO = "      action: std.echo\n      input:\n        output: "
GOLDEN = Path(__file__).parents[1] / "outputs" / "golden"


def asking_for(name: str) -> tuple[str, str]:
    """An edit: a task between the others that asks for the state of one of them."""
    done = "    done:  # of the activities\n      action: std.noop\n      requires:\n"
    tell = f"    tell:\n      action: std.echo\n      input: {{output: [{{deep: <% task({name}).state %>}}]}}\n"
    return done, f"{tell}      requires: [sqlite_db_ready]\n{done}        - tell\n"


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.yaml")), ids=lambda file: file.stem)
def test_what_we_write_has_no_errors(file: Path) -> None:
    checked = read_workflow(str(file), rules_for("mistral:23"))
    assert checked.value is not None
    warnings = [problem.code for problem in checked.diagnostics if problem.severity is not Severity.NOTE]
    assert warnings == (["EMB653"] if "concurrency:" in file.read_text() else [])


def test_an_engine_that_is_not_known() -> None:
    with pytest.raises(UsageError, match="did you mean 'mistral:23'"):
        rules_for("mistral:32")
    with pytest.raises(UsageError, match="known are: mistral:23"):
        rules_for("argo")


@pytest.mark.parametrize("name", ["__execution", "__env", "openstack"])
def test_names_that_mistral_uses(name: str, found: Found) -> None:
    ((problem, text),) = found(LOCK, f"{name}: 1")
    assert (problem.code, problem.severity, text) == ("EMB652", Severity.ERROR, f"{name}: 1")


def test_an_input_that_mistral_hides(found: Found) -> None:
    ((problem, text),) = found(
        "  input: [run]\n  output", "  input: [run, __env]\n  output",
        "        task_name: done\n      on-success", "        task_name: done\n        __env: 1\n      on-success",
    )  # fmt: skip
    assert (problem.code, text) == ("EMB652", "__env]")


def test_limits_that_mistral_ignores(found: Found) -> None:
    ((problem, text),) = found(LOCK, "concurrency: {Local::SQLite: 2}")
    assert (problem.code, problem.severity) == ("EMB653", Severity.WARNING)
    assert text == "concurrency: {Local::SQLite: 2}"


def test_a_pause(found: Found) -> None:
    ((problem, text),) = found(RETRY, f"{RETRY}      pause-before: true\n")
    assert (problem.code, problem.severity, text) == ("EMB654", Severity.WARNING, "pause-before: true")
    assert "--state RUNNING" in problem.hint
    assert found(RETRY, f"{RETRY}      pause-before: false\n") == []


def test_retries_with_a_timeout_are_one_note(found: Found) -> None:
    other = f"{NOOP}      retry: {{count: 1, delay: 0}}\n      timeout: 5\n"
    ((problem, text),) = found(NOOP, other)
    assert (problem.code, problem.severity, text) == ("EMB654", Severity.NOTE, "timeout: 30")
    assert problem.message.startswith("2 tasks have retry and timeout")
    assert len(problem.related) == 1
    assert found(NOOP, other.replace("count: 1", "count: 0")) == []


def test_activities_without_a_timeout_are_one_note(found: Found) -> None:
    """The shop has two of them already; its tasks at the beginning and the end are not the plan's to limit."""
    ((problem, text),) = found(f"{RETRY}      timeout: 30\n", RETRY)
    assert (problem.code, problem.severity, text) == ("EMB657", Severity.NOTE, "application_shop_pre:")
    assert problem.message.startswith("3 activities have no timeout")
    assert len(problem.related) == 2
    assert "policies" in problem.hint


def test_many_tasks(found: Found) -> None:
    done = "      requires: application_shop_ready\n"
    extra = "".join(f"    more_{n}: {{action: std.noop}}\n" for n in range(MOST))
    names = ", ".join(f"more_{n}" for n in range(MOST))
    ((problem, text),) = found(done, f"      requires: [application_shop_ready, {names}]\n{extra}")
    assert (problem.code, problem.severity, text) == ("EMB655", Severity.WARNING, "shop_protect_cleanup:")
    assert "302 tasks" in problem.message


def test_false_successes_are_one_note() -> None:
    problems = read_workflow(str(GOLDEN / "parts.yaml"), rules_for("mistral:23")).diagnostics
    (problem,) = [problem for problem in problems if problem.code == "EMB656"]
    assert problem.severity is Severity.NOTE
    assert "3 workflows are of type reverse" in problem.message
    assert len(problem.related) == 2


@pytest.mark.parametrize("name", ["application_shop_pre", "sqlite_db_ready", "tell"])
def test_the_state_of_a_task_that_has_begun(name: str, found: Found) -> None:
    assert found(*asking_for(name)) == []


@pytest.mark.parametrize("name", ["application_shop_ready", "done"])
def test_the_state_of_a_task_that_may_not_have_begun(name: str, found: Found) -> None:
    ((problem, text),) = found(*asking_for(name))
    assert (problem.code, problem.severity) == ("EMB654", Severity.ERROR)
    assert text.startswith(f"<% task({name}).state %>")


def test_a_variable_that_is_the_state_of_a_task(found: Found) -> None:
    ((problem, text),) = found(LOCK, "lock: <% task(begin).state %>")
    assert (problem.code, text) == ("EMB654", "<% task(begin).state %>")


@pytest.mark.parametrize(("letter", "size"), [("x", 1), ("é", 1), ("日", 2), ("\U0001f418", 4)])
def test_how_mistral_measures(letter: str, size: int) -> None:
    assert measured({"output": letter * 2**20}) == size * 1024


def test_an_input_that_is_too_large(found: Found) -> None:
    assert found(NOOP, ECHO + "x" * (FIELD - 1) * 1024 + "\n") == []
    ((problem, text),) = found(NOOP, ECHO + "x" * (FIELD + 1) * 1024 + "\n")
    assert (problem.code, problem.severity, text) == ("EMB651", Severity.ERROR, "input:")
    assert "1,025 KiB as Mistral counts, which takes 1,024" in problem.message
    assert "Latin-1" not in problem.hint
    ((problem, text),) = found(NOOP, ECHO + "x" * (FIELD // 2 + 1) * 1024 + "日\n")
    assert "Latin-1" in problem.hint


def test_a_literal_counts_as_what_it_stands_for(found: Found) -> None:
    assert found(NOOP, ECHO + "'<% \"" + "\\u007b" * 200 * 1024 + "\" %>'\n") == []


def test_variables_that_are_too_large(found: Found) -> None:
    ((problem, text),) = found(LOCK, f"lock: {'x' * (FIELD + 1) * 1024}")
    assert (problem.code, text) == ("EMB651", "vars:")


def test_a_workflow_that_a_database_may_not_hold(found: Found) -> None:
    extra = "".join(f"    more_{n}: {{action: std.echo, input: {{output: {'x' * 2**19}}}}}\n" for n in range(33))
    ((problem, text),) = found("  tasks:\n    begin:\n", f"  tasks:\n{extra}    begin:\n")
    assert (problem.code, problem.severity, text) == ("EMB651", Severity.WARNING, "shop_protect:")
    assert "MySQL" in problem.message
