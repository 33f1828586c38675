"""What is told of an execution in an engine while it runs: what changed between two looks."""

from __future__ import annotations

from typing import Any

from embank.document import Document
from embank.mistral.watching import Changes
from kit import engine

BEGUN = "begin SUCCESS 0-1 \n activities RUNNING 1- \n"


def told(document: Document, *looks: Any) -> list[list[str]]:
    """The events after each look, as "TaskStarted copy"."""
    changes = Changes(document)
    return [
        [f"{type(event).__name__} {event.task}" for event in changes.since(look) if hasattr(event, "task")]
        for look in looks
    ]


def test_a_join_that_waits_has_not_started(shop: Document) -> None:
    waiting, idle, running = (f"activities/thaw {state} 2-" for state in ("WAITING", "IDLE", "RUNNING"))
    looks = (engine.look(BEGUN + line) for line in (waiting, idle, running))
    assert told(shop, *looks)[1:] == [[], ["TaskStarted activities/thaw"]]


def test_a_join_that_nothing_leads_to_is_skipped(shop: Document) -> None:
    waiting = engine.look(BEGUN + "activities/thaw WAITING 2-")
    failed = engine.look(BEGUN + "activities/thaw ERROR 2-3 Failed by tasks: ['copy']")
    assert told(shop, waiting, failed)[1] == ["TaskSkipped activities/thaw"]


def test_what_is_tried_again(shop: Document) -> None:
    looks = (engine.look(f"{BEGUN}activities/copy {state} 2-") for state in ("IDLE", "DELAYED", "RUNNING", "DELAYED"))
    assert told(shop, *looks)[1:] == [["TaskStarted activities/copy"], [], ["TaskRetried activities/copy"]]
