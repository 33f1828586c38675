"""What resume and cancel do with an execution whose runner is not at work any more: every situation."""

from __future__ import annotations

from dataclasses import fields
from itertools import product

import pytest

from embank.conductor.resuming import CHECKPOINT_FAILED
from embank.runner.interruptions import CANCEL
from embank.runner.resume import (
    Cancel,
    CompleteJournal,
    Decision,
    FinishClosers,
    GoOn,
    NothingToDo,
    RunClosersAgain,
    Situation,
    decide,
)

LEFT_OFF = Situation()
SITUATIONS = [Situation(*values) for values in product((False, True), repeat=len(fields(Situation)))]


def expected(now: Situation, cancel: bool) -> tuple[type[Decision], str]:
    """The kind of decision, and what the execution is cancelled by."""
    match (now.ended, now.is_open, now.says_so, now.closers_again):
        case (True, True, _, _):
            return RunClosersAgain, ""
        case (True, False, True, _):
            return NothingToDo, ""
        case (True, False, False, _):
            return CompleteJournal, ""
        case (False, _, _, True):
            return FinishClosers, ""
    match (cancel, now.cancel_asked, now.interrupted, now.checkpoint_failed):
        case (True, _, _, _) | (False, True, False, _):
            return Cancel, CANCEL
        case (False, _, _, True):
            return Cancel, CHECKPOINT_FAILED
    return GoOn, ""


@pytest.mark.parametrize("cancel", [False, True], ids=["resume", "cancel"])
def test_every_situation(cancel: bool) -> None:
    assert len(SITUATIONS) == 128
    for now in SITUATIONS:
        decision = decide(now, cancel=cancel)
        by = decision.by if isinstance(decision, Cancel) else ""
        assert (type(decision), by) == expected(now, cancel), now


TABLE = [
    (Situation(ended=True, is_open=True, says_so=True), RunClosersAgain(), RunClosersAgain()),
    (Situation(ended=True, says_so=True), NothingToDo(), NothingToDo()),
    (Situation(ended=True), CompleteJournal(), CompleteJournal()),
    (Situation(closers_again=True), FinishClosers(), FinishClosers()),
    (Situation(closers_again=True, interrupted=True), FinishClosers(), FinishClosers()),
    (LEFT_OFF, GoOn(), Cancel(CANCEL)),
    (Situation(interrupted=True), GoOn(), Cancel(CANCEL)),
    (Situation(interrupted=True, cancel_asked=True), GoOn(), Cancel(CANCEL)),
]


@pytest.mark.parametrize(("now", "resume", "cancel"), TABLE, ids=lambda value: str(value)[:60])
def test_the_table_of_situations(now: Situation, resume: Decision, cancel: Decision) -> None:
    assert decide(now, cancel=False) == resume
    assert decide(now, cancel=True) == cancel


def test_what_a_person_did_not_just_ask_for_is_explained() -> None:
    asked_before = decide(Situation(cancel_asked=True), cancel=False)
    failed = decide(Situation(checkpoint_failed=True), cancel=False)
    assert isinstance(asked_before, Cancel)
    assert "somebody asked to cancel it" in asked_before.why
    assert isinstance(failed, Cancel)
    assert "its checkpoint says that it has failed" in failed.why
    assert decide(Situation(cancel_asked=True, checkpoint_failed=True), cancel=True) == Cancel(CANCEL)
