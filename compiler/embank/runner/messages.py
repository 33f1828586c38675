"""What the runner and its workers say to each other, and the attempt that they talk about."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import NamedTuple

from embank.conductor.execution import Job
from embank.plugins import Poll


class Attempt:
    """One attempt of one task, from its begin to its end. Made by the runner, stepped by a worker."""

    __slots__ = (
        "cancelled",
        "closing",
        "given_up",
        "inbox",
        "job",
        "number",
        "pending",
        "polls",
        "row",
        "steps",
        "verdict",
        "warned",
        "worker",
    )

    def __init__(self, row: int, number: int, job: Job, inbox: SimpleQueue[Message]) -> None:
        self.row = row
        self.number = number
        self.job = job
        self.inbox = inbox
        self.steps: Iterator[Poll] | None = None
        self.worker: threading.Thread | None = None  # who is at work on it  (these three: under the pool's lock)
        self.closing = False  # its next step is to close it
        self.given_up = False  # nobody waits for it any more
        self.cancelled = False
        self.pending = False  # waits for its next poll; no worker is near it
        self.warned = False  # has had a step since it was cancelled
        self.verdict = ""  # why it fails, once it is closed
        self.polls = 0  # which of its poll timers is valid

    def tell(self, text: str) -> None:
        """Part of Control: what the activity says goes to the listeners."""
        self.inbox.put(Told(self, text))


class Stepped(NamedTuple):
    """A step ended: `outcome` is a Poll, None (the action has ended well, or is closed) or what was raised."""

    attempt: Attempt
    outcome: Poll | BaseException | None


class Told(NamedTuple):
    """An activity says something."""

    attempt: Attempt
    text: str


class Signalled(NamedTuple):
    """A signal arrived."""

    by: str


class Answered(NamedTuple):
    """A person has answered whether a paused task may go on."""

    row: int
    go_on: bool


class Polled(NamedTuple):
    """Timer: the attempt is to be polled, unless it was stepped or given up meanwhile."""

    attempt: Attempt
    polls: int


class Closing(NamedTuple):
    """Timer: the attempt should be closed by now."""

    attempt: Attempt


class Overdue(NamedTuple):
    """Timer: the attempt, whose execution was interrupted, should have come to an end by now."""

    attempt: Attempt


Message = Stepped | Told | Signalled | Answered | int  # a number is that of a signal
