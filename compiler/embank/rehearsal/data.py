"""A rehearsal as JSON can say it."""

from __future__ import annotations

from embank.model import Json
from embank.rehearsal.rehearse import Consequence, Rehearsal
from embank.rehearsal.world import Bracket

COURSE = ("state", "exit_code", "seconds", "failures", "critical_path", "windows")  # of the undisturbed execution


def rehearsal_data(rehearsal: Rehearsal) -> dict[str, Json]:
    """Everything. Times in seconds; docs/rehearse.md describes the keys."""
    document, summary = rehearsal.document, rehearsal.undisturbed.to_data()
    course: dict[str, Json] = {key: summary[key] for key in COURSE}
    return {
        "file": document.file,
        "sha256": document.sha256,
        "workflow": document.main,
        "operation": document.run["operation"],
        "undisturbed": {**course, "checkpoint": rehearsal.status, "recorded": rehearsal.recorded},
        "frozen": len(rehearsal.frozen),
        "faults": [_fault(each) for each in rehearsal.consequences],
    }


def _fault(consequence: Consequence) -> dict[str, Json]:
    ending = consequence.ending
    longest = None
    if ending.longest is not None:
        longest = {**_bracket(ending.longest[0]), "seconds": ending.longest[1]}
    return {
        "fault": consequence.kind.value,
        "task": consequence.task,
        "until_cancelled": ending.stuck,
        "state": ending.state,
        "exit_code": int(ending.exit_code),
        "checkpoint": ending.status,
        "recorded": ending.recorded,
        "closers": [closer.task for closer in ending.closers],
        "longest": longest,
        "frozen": [_bracket(each) for each in ending.frozen],
    }


def _bracket(bracket: Bracket) -> dict[str, Json]:
    return {
        "resource": str(bracket.resource),
        "name": bracket.name,
        "phase": bracket.phase,
        "closers": list(bracket.closers),
    }
