"""The life of an attempt, as a table (decision RUN-8).

              ┌──── due ────┐
    begin ──► stepping ─poll─► pending
                  │ interrupt     │ interrupt
                  ▼               ▼
              interrupted ─poll─► last step

Each of these is closed when it is wanted no longer: it timed out, had its last step, or was to have come to an end
by now. From `closing`, and from everything that a worker is at, it goes on to one of

    ended       a worker has come back from it for the last time: the action has ended, well or not, or is closed
    abandoned   a worker is stuck in it, and nobody waits for that worker any more

The attempt belongs to the runner's thread. Its Work is what a worker sees of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

from embank.conductor.execution import Job
from embank.plugins import Poll


class AttemptState(StrEnum):
    """Where an attempt stands."""

    STEPPING = "stepping"  # a worker does a step of it, or will
    PENDING = "pending"  # it waits for its next poll; no worker is near it
    INTERRUPTED = "interrupted"  # the execution was cancelled during the step
    LAST_STEP = "last step"  # asked once more since then: it may clean up before it is closed
    CLOSING = "closing"  # a worker closes it, or will
    ENDED = "ended"
    ABANDONED = "abandoned"


class Event(StrEnum):
    """What happens to an attempt."""

    POLL = "poll"  # a worker has come back from a step, and there is more to come
    END = "end"  # a worker has come back for the last time
    DUE = "due"  # it is time for its next poll
    INTERRUPT = "interrupt"  # the execution is cancelled
    CLOSE = "close"  # it is wanted no longer, and no worker is in the middle of it
    STUCK = "stuck"  # it is wanted no longer, and a worker is in the middle of it


STEPPING, PENDING, INTERRUPTED = AttemptState.STEPPING, AttemptState.PENDING, AttemptState.INTERRUPTED
LAST_STEP, CLOSING = AttemptState.LAST_STEP, AttemptState.CLOSING
ENDED, ABANDONED = AttemptState.ENDED, AttemptState.ABANDONED
POLL, END, DUE, INTERRUPT, CLOSE, STUCK = Event

# From each state, what can happen, and where that leads. A poll while it is closing is that of a step which had just
# ended when it was to be closed.
NEXT: Mapping[AttemptState, Mapping[Event, AttemptState]] = {
    STEPPING: {POLL: PENDING, END: ENDED, INTERRUPT: INTERRUPTED, CLOSE: CLOSING, STUCK: ABANDONED},
    PENDING: {DUE: STEPPING, INTERRUPT: LAST_STEP, CLOSE: CLOSING},
    INTERRUPTED: {POLL: LAST_STEP, END: ENDED, CLOSE: CLOSING, STUCK: ABANDONED},
    LAST_STEP: {POLL: CLOSING, END: ENDED, CLOSE: CLOSING, STUCK: ABANDONED},
    CLOSING: {POLL: CLOSING, END: ENDED, INTERRUPT: CLOSING, STUCK: ABANDONED},
    ENDED: {},
    ABANDONED: {},
}


class Work:
    """What a worker has of an attempt: its action, step by step. It is the Control of that action, too.

    `cancelled` is set by the runner, and read by the action. The last three belong to the pool, under its lock.
    """

    __slots__ = ("abandoned", "at_work", "cancelled", "closing", "job", "steps", "tell")

    def __init__(self, job: Job, tell: Callable[[str], None]) -> None:
        self.job = job
        self.tell = tell  # what the action says goes to the listeners
        self.steps: Iterator[Poll] | None = None
        self.cancelled = False  # the action should come to an end
        self.at_work = False  # a worker is in the middle of a step
        self.closing = False  # the next step is to close it
        self.abandoned = False  # nobody waits for the worker


class Attempt:
    """One attempt of one task, from its begin to its end."""

    __slots__ = ("_state", "row", "verdict", "work")

    def __init__(self, row: int, work: Work) -> None:
        self.row = row
        self.work = work
        self.verdict = ""  # why it fails, once it is closed
        self._state = STEPPING

    @property
    def state(self) -> AttemptState:
        """Where it stands."""
        return self._state

    def heeds(self, event: Event) -> bool:
        """Whether this can happen to it now. What a timer was for may be over."""
        return event in NEXT[self._state]

    def advance(self, event: Event) -> AttemptState:
        """Take in an event: where it stands now. Raises ValueError for one that cannot happen now."""
        if event not in NEXT[self._state]:
            raise ValueError(f"{event!r} cannot happen to an attempt that is {self._state}")
        self._state = NEXT[self._state][event]
        return self._state
