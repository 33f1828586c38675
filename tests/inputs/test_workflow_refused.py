"""What a workflow file may not say: each mistake alone, at its line, with its code and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from embank.codes import CODES
from embank.diagnostics import Diagnostic
from embank.inputs.workflow import parse_workflow

SHOP = Path(__file__).parent / "workflows" / "shop.yaml"
PRE = "        activity: pre\n"  # a line of the first activity's input
TIMEOUT = "      timeout: 30\n"  # a line of a task
DONE = "      requires: application_shop_ready\n"  # of the cleanup's last task
LITERAL = r"""'<% "vm \u007b\u007b 7*7 \u007d\u007d" %>'"""


def check(text: str) -> tuple[Diagnostic, ...]:
    checked = parse_workflow(text.encode(), "shop.yaml")
    assert checked.value is None or not checked.diagnostics
    assert all(problem.code in CODES for problem in checked.diagnostics)
    return checked.diagnostics


Refuse = Callable[[str, str], Diagnostic]


@pytest.fixture
def refused() -> Refuse:
    """`refused("old", "new")`: the one problem of the shop's workflow with one edit."""

    def edit(old: str, new: str) -> Diagnostic:
        text = SHOP.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the file"
        problems = check(text.replace(old, new))
        assert len(problems) == 1, problems
        return problems[0]

    return edit


def line_of(text: str) -> int:
    """The line of the only place where `text` stands in the shop's workflow."""
    before, _, after = SHOP.read_text().partition(text)
    assert text not in after
    return before.count("\n") + 1


# --- what of Mistral is not supported ----------------------------------------------------------------------


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
def test_keys_of_a_task_that_are_not_supported(line: str, reason: str, refused: Refuse) -> None:
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
    ],
)
def test_expressions_that_are_not_supported(value: str, hint: str, refused: Refuse) -> None:
    said = f"action: std.echo\n      input: {{output: [1, {value}]}}"
    problem = refused("action: std.noop  # of the cleanup", said)
    assert problem.code == "EMB615"
    assert hint in problem.hint
    assert "\u202e" not in problem.message
    where = line_of("action: std.noop  # of the cleanup")
    assert (problem.place.line, problem.place.column) == (where + 1, 27)


# --- wrong keys, types and names ---------------------------------------------------------------------------


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
        (TIMEOUT, "      wait-before: -1\n", "EMB605", "wait-before must be at least 0", ""),
        (TIMEOUT, "      pause-before: 1\n", "EMB605", "pause-before must be true or false", ""),
        ("retry: {count: 3, delay: 1}", "retry: count=3 delay=1", "EMB605", "retry must be keys and values", ""),
        (DONE, "      requires: {a: b}\n", "EMB605", "requires must be a list of names", ""),
        (DONE, "      requires: [application_shop_ready, 5]\n", "EMB605", "must list names, not the number 5", ""),
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
def test_wrong_keys_types_and_names(old: str, new: str, code: str, message: str, hint: str) -> None:
    problems = check(SHOP.read_text().replace(old, new))
    found = [problem for problem in problems if problem.code == code and message in problem.message]
    assert len(found) == 1, problems
    assert hint in found[0].hint
    # an added task that nothing requires is a problem of its own
    assert {problem.code for problem in problems} <= {code, "EMB613"}


def test_names_that_engines_keep_for_themselves() -> None:
    text = SHOP.read_text().replace("    complete:\n", "    pause:\n").replace("[complete]", "[pause]")
    assert {problem.code for problem in check(text)} >= {"EMB607"}
    named = SHOP.read_text().replace("shop_protect_cleanup", "2e0c8826-81d6-44f5-bbe5-8f46a98c5845")
    assert [problem.code for problem in check(named)] == ["EMB607"]
    spaced = SHOP.read_text().replace("shop_protect_cleanup", "shop cleanup")
    assert [problem.code for problem in check(spaced)] == ["EMB607"]


# --- order ---------------------------------------------------------------------------------------------------


def test_a_name_that_leads_nowhere(refused: Refuse) -> None:
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


def test_a_task_that_requires_itself_or_another_one_twice(refused: Refuse) -> None:
    problem = refused("        - sqlite_db_ready", "        - sqlite_db_ready\n        - application_shop_ready")
    assert (problem.code, "itself" in problem.message) == ("EMB610", True)
    problem = refused("        - sqlite_db_ready", "        - sqlite_db_ready\n        - sqlite_db_ready")
    assert (problem.code, "twice" in problem.message) == ("EMB610", True)
    assert problem.place.line == line_of("        - sqlite_db_ready") + 1


def test_a_circle_is_shown_whole(refused: Refuse) -> None:
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


def test_a_task_that_would_never_run(refused: Refuse) -> None:
    more = "    first: {action: std.noop}\n    second: {action: std.noop, requires: first}\n"
    problem = refused(DONE, DONE + more)
    assert (problem.code, problem.place.line) == ("EMB613", line_of(DONE) + 2)
    assert "'second'" in problem.message  # first follows from it
    assert problem.hint == "add it to the `requires` of done"


# --- workflows -----------------------------------------------------------------------------------------------


def test_a_sub_workflow_that_is_not_there(refused: Refuse) -> None:
    problem = refused("workflow: shop_protect_cleanup", "workflow: shop_protect_cleanp")
    assert (problem.code, problem.hint) == ("EMB612", "did you mean 'shop_protect_cleanup'?")


def test_workflows_that_run_themselves(refused: Refuse) -> None:
    again = "workflow: shop_protect_activities\n      input: {run: <% $.run %>, task_name: done}"
    problem = refused("action: std.noop  # of the cleanup", again.replace("activities", "cleanup"))
    assert (problem.code, "run themselves" in problem.message) == ("EMB612", True)
    text = SHOP.read_text().replace("action: std.noop  # of the cleanup", again)
    back = again.replace("activities", "cleanup")
    problems = check(text.replace("done:  # of the activities\n      action: std.noop", f"done:\n      {back}"))
    assert [problem.code for problem in problems] == ["EMB612"]
    assert (
        "'shop_protect_activities' runs 'shop_protect_cleanup' runs 'shop_protect_activities'" in problems[0].message
    )


def test_one_main_workflow(refused: Refuse) -> None:
    other = "\nother:\n  tasks:\n    t: {action: std.noop}\n"
    problem = refused(DONE, DONE + other)
    assert problem.code == "EMB617"
    assert "'shop_protect', 'other'" in problem.message
    reverse = SHOP.read_text().split("\n\n")
    assert {problem.code for problem in check("\n\n".join([*reverse[:1], reverse[2]]))} == {"EMB614", "EMB617"}


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


# --- input of actions ------------------------------------------------------------------------------------------


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


def test_a_problem_deep_inside_an_input_has_its_own_place(refused: Refuse) -> None:
    members = "resources: [{type: T, id: a}, {type: T, id: b, parameters: 5}]"
    problem = refused("resource: {type: Local::SQLite, id: db, name: db}", members)
    line = SHOP.read_text().split("\n")[line_of("id: db, name: db") - 1]
    column = line.index("resource: ") + members.index("5") + 1
    assert (problem.place.line, problem.place.column) == (line_of("id: db, name: db"), column)


# --- run -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("      plan: shop\n", "", "run has no plan"),
        ("      plan: shop\n", "      plan: 5\n", "plan of run must be text"),
        ("      plan: shop\n", "      plan: shop\n      more: 1\n", "run has no key 'more'"),
        ("operation: protect", "operation: protct", "operation of run must be one of"),
        ("operation: protect", "operation: restore", "must be the id of a checkpoint"),
        ("      execution: <% execution().id %>", "      execution: mine", "must be <% execution().id %>"),
        ("checkpoint: <% execution().id %>", "checkpoint: <% $.lock %>", "checkpoint of run must be text"),
    ],
)
def test_a_wrong_run(old: str, new: str, message: str, refused: Refuse) -> None:
    problem = refused(old, new)
    assert problem.code == "EMB614"
    assert message in problem.message


def test_no_run_at_all() -> None:
    head, main, *others = SHOP.read_text().split("\n\n")
    start, _, tasks = main.partition("  vars:\n")
    text = "\n\n".join([head, start + "  tasks:" + tasks.partition("  tasks:")[2], *others])
    codes = [problem.code for problem in check(text)]
    assert codes.count("EMB614") == 1
    assert set(codes) == {"EMB614", "EMB615"}  # nobody knows $.run then


@pytest.mark.parametrize("limit", ["0", "two", "true", "1.5"])
def test_wrong_limits(limit: str, refused: Refuse) -> None:
    problem = refused("lock: {embank: '0.1.0'}", f"concurrency: {{Local::SQLite: {limit}}}")
    assert (problem.code, "must be a whole number from 1" in problem.message) == ("EMB605", True)


# --- other files -------------------------------------------------------------------------------------------------


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
def test_files_of_another_kind(text: str, code: str, hint: str) -> None:
    problems = check(text)
    assert problems[0].code == code
    assert hint in problems[0].hint


def test_a_workflow_of_somebody_else() -> None:
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
    codes = {problem.code for problem in check(text)}
    assert codes >= {"EMB604", "EMB605", "EMB611", "EMB614", "EMB615", "EMB617"}


def test_a_file_full_of_mistakes_is_not_read_to_the_end() -> None:
    tasks = "".join(f"    t{number}: {{action: std.nop, requires: [x{number}]}}\n" for number in range(5000))
    problems = check(SHOP.read_text() + tasks)
    assert len(problems) == 101


def test_everything_that_is_wrong_is_said_at_once() -> None:
    text = SHOP.read_text()
    for old, new in (
        (TIMEOUT, "      timout: 30\n"),
        ("[activities]", "[activites]"),
        ("operation: protect", "operation: protct"),
        ("        - sqlite_db_ready", "        - sqlite_db_redy"),
        ("status: available", "status: good"),
    ):
        text = text.replace(old, new)
    assert {problem.code for problem in check(text)} == {"EMB603", "EMB608", "EMB614", "EMB616"}
