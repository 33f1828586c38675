"""The order of tasks, and which workflow runs which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from embank.diagnostics import Diagnostic

Refuse = Callable[[str, str], Diagnostic]
Problems = Callable[[str], tuple[Diagnostic, ...]]
LineOf = Callable[[str], int]
DONE = "      requires: application_shop_ready\n"  # of the cleanup's last task
BEGIN = "      on-success: [activities]\n      on-error: [abandon]\n"  # what follows it
LITERAL = r"""'<% "vm \u007b\u007b 7*7 \u007d\u007d" %>'"""


def test_a_name_that_leads_nowhere(refused: Refuse, line_of: LineOf) -> None:
    problem = refused("        - sqlite_db_ready", "        - application_shop_pre\n        - sqlite_db_redy")
    assert problem.code == "EMB608"
    assert (
        problem.message == "task 'application_shop_ready': requires names 'sqlite_db_redy', and there is no such task"
    )
    assert problem.hint == "did you mean 'sqlite_db_ready'?"
    assert (problem.place.line, problem.place.column) == (line_of("        - sqlite_db_ready") + 1, 11)


def test_direct_names_that_lead_nowhere(refused: Refuse) -> None:
    assert refused("[activities]", "[activites]").hint == "did you mean 'activities'?"
    assert refused("[complete]", "zzz").code == "EMB608"
    assert refused("on-complete: [abandon]", "on-complete: [abandon, gone]").code == "EMB608"


def test_a_state_of_a_task_that_is_not_there(refused: Refuse) -> None:
    problem = refused("<% task(done).state %>", "<% task(don).state %>")
    assert (problem.code, problem.hint) == ("EMB608", "did you mean 'done'?")


def test_a_task_that_requires_itself_or_another_one_twice(refused: Refuse, line_of: LineOf) -> None:
    problem = refused("        - sqlite_db_ready", "        - sqlite_db_ready\n        - application_shop_ready")
    assert (problem.code, "itself" in problem.message) == ("EMB610", True)
    problem = refused("        - sqlite_db_ready", "        - sqlite_db_ready\n        - sqlite_db_ready")
    assert (problem.code, "twice" in problem.message) == ("EMB610", True)
    assert problem.place.line == line_of("        - sqlite_db_ready") + 1


def test_a_circle_is_shown_whole(refused: Refuse, line_of: LineOf) -> None:
    pre = f"        resource: {{type: Local::Application, id: shop, name: {LITERAL}}}\n    sqlite_db_ready:"
    problem = refused(pre, pre.replace("\n    ", "\n      requires: application_shop_ready\n    ", 1))
    assert problem.code == "EMB609"
    circle = ["application_shop_pre", "application_shop_ready", "sqlite_db_ready", "application_shop_pre"]
    assert problem.message.endswith(" requires ".join(f"'{name}'" for name in circle))
    assert [related.place.line for related in problem.related] == [line_of("      description: Thaw"), 63]


def test_a_circle_of_direct_tasks(refused: Refuse) -> None:
    problem = refused("on-complete: [fail]", "on-complete: [cleanup]")
    assert problem.code == "EMB609"
    assert "'cleanup' is followed by 'abandon' is followed by 'cleanup'" in problem.message


def test_a_circle_of_thousands(refused: Refuse) -> None:
    tasks = "".join(f"    t{n}: {{action: std.noop, requires: t{(n + 1) % 5000}}}\n" for n in range(5000))
    problem = refused(DONE, DONE + tasks)
    assert problem.code == "EMB609"
    assert "(4900 more)" in problem.message


def test_a_join_is_reached_by_on_complete_alone(shop: Path, problems: Problems) -> None:
    """`on-success` and `on-error` exclude each other: of two ways that lead to a join one never comes."""
    text = shop.read_text().replace("on-complete: [fail]\n", "join: all\n")
    found = problems(text)
    assert [problem.code for problem in found] == ["EMB604"]
    assert "on-error leads to 'abandon', which waits with `join`" in found[0].message
    assert "use `on-complete`" in found[0].hint
    assert [problem.code for problem in problems(text.replace("on-error: [abandon]", "on-complete: [abandon]"))] == [
        "EMB618"  # the cleanup only comes when something fails
    ]


def test_a_task_that_would_never_run(refused: Refuse, line_of: LineOf) -> None:
    more = "    first: {action: std.noop}\n    second: {action: std.noop, requires: first}\n"
    problem = refused(DONE, DONE + more)
    assert (problem.code, problem.place.line) == ("EMB613", line_of(DONE) + 2)
    assert "'second'" in problem.message  # first follows from it
    assert problem.hint == "add it to the `requires` of done"


def test_a_sub_workflow_that_is_not_there(refused: Refuse) -> None:
    problem = refused("workflow: shop_protect_cleanup", "workflow: shop_protect_cleanp")
    assert (problem.code, problem.hint) == ("EMB612", "did you mean 'shop_protect_cleanup'?")


def test_workflows_that_run_themselves(refused: Refuse, shop: Path, problems: Problems) -> None:
    again = "workflow: shop_protect_activities\n      input: {run: <% $.run %>, task_name: done}"
    problem = refused("action: std.noop  # of the cleanup", again.replace("activities", "cleanup"))
    assert (problem.code, "run themselves" in problem.message) == ("EMB612", True)
    text = shop.read_text().replace("action: std.noop  # of the cleanup", again)
    back = again.replace("activities", "cleanup")
    found = problems(text.replace("done:  # of the activities\n      action: std.noop", f"done:\n      {back}"))
    assert [problem.code for problem in found] == ["EMB612"]
    assert "'shop_protect_activities' runs 'shop_protect_cleanup' runs 'shop_protect_activities'" in found[0].message


def test_one_main_workflow(refused: Refuse, shop: Path, problems: Problems) -> None:
    other = "\nother:\n  tasks:\n    t: {action: std.noop}\n"
    problem = refused(DONE, DONE + other)
    assert problem.code == "EMB617"
    assert "'shop_protect', 'other'" in problem.message
    reverse = shop.read_text().split("\n\n")
    assert {problem.code for problem in problems("\n\n".join([*reverse[:1], reverse[2]]))} == {"EMB614", "EMB617"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("        task_name: done\n      on-success", "      on-success", "needs the input task_name"),
        ("task_name: 'done'", "task_name: don", "has no task 'don'"),
        ("task_name: 'done'", "task_name: 5", "must be the name of a task"),
        ("task_name: 'done'", "task_name: done\n        more: 1", "has no input 'more'"),
        (
            "workflow: shop_protect_cleanup\n      input:\n        run: <% $.run %>\n",
            "workflow: shop_protect_cleanup\n      input:\n",
            "needs the input run",
        ),
        (
            "workflow: shop_protect_cleanup\n      input:\n        run: <% $.run %>\n",
            "workflow: shop_protect_cleanup\n      input:\n        run: 1\n",
            "run must be <% $.run %>",
        ),
    ],
)
def test_what_a_sub_workflow_is_given(old: str, new: str, message: str, refused: Refuse) -> None:
    problem = refused(old, new)
    assert problem.code in ("EMB616", "EMB608")
    assert message in problem.message


def test_a_join_that_waits_for_nothing(refused: Refuse, line_of: LineOf) -> None:
    problem = refused("    begin:\n", "    begin:\n      join: all\n")
    assert (problem.code, problem.place.line) == ("EMB618", line_of("    begin:\n") + 1)
    assert "no task leads to it" in problem.message


def test_a_join_of_tasks_that_may_come_alone(refused: Refuse) -> None:
    """In Mistral it would fail, here it would never start: whichever way the execution goes."""
    extra = "    one: {action: std.noop, on-complete: [both]}\n    two: {action: std.noop, on-complete: [both]}\n"
    both = "    both: {action: std.noop, join: all}\n"
    apart = refused(
        BEGIN,
        f"      on-success: [activities, one]\n      on-error: [abandon, two]\n{extra}{both}",
    )
    assert apart.code == "EMB618"
    assert "'one' and 'two', and one may come alone" in apart.message


def test_a_join_of_tasks_that_come_together(edited: Callable[[str, str], object]) -> None:
    extra = "    one: {action: std.noop, on-complete: [both]}\n    two: {action: std.noop, on-complete: [three]}\n"
    both = "    three: {action: std.noop, on-complete: [both]}\n    both: {action: std.noop, join: all}\n"
    edited(BEGIN, f"{BEGIN.replace('activities', 'activities, one, two')}{extra}{both}")


@pytest.mark.parametrize("name", ["n" * 209, "n" * 255])
def test_the_name_of_a_join_is_shorter(name: str, refused: Refuse) -> None:
    extra = f"    one: {{action: std.noop, on-complete: [{name}]}}\n    {name}: {{action: std.noop, join: all}}\n"
    problem = refused(BEGIN, f"{BEGIN.replace('activities', 'activities, one')}{extra}")
    assert (problem.code, problem.hint) == ("EMB607", "at most 208 characters")


def test_a_task_that_would_run_twice(refused: Refuse, line_of: LineOf) -> None:
    problem = refused(
        "      on-success: [complete]\n", "      on-success: [complete]\n      on-complete: [complete]\n"
    )
    assert (problem.code, problem.place.line) == ("EMB620", line_of("    complete:\n") + 1)
    assert "on-success of 'activities' and on-complete of 'activities' both lead to it" in problem.message


def test_a_task_that_two_ways_lead_to(refused: Refuse) -> None:
    extra = "    one: {action: std.noop, on-complete: [two]}\n    two: {action: std.noop}\n"
    problem = refused(BEGIN, f"{BEGIN.replace('activities', 'activities, one, two')}{extra}")
    assert problem.code == "EMB620"


def test_what_would_start_before_the_checkpoint_is_open(refused: Refuse, line_of: LineOf) -> None:
    problem = refused("      on-success: [complete]\n", "")
    assert (problem.code, problem.place.line) == ("EMB619", line_of("    complete:\n") - 1)
    assert "no task leads to 'complete'" in problem.message


def test_what_is_not_embanks_may_start_beside_begin(edited: Callable[[str, str], object]) -> None:
    edited("  tasks:\n    begin:\n", "  tasks:\n    tell: {action: std.echo, input: {output: hello}}\n    begin:\n")
