"""The conductor: what a document and the outcomes of its tasks lead to. Whole states, not single ones."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from embank.conductor.conductor import Conductor
from embank.conductor.protocol import Start
from embank.conductor.states import ENDED, NEXT, TaskState
from embank.document import Expression, Flow, WorkflowSpec
from kit import documents as make
from kit.stage import play


def test_the_table_has_every_state_and_all_but_the_last_lead_on() -> None:
    assert set(NEXT) == set(TaskState)
    assert {state for state, following in NEXT.items() if not following} == ENDED
    assert {state for following in NEXT.values() for state in following} == set(TaskState) - {TaskState.IDLE}


def test_everything_runs_in_order() -> None:
    # c stands first in the file and must wait; a and b are ready together: file order
    t = make.task
    played = play(make.bracketed([t("c", requires="a b"), t("a"), t("b"), t("d", requires="a")]))
    assert played.begun == ["begin", "activities/a", "activities/b", "activities/c", "activities/d", "complete"]
    assert played.state == "SUCCESS"
    assert set(played.states.values()) == {"succeeded"}


def test_a_failure_skips_its_dependents_and_nothing_else() -> None:
    t = make.task
    body = [t("a"), t("b", requires="a"), t("c", requires="b"), t("x"), t("y", requires="x"), t("z", requires="c y")]
    played = play(make.bracketed(body, [t("thaw", "embank.cleanup")]), fails=["activities/b"])
    assert played.state == "ERROR"
    assert played.states == {
        "begin": "succeeded",
        "activities": "failed",
        "activities/a": "succeeded",
        "activities/b": "failed",
        "activities/c": "skipped",
        "activities/x": "succeeded",
        "activities/y": "succeeded",
        "activities/z": "skipped",
        "cleanup": "succeeded",
        "cleanup/thaw": "succeeded",
        "abandon": "succeeded",
    }
    # one root cause, named by everything that follows from it
    assert set(played.causes.values()) == {"activities/b"}


def test_a_begin_that_fails_starts_nothing_but_abandon() -> None:
    played = play(make.bracketed([make.task("a")], [make.task("thaw")]), fails=["begin"])
    assert played.begun == ["begin", "abandon"]
    assert played.state == "ERROR"


def test_a_complete_that_fails_leads_to_cleanup() -> None:
    played = play(make.bracketed([make.task("a")], [make.task("thaw")]), fails=["complete"])
    assert played.begun == ["begin", "activities/a", "complete", "cleanup/thaw", "abandon"]
    assert played.state == "ERROR"


def test_a_closer_that_fails_does_not_keep_the_others_or_abandon_from_running() -> None:
    t = make.task
    played = play(make.bracketed([t("a")], [t("thaw1"), t("thaw2")]), fails=["activities/a", "cleanup/thaw1"])
    assert played.begun == ["begin", "activities/a", "cleanup/thaw1", "cleanup/thaw2", "abandon"]
    assert (played.state, played.states["cleanup"]) == ("ERROR", "failed")


def test_only_what_the_target_requires_runs() -> None:
    t = make.task
    played = play(make.calling(t("a"), t("b"), t("stray"), t("done", "std.noop", requires="b")))
    assert played.begun == ["all/b"]
    assert played.state == "SUCCESS"


def test_on_complete_does_not_handle_an_error_and_on_error_does() -> None:
    t = make.task
    unhandled = make.document(make.direct("main", t("a", on_complete="b"), t("b")))
    handled = make.document(make.direct("main", t("a", on_error="b", on_complete="c"), t("b"), t("c")))
    assert (play(unhandled, fails=["a"]).state, play(unhandled, fails=["a"]).begun) == ("ERROR", ["a", "b"])
    assert (play(handled, fails=["a"]).state, play(handled, fails=["a"]).begun) == ("SUCCESS", ["a", "b", "c"])


def test_noop_in_on_error_handles_an_error() -> None:
    doc = make.document(make.direct("main", make.task("a", on_error="noop")))
    assert play(doc, fails=["a"]).state == "SUCCESS"


@pytest.mark.parametrize(("command", "state"), [("fail", "ERROR"), ("succeed", "SUCCESS")])
def test_engine_commands_end_the_workflow_and_drop_what_stands_behind_them(command: str, state: str) -> None:
    t = make.task
    doc = make.document(make.direct("main", t("a", on_success=f"b {command} c"), t("b", on_success="c"), t("c")))
    played = play(doc)
    # as in Mistral: b was started before the command and runs, nothing follows it
    assert (played.begun, played.state) == (["a", "b"], state)


def test_a_task_reached_twice_runs_twice_as_in_mistral() -> None:
    t = make.task
    doc = make.document(make.direct("main", t("a", on_success="c"), t("b", on_success="c"), t("c")))
    assert play(doc).begun == ["a", "b", "c", "c"]


def test_std_actions() -> None:
    t = make.task
    body = [
        t("n", "std.noop"),
        t("e", "std.echo", requires="n"),
        t("f", "std.fail", requires="e"),
        t("x", requires="f"),
    ]
    played = play(make.calling(*body))
    assert (played.begun, played.state) == ([], "ERROR")
    assert played.causes == {"all": "all/f", "all/x": "all/f"}


def test_nested_workflows_fail_upwards_and_name_the_cause() -> None:
    t = make.task
    given = {"task_name": "done"}
    doc = make.document(
        make.direct("main", t("top", workflow="outer", input=given)),
        make.reverse("outer", t("part", workflow="inner", input=given), t("after", requires="part"), t("beside")),
        make.reverse("inner", t("a"), t("b", requires="a")),
    )
    played = play(doc, fails=["top/part/a"])
    assert played.states == {
        "top": "failed",
        "top/part": "failed",
        "top/after": "skipped",
        "top/beside": "succeeded",
        "top/part/a": "failed",
        "top/part/b": "skipped",
    }
    assert set(played.causes.values()) == {"top/part/a"}


def test_sub_workflows_are_entered_in_file_order() -> None:
    t = make.task
    given = {"task_name": "done"}
    doc = make.document(
        make.direct("main", t("top", workflow="outer", input=given)),
        make.reverse("outer", t("part", workflow="inner", input=given), t("z")),
        make.reverse("inner", t("a")),
    )
    assert play(doc).begun == ["top/part/a", "top/z"]


def test_three_thousand_levels() -> None:
    given, depth = {"task_name": "done"}, 3000
    inner = [
        make.reverse(f"w{level}", make.task("t", workflow=f"w{level + 1}", input=given)) for level in range(depth)
    ]
    doc = make.document(
        make.direct("main", make.task("t", workflow="w0", input=given)),
        *inner,
        make.reverse(f"w{depth}", make.task("a")),
    )
    played = play(doc, fails=["t/" * (depth + 1) + "a"])
    assert played.state == "ERROR"
    chain = [make.task(f"t{i}", "std.noop", requires=f"t{i - 1}" if i else "") for i in range(depth)]
    assert play(make.calling(*chain)).state == "SUCCESS"


def test_variables_reach_the_sub_workflows() -> None:
    variable = Expression("variable", "run", make.PLACE)
    doc = make.document(
        make.direct(
            "main",
            make.task("s", workflow="sub", input={"task_name": "done", "run": variable}),
            vars={"run": {"checkpoint": Expression("execution-id", "", make.PLACE)}},
        ),
        make.reverse("sub", make.task("a", input={"run": variable, "name": "<% not this %>"}), input=("run",)),
    )
    conductor = Conductor(doc, "the-id")
    (start,) = [effect for effect in conductor.start() if isinstance(effect, Start)]
    assert conductor.execution.job(start.row).input == {"run": {"checkpoint": "the-id"}, "name": "<% not this %>"}


def test_task_states_are_those_of_mistral() -> None:
    names = ["a", "b", "c", "nobody"]
    looks = {name: Expression("task-state", name, make.PLACE) for name in names}
    t = make.task
    body = [t("a", "std.noop"), t("b", "std.fail"), t("c", requires="b"), t("look", input=looks, requires="a")]
    conductor = Conductor(make.calling(*body), "e")
    (start,) = [effect for effect in conductor.start() if isinstance(effect, Start)]
    assert conductor.execution.job(start.row).input == {"a": "SUCCESS", "b": "ERROR", "c": None, "nobody": None}


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"task_name": "done"}, "needs the input 'run'"),
        ({"task_name": "done", "run": 1, "x": 2}, "has no input 'x'"),
        ({"task_name": "nobody", "run": 1}, "has no task 'nobody'"),
        ({"run": 1}, "has no task ''"),
    ],
)
def test_a_sub_workflow_that_cannot_be_called_fails_its_task(given: dict[str, Any], complaint: str) -> None:
    doc = make.document(
        make.direct("main", make.task("s", workflow="sub", input=given)),
        make.reverse("sub", make.task("a"), input=("run",)),
    )
    played = play(doc)
    assert (played.begun, played.state) == ([], "ERROR")
    assert complaint in played.conductor.state.reason[0]


def test_documents_that_could_never_end_are_refused() -> None:
    t = make.task
    given = {"task_name": "done"}
    cycle = make.document(
        make.direct("main", t("s", workflow="sub", input=given)),
        make.reverse("sub", t("a", requires="b"), t("b", requires="a"), t("done", requires="a")),
    )
    loop = make.document(make.direct("main", t("a", on_success="b"), t("b", on_success="a")))
    itself = make.document(
        make.direct("main", t("s", workflow="sub", input=given)),
        make.reverse("sub", t("a", workflow="sub")),
    )
    dangling = make.calling(t("a", requires="nobody"))
    empty = make.document(WorkflowSpec("main", Flow.DIRECT, make.PLACE))
    reverse = make.document(make.reverse("main", t("a")))
    for doc, why in [
        (cycle, "round in a circle"),
        (loop, "round in a circle"),
        (itself, "calls itself"),
        (dangling, "'nobody', which is no task"),
        (empty, "has no tasks"),
        (reverse, "must be of type direct"),
    ]:
        with pytest.raises(ValueError, match=why):
            Conductor(doc, "e")


def test_the_state_is_plain_data() -> None:
    doc = make.bracketed([make.task("a"), make.task("b", requires="a")], [make.task("thaw")])
    played = play(doc, fails=["activities/a"])
    state = asdict(played.conductor.state)
    assert json.loads(json.dumps(state)) == state
