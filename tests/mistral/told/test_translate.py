"""Every way in which Mistral differs from the conductor, by hand."""

from __future__ import annotations

import pytest

from embank.document import Document, Retry
from embank.inputs.workflow import parse_workflow
from embank.reporting.events import Message, TaskRetried, TaskSucceeded
from kit import engine
from kit.told import tell

WELL = """
    begin             SUCCESS 0-1
    activities        SUCCESS 1-9
    activities/freeze SUCCESS 1-3
    activities/copy   SUCCESS 3-7
    activities/thaw   SUCCESS 7-8
    activities/done   SUCCESS 8-8
    complete          SUCCESS 9-10
"""


def test_a_success(shop: Document) -> None:
    told = tell(shop, engine.look(WELL, "SUCCESS", 11))
    assert told.story == [
        "begun begin",
        "succeeded begin",
        "begun activities/freeze",
        "succeeded activities/freeze",
        "begun activities/copy",
        "succeeded activities/copy",
        "begun activities/thaw",
        "succeeded activities/thaw",
        "begun complete",
        "succeeded complete",
        "finished",
    ]
    assert told.end == ("SUCCESS", 0)
    assert [moment for moment, _, _ in told.lines] == [engine.at(s) for s in (0, 1, 1, 3, 3, 7, 7, 8, 9, 10, 11)]
    seconds = {event.task: event.seconds for event in told.events if isinstance(event, TaskSucceeded)}
    assert seconds["activities/copy"] == pytest.approx(4, abs=0.01)


def test_one_that_has_only_started(shop: Document) -> None:
    assert tell(shop, engine.look("")).lines == []


def test_one_that_is_at_work(shop: Document) -> None:
    told = tell(shop, engine.look("begin SUCCESS 0-1 \n activities RUNNING 1- \n activities/freeze RUNNING 2-"))
    assert told.story == ["begun begin", "succeeded begin", "begun activities/freeze"]
    assert told.states["activities/freeze"] == "running"
    assert told.replayed.finished is None


def test_a_failure_and_its_closers(shop: Document) -> None:
    told = tell(
        shop,
        engine.look(
            """
            begin             SUCCESS 0-1
            activities        ERROR   1-9
            activities/freeze SUCCESS 1-3
            activities/copy   ERROR   3-7 The action raised an exception
            . ERROR 3-4 first
            . ERROR 5-5 second
            . ERROR 6-7 code 7: third
            cleanup           SUCCESS 9-10
            cleanup/thaw      SUCCESS 9-10
            abandon           SUCCESS 10-11
            """,
            "ERROR",
            11,
            "Failure caused by error in tasks: activities",
        ),
    )
    assert told.story[4:] == [
        "begun activities/copy",
        "failed activities/copy: first",
        "due activities/copy",
        "begun activities/copy",
        "failed activities/copy: second",
        "due activities/copy",
        "begun activities/copy",
        "failed activities/copy: third",
        "begun cleanup/thaw",
        "succeeded cleanup/thaw",
        "begun abandon",
        "succeeded abandon",
        "finished",
    ]
    assert told.end == ("ERROR", 7), "the failure asks for that exit code"
    assert told.replayed.reporter.warnings == []
    assert [event.attempt for event in told.events if isinstance(event, TaskRetried)] == [2, 3]


def test_a_closer_that_failed_leaves_it_open(shop: Document) -> None:
    told = tell(
        shop,
        engine.look(
            """
            begin             SUCCESS 0-1
            activities        ERROR   1-9
            activities/freeze SUCCESS 1-3
            activities/copy   ERROR   3-7 no
            cleanup           ERROR 9-10
            cleanup/thaw      ERROR 9-10 Task timed out [timeout(s)=30].
            abandon           SUCCESS 10-11
            """,
            "ERROR",
            11,
        ),
    )
    assert told.end == ("ERROR", 5)
    assert "failed cleanup/thaw: timed out after 30 s" in told.story


def test_a_task_without_details_has_all_its_attempts(shop: Document) -> None:
    """Nobody asked for its attempts: that it is in error means that all of them failed."""
    table = (
        "begin SUCCESS 0-1 \n activities RUNNING 1- \n activities/freeze SUCCESS 1-3 \n activities/copy ERROR 3-7 no"
    )
    told = tell(shop, engine.look(table))
    assert told.story.count("failed activities/copy: no") == 3
    assert told.states["activities/copy"] == "failed"


def test_a_task_that_gave_up_before_its_last_attempt(shop: Document) -> None:
    table = """
        begin             SUCCESS 0-1
        activities        RUNNING 1-
        activities/freeze SUCCESS 1-3
        activities/copy   ERROR   3-7
        . ERROR 3-4 no
    """
    told = tell(shop, engine.look(table))
    assert told.states["activities/copy"] == "failed"
    assert "message activities/copy: the engine made no further attempt" in told.story


@pytest.mark.parametrize("runs_workflow", [True, False])
def test_a_retry_without_end(runs_workflow: bool) -> None:
    """People write that; nobody wants a million lines of what the engine did not do."""
    given = {"run": engine.RUN, "task_name": "done"}
    runs = {"workflow": "part1", "input": given} if runs_workflow else {}
    body = [engine.task("copy", retry=Retry(1_000_000, 60), **runs)]
    document = engine.bracketed([body, [engine.task("inner")]], [engine.task("close", "embank.cleanup")])
    told = tell(
        document,
        engine.look(
            """
            begin                 SUCCESS 0-1
            activities            ERROR 1-5
            activities/copy       ERROR 1-5 no
            activities/copy/inner ERROR 1-5 no
            cleanup               SUCCESS 5-6
            cleanup/close         SUCCESS 5-6
            abandon               SUCCESS 6-7
            """,
            "ERROR",
            7,
        ),
    )
    assert len(told.lines) < 200
    assert told.states["activities"] == "failed"
    assert told.states["cleanup/close"] == "succeeded"
    assert "message activities/copy: the engine says ERROR: no" in told.story
    assert told.end == ("ERROR", 4)


class TestTimeouts:
    """Mistral fails a task that took too long, and lets its action, or its workflow, go on."""

    def test_an_action(self, shop: Document) -> None:
        told = tell(
            shop,
            engine.look(
                """
                begin             SUCCESS 0-1
                activities        RUNNING 1-
                activities/freeze SUCCESS 1-3
                activities/copy   SUCCESS 3-80
                . SUCCESS 3-60
                . RUNNING 34-
                . SUCCESS 65-80
                """
            ),
        )
        assert told.story[4:] == [
            "begun activities/copy",
            "failed activities/copy: timed out after 30 s",
            "message activities/copy: its action went on after the task had failed, and ended with SUCCESS",
            "due activities/copy",
            "begun activities/copy",
            "failed activities/copy: timed out after 30 s",
            "message activities/copy: its action goes on in the engine, although the task has failed",
            "due activities/copy",
            "begun activities/copy",
            "succeeded activities/copy",
        ]

    def test_the_result_of_an_attempt_that_had_timed_out(self, shop: Document) -> None:
        """Mistral takes the late result of the first attempt for that of the task, while the second one runs."""
        told = tell(
            shop,
            engine.look(
                """
                begin             SUCCESS 0-1
                activities        RUNNING 1-
                activities/freeze SUCCESS 1-3
                activities/copy   SUCCESS 3-40
                . SUCCESS 3-40
                . RUNNING 34-
                """
            ),
        )
        assert told.states["activities/copy"] == "succeeded"
        assert told.story[-1] == "succeeded activities/copy"
        assert told.lines[-1][0] == engine.at(40)

    def test_an_action_that_failed_afterwards(self, shop: Document) -> None:
        """Executors give an action up some time after its task has timed out."""
        table = "begin SUCCESS 0-1 \n activities ERROR 1-40 \n activities/freeze SUCCESS 1-3 \n"
        table += "activities/copy ERROR 3-33 Task timed out [timeout(s)=30]. \n . ERROR 3-36 Timeout after 30 seconds"
        told = tell(shop, engine.look(table))
        assert told.story[5] == "failed activities/copy: timed out after 30 s"
        assert told.lines[5][0] == engine.at(33)
        text = "its action went on after the task had failed, and ended with ERROR: Timeout after 30 seconds"
        assert f"message activities/copy: {text}" in told.story

    def test_a_workflow_whose_tasks_go_on(self, shop: Document) -> None:
        told = tell(
            shop,
            engine.look(
                """
                begin             SUCCESS 0-1
                activities        ERROR   1-61 Task timed out [timeout(s)=60].
                activities/freeze SUCCESS 1-3
                activities/copy   SUCCESS 3-70
                activities/thaw   RUNNING 70-
                cleanup           SUCCESS 61-63
                cleanup/thaw      SUCCESS 61-63
                abandon           SUCCESS 63-64
                """,
                "ERROR",
                64,
            ),
        )
        assert "failed activities: timed out after 60 s" in told.story
        assert told.story.index("begun cleanup/thaw") < told.story.index("succeeded activities/copy")
        assert told.states["activities/copy"] == "succeeded"
        assert told.states["activities/thaw"] == "running"
        assert told.end == ("ERROR", 4)
        assert told.replayed.reporter.warnings == [
            "still at work in the engine, although the execution has ended: activities/thaw"
        ]

    def test_a_workflow_whose_tasks_all_succeeded(self, shop: Document) -> None:
        """By clocks that differ, the last task ended before the workflow timed out."""
        told = tell(
            shop,
            engine.look(
                """
                begin             SUCCESS 0-1
                activities        ERROR   1-61 Task timed out [timeout(s)=60].
                activities/freeze SUCCESS 1-3
                activities/copy   SUCCESS 3-7
                activities/thaw   SUCCESS 7-60
                activities/done   SUCCESS 60-60
                """
            ),
        )
        assert told.states["activities"] == "failed"
        assert told.states["activities/thaw"] == "succeeded"
        assert told.states["cleanup/thaw"] == "ready"


class TestFalseSuccess:
    """The three ways of docs/field-notes.md, 1; all of them are exit 4, or 5 when something is open."""

    def test_tasks_never_ran(self, shop: Document) -> None:
        told = tell(
            shop, engine.look("begin SUCCESS 0-1 \n activities SUCCESS 1-2 \n complete SUCCESS 2-3", "SUCCESS", 3)
        )
        assert told.end == ("ERROR", 4)
        (warning,) = told.replayed.reporter.warnings
        assert warning == (
            "the engine says SUCCESS, but activities/freeze (never run), activities/copy (never run), activities/thaw"
            " (never run), activities/done (never run) did not succeed"
        )
        assert told.states["complete"] == "succeeded"
        assert told.states["activities/freeze"] == "ready", "it was never begun"

    def test_nothing_ran_at_all(self, shop: Document) -> None:
        told = tell(shop, engine.look("", "SUCCESS", 3))
        (warning,) = told.replayed.reporter.warnings
        assert warning.count("(never run)") == 7
        assert told.story == [f"warning: {warning}", "finished"]
        assert told.end == ("ERROR", 4)

    def test_only_the_target_never_ran(self, shop: Document) -> None:
        table = WELL.replace("activities/done   SUCCESS 8-8", "")
        assert tell(shop, engine.look(table, "SUCCESS", 11)).end == ("ERROR", 4)

    def test_a_task_was_skipped_by_hand(self, shop: Document) -> None:
        """What requires it never runs, and Mistral calls that SUCCESS."""
        told = tell(
            shop,
            engine.look(
                """
                begin             SUCCESS 0-1
                activities        SUCCESS 1-9
                activities/freeze SUCCESS 1-3
                activities/copy   SKIPPED 3-
                . ERROR 3-4 no
                complete          SUCCESS 9-10
                """,
                "SUCCESS",
                10,
            ),
        )
        assert "failed activities/copy: skipped by hand in the engine: it was not done: no" in told.story
        assert told.states["activities/thaw"] == "skipped"
        assert told.states["complete"] == "succeeded"
        assert told.end == ("ERROR", 5), "nothing has thawed what was frozen"


class TestErrorsOfTheEngine:
    """The whole execution fails at once."""

    def test_by_its_structure_while_tasks_run(self, shop: Document) -> None:
        told = tell(
            shop,
            engine.look(
                "begin SUCCESS 0-1 \n activities RUNNING 1- \n activities/freeze RUNNING 1-",
                "ERROR",
                2,
                "Failed to find action [action_name=embank.activity]",
            ),
        )
        assert told.states["activities/freeze"] == "running"
        assert told.replayed.reporter.warnings == [
            "still at work in the engine, although the execution has ended: activities/freeze",
            "the engine has given the execution up: Failed to find action [action_name=embank.activity]",
        ]
        assert told.end == ("ERROR", 5), "it may be frozen"

    def test_a_workflow_that_did_not_even_open(self, shop: Document) -> None:
        told = tell(
            shop,
            engine.look(
                "begin SUCCESS 0-1 \n activities ERROR 1-2 No such workflow \n abandon SUCCESS 2-3 \n"
                "cleanup SUCCESS 2-2 \n cleanup/thaw SUCCESS 2-2",
                "ERROR",
                3,
            ),
        )
        assert "failed activities: No such workflow" in told.story
        assert told.states["abandon"] == "succeeded"
        assert told.end == ("ERROR", 4)

    def test_an_output_that_could_not_be_made(self, shop: Document) -> None:
        """All tasks of a workflow succeeded, and it failed."""
        table = WELL.replace("SUCCESS 1-9", "ERROR 1-9 Output is too long").replace("complete          SUCCESS", "")
        table = table.replace(" 9-10", "")
        told = tell(shop, engine.look(table))
        assert told.states["activities"] == "failed"
        assert told.states["activities/thaw"] == "succeeded"
        assert "failed activities: Output is too long" in told.story


class TestCancelled:
    """Mistral starts nothing more, runs no closers, and lets actions go on."""

    TABLE = """
        begin             SUCCESS   0-1
        activities        CANCELLED 1-5 cancelled
        activities/freeze SUCCESS   1-3
        activities/copy   {}
    """

    def test_while_an_action_goes_on(self, shop: Document) -> None:
        told = tell(shop, engine.look(self.TABLE.format("RUNNING 3-"), "CANCELLED", 5))
        assert told.story[5] == "cancelled"
        assert told.states["activities/copy"] == "running"
        assert told.states["activities/thaw"] == "skipped"
        assert told.states["cleanup/thaw"] == "ready", "it has not run"
        assert told.end == ("ERROR", 5), "it is frozen"

    def test_an_action_that_ended_later(self, shop: Document) -> None:
        told = tell(shop, engine.look(self.TABLE.format("SUCCESS 3-9"), "CANCELLED", 5))
        assert told.story[5:7] == ["cancelled", "succeeded activities/copy"]
        assert told.states["activities/thaw"] == "skipped"

    def test_the_closers_ran_afterwards(self, shop: Document) -> None:
        """As `embank cancel` has it done: their time is that of another execution."""
        table = self.TABLE.format("SUCCESS 3-9")
        table += "cleanup SUCCESS 10-12 \n cleanup/thaw SUCCESS 10-12 \n abandon SUCCESS 12-13"
        told = tell(shop, engine.look(table, "CANCELLED", 13))
        assert told.story[5:] == [
            "cancelled",
            "succeeded activities/copy",
            "begun cleanup/thaw",
            "succeeded cleanup/thaw",
            "begun abandon",
            "succeeded abandon",
            "finished",
        ]
        assert told.end == ("ERROR", 130)
        assert told.replayed.reporter.warnings == []

    def test_a_task_that_was_cancelled_with_it(self, shop: Document) -> None:
        told = tell(shop, engine.look(self.TABLE.format("CANCELLED 3-5"), "CANCELLED", 5))
        assert told.story.index("cancelled") < told.story.index("failed activities/copy: cancelled in the engine")
        assert "due activities/copy" not in told.story, "it is not tried again"

    def test_mistral_goes_on_with_retries(self, shop: Document) -> None:
        """No runner would: so the journal says later than it was that it was cancelled."""
        table = self.TABLE.format("DELAYED 3- Delayed by 'retry' policy [delay=1]")
        told = tell(shop, engine.look(f"{table} \n . ERROR 3-4 no \n . ERROR 8-9 again", "CANCELLED", 5))
        assert told.story.index("begun activities/copy") < told.story.index("cancelled")
        assert told.story.count("begun activities/copy") == 2
        assert told.states["activities/copy"] == "failed"
        assert told.replayed.reporter.warnings == [
            "still at work in the engine, although the execution has ended: activities/copy"
        ]

    def test_before_anything_was_done(self, shop: Document) -> None:
        told = tell(shop, engine.look("begin IDLE 0-", "CANCELLED", 1))
        assert told.story == ["cancelled", "finished"]
        assert told.end == ("ERROR", 130)


class TestByHand:
    """What people do in Mistral."""

    def test_a_task_was_run_again(self, shop: Document) -> None:
        table = WELL.replace("freeze SUCCESS 1-3", "freeze SUCCESS 1-3 \n . ERROR 1-1 no \n . SUCCESS 2-3")
        told = tell(shop, engine.look(table, "SUCCESS", 11))
        assert told.end == ("SUCCESS", 0)
        text = "an earlier attempt failed, and it was run again by hand: no"
        assert f"message activities/freeze: {text}" in told.story

    def test_the_closers_had_run_before_that(self, shop: Document) -> None:
        """No journal can say that all went well and the closers ran: it is told."""
        table = WELL + "cleanup SUCCESS 4-5 \n cleanup/thaw SUCCESS 4-5"
        told = tell(shop, engine.look(table, "SUCCESS", 11))
        assert told.end == ("SUCCESS", 0)
        assert "message begin: the engine says of its task 'cleanup/thaw': SUCCESS" in told.story

    def test_it_was_paused(self, shop: Document) -> None:
        told = tell(shop, engine.look("begin SUCCESS 0-1", "PAUSED"))
        assert told.replayed.reporter.warnings == [
            "the execution is paused in the engine: it waits for somebody to let it go on"
        ]
        assert told.end is None


class TestPolicies:
    """What Mistral calls DELAYED and IDLE."""

    @pytest.fixture
    def policies(self) -> Document:
        tasks = [
            engine.task("early", wait_before=5),
            engine.task("late", wait_after=5),
            engine.task("again", retry=Retry(1, 5)),
            engine.task("asks", pause_before=True),
        ]
        document: Document = engine.bracketed([tasks], [engine.task("close", "embank.cleanup")])
        return document

    def test_in_the_middle(self, policies: Document) -> None:
        told = tell(
            policies,
            engine.look(
                """
                begin            SUCCESS 0-0
                activities       PAUSED 0-
                activities/early DELAYED 1- Delayed by 'wait-before' policy [delay=5]
                activities/late  DELAYED 1- Delayed by 'wait-after' policy [delay=5]
                . SUCCESS 1-2
                activities/again DELAYED 1- Delayed by 'retry' policy [delay=5]
                . ERROR 1-3 no
                activities/asks  IDLE 0-
                """,
                "PAUSED",
            ),
        )
        inner = {path.partition("/")[2]: state for path, state in told.states.items()}
        assert (inner["early"], inner["late"], inner["again"], inner["asks"]) == (
            "delayed",
            "ending",
            "delayed",
            "paused",
        )
        assert not [event for event in told.events if isinstance(event, Message) and event.task]

    def test_attempts_that_were_looked_at_later_than_their_tasks(self, policies: Document) -> None:
        told = tell(
            policies,
            engine.look(
                """
                begin            SUCCESS 0-0
                activities       RUNNING 0-
                activities/early DELAYED 1- Delayed by 'wait-before' policy [delay=5]
                . RUNNING 6-
                activities/again DELAYED 1- Delayed by 'retry' policy [delay=5]
                . ERROR 1-3 no
                . RUNNING 8-
                activities/asks  SUCCESS 0-1
                """
            ),
        )
        assert told.states["activities/early"] == "running"
        assert told.states["activities/again"] == "running"

    def test_at_the_end(self, policies: Document) -> None:
        told = tell(
            policies,
            engine.look(
                """
                begin            SUCCESS 0-0
                activities       SUCCESS 0-10
                activities/early SUCCESS 1-7
                . SUCCESS 6-7
                activities/late  SUCCESS 1-7
                . SUCCESS 1-2
                activities/again SUCCESS 1-9
                . ERROR 1-3 no
                . SUCCESS 8-9
                activities/asks  SUCCESS 5-6
                activities/done  SUCCESS 10-10
                complete         SUCCESS 10-10
                """,
                "SUCCESS",
                10,
            ),
        )
        assert told.end == ("SUCCESS", 0)
        assert {"confirmed activities/asks", "due activities/early", "due activities/late"} <= set(told.story)


def test_times_that_contradict_the_order(shop: Document) -> None:
    """By another clock, what comes later ended earlier."""
    table = WELL.replace("freeze SUCCESS 1-3", "freeze SUCCESS 5-6").replace(
        "begin             SUCCESS 0-1", "begin SUCCESS 3-4"
    )
    told = tell(shop, engine.look(table, "SUCCESS", 2))
    assert told.end == ("SUCCESS", 0)
    assert told.story[2:5] == ["begun activities/freeze", "succeeded activities/freeze", "begun activities/copy"]


def test_what_the_workflow_does_not_have(shop: Document) -> None:
    told = tell(shop, engine.look(WELL + "other SUCCESS 1-2 \n activities/copy/x ERROR 1-2 odd", "SUCCESS", 11))
    assert "message begin: the engine says of its task 'other': SUCCESS" in told.story
    assert "message activities/copy: the engine says of its task 'activities/copy/x': ERROR: odd" in told.story


def test_texts_cannot_act_on_a_terminal(shop: Document) -> None:
    table = "begin SUCCESS 0-1 \n activities RUNNING 1- \n activities/freeze ERROR 1-2 \x1b[31mred"
    assert not any("\x1b" in text for text in tell(shop, engine.look(table)).story)


def test_a_thousand_tasks_that_ran_apart_are_not_all_named(shop: Document) -> None:
    table = "\n".join(f"odd{number} SUCCESS 1-2" for number in range(1000))
    told = tell(shop, engine.look(table, "SUCCESS", 11))
    assert len(told.replayed.reporter.warnings[0]) < 500
    assert len([line for line in told.story if "odd" in line]) == 1000


def test_a_timeout_below_is_none_of_the_workflow(shop: Document) -> None:
    """What Mistral says of the workflow quotes what it says of the task."""
    table = """
        begin             SUCCESS 0-1
        activities        ERROR   1-40 Failure caused by error in tasks: copy · copy -> Task timed out
        activities/freeze SUCCESS 1-3
        activities/copy   ERROR   3-39 Task timed out [timeout(s)=30].
        .                 ERROR   3-4 no
        .                 ERROR   5-6 no
        .                 RUNNING 9-
        """
    told = tell(shop, engine.look(table))
    assert "failed activities/copy: timed out after 30 s" in told.story
    assert not any(line.startswith("failed activities:") for line in told.story)
    assert told.states["activities"] == "failed"


def test_a_join_that_nothing_leads_to_is_no_surprise() -> None:
    """Mistral knows it from the first task on that leads to it, and lets it fail when one never will."""
    source = engine.SHOP.replace(b", task_name: done", b"").replace(b"type: reverse", b"type: direct")
    source = source.replace(
        b"id: web, name: Web}}\n    copy", b"id: web, name: Web}}\n      on-success: [thaw]\n    copy"
    )
    source = source.replace(b"requires: [freeze]", b"on-success: [thaw]").replace(b"requires: [copy]", b"join: all")
    source = source.replace(b"    done:\n      action: std.noop\n      requires: [thaw]\n", b"")
    document = parse_workflow(source, "direct.yaml").value
    assert document is not None
    table = """
        begin             SUCCESS 0-1
        activities        ERROR   1-9 Failure caused by error in tasks: copy, thaw
        activities/freeze SUCCESS 1-3
        activities/copy   ERROR   1-3 no
        activities/thaw   ERROR   2-4 Failed by tasks: ['copy']
        cleanup           SUCCESS 9-10
        cleanup/thaw      SUCCESS 9-10
        abandon           SUCCESS 10-11
        """
    told = tell(document, engine.look(table, "ERROR", 11))
    assert not any("activities/thaw" in line for line in told.story)
    assert told.replayed.reporter.warnings == []
