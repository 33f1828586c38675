"""What becomes of every task of an execution that is taken up, told before anything is done."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from embank.plaintext import plain

if TYPE_CHECKING:
    from embank.clock import SystemClock
    from embank.journal.kept import KeptExecution

SHOWN = 40  # tasks of each kind that are listed


def say_prospects(found: KeptExecution, clock: SystemClock, cancel_by: str) -> None:
    """Every task, and why it is kept, repeated, given up or still to come; of many the first ones."""
    from embank.conductor.resuming import prospects

    if found.contents.damage:
        sys.stderr.write(
            f"{plain(found.contents.damage)}. What was done after that is not known: the closers ask the checkpoint, "
            "and close what it says is open\n"
        )
        return
    if found.contents.torn:
        sys.stderr.write("the last line of the journal was torn off, and is dropped: it was not acted upon\n")
    left = found.replayed.left(clock.monotonic()).cancelled(cancel_by)
    shown: dict[str, int] = {}
    for task, verdict, why in prospects(found.replayed.conductor.execution, left):
        shown[verdict] = shown.get(verdict, 0) + 1
        if shown[verdict] <= SHOWN or verdict == "repeated":
            sys.stderr.write(f"  {verdict:<9} {plain(task)}: {plain(why)}\n")
    for verdict, count in shown.items():
        if count > SHOWN and verdict != "repeated":
            sys.stderr.write(f"  {verdict:<9} … and {count - SHOWN} more\n")
    _warn_of_what_is_open(found, clock, cancel_by)


def _warn_of_what_is_open(found: KeptExecution, clock: SystemClock, cancel_by: str) -> None:
    """Who thawed by hand what the execution had frozen must not get a backup that looks like one of one moment."""
    if cancel_by or found.replayed.interrupted_by:
        return
    windows = found.summary(clock).open
    for window in windows[:SHOWN]:
        since = (found.replayed.started + timedelta(seconds=window.start)).astimezone()
        sys.stderr.write(f"  open      {plain(window.resource)}: {window.phase} was started at {since:%H:%M:%S}\n")
    if windows:
        sys.stderr.write(
            "If somebody has closed any of that by hand since then (has thawed it, say), press Ctrl-C: what is\n"
            "saved now would not be of the same moment as what was saved before.\n"
        )
