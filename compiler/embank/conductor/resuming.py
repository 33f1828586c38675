"""Where an execution stands whose runner left off, and what a new runner has to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from embank.conductor.conductor import INTERNAL
from embank.conductor.execution import Execution
from embank.conductor.protocol import Due, Timer
from embank.conductor.state import CANCELLED, State
from embank.conductor.states import DELAYED, ENDED, ENDING, IDLE, READY, RUNNING

# Why an execution is cancelled although nobody has asked for that: it has failed.
JOURNAL_LOST = "the journal, which cannot be written"
CHECKPOINT_FAILED = "its checkpoint, which says that it has failed"


def is_interruption(by: str) -> bool:
    """Whether an execution that was cancelled by this was interrupted, rather than failed."""
    return by not in ("", JOURNAL_LOST, CHECKPOINT_FAILED)


@dataclass(frozen=True, slots=True)
class Outstanding:
    """Rows by what is to be done with them; times are on the new runner's clock, in seconds.

    `running` ones had begun and not ended. `timed_out`: those of them whose time was up, with the reason.
    """

    ready: tuple[int, ...]
    running: tuple[int, ...]
    asked: tuple[int, ...]
    timers: tuple[tuple[float, Due], ...]
    timed_out: Mapping[int, str]
    interrupted_by: str = ""
    cancel_by: str = ""

    def cancelled(self, by: str) -> Outstanding:
        """The same, but nothing is taken up that a failure does not call for."""
        return replace(self, cancel_by=by)

    def repeated(self, state: State) -> int:
        """How many of the running tasks are repeated."""
        return sum(
            not (self.verdict(row, state) or (self.cancel_by and not state.rescue[row])) for row in self.running
        )

    def verdict(self, row: int, state: State) -> str:
        """Why a running task fails instead of being repeated (decision COND-2); "" when it is repeated."""
        if row in self.timed_out:
            return self.timed_out[row]
        if state.stopped == CANCELLED and not state.rescue[row]:
            by = self.interrupted_by or self.cancel_by
            if not is_interruption(by):
                return f"nothing says how it ended: the execution was stopped by {by}"
            return f"interrupted by {by}; its runner had left off before it ended"
        return ""


def outstanding(
    execution: Execution, waits: Mapping[tuple[int, Timer], float], timed_out: Mapping[int, str], now: float, by: str
) -> Outstanding:
    """What is to be done. `waits`: when the delays of each row are over. Timeouts begin anew: what is repeated
    has all its time again (decision COND-1).
    """
    state = execution.state
    behind_a_pause = set(state.waiting)
    ready, running, timers = [], [], []
    for row, task in enumerate(state.task):
        spec, attempt = execution.specs[row], state.attempt[row]
        if task is READY and row not in behind_a_pause:
            ready.append(row)
        elif task is DELAYED:
            timer = Timer.RETRY if attempt > 1 else Timer.BEFORE
            timers.append((waits.get((row, timer), now), Due(row, attempt, timer)))
        elif task is ENDING:
            timers.append((waits.get((row, Timer.AFTER), now), Due(row, attempt, Timer.AFTER)))
        elif task is RUNNING:
            if spec.action and spec.action not in INTERNAL:
                running.append(row)
            if spec.timeout:
                timers.append((now + spec.timeout, Due(row, attempt, Timer.TIMEOUT)))
    still = {row: timed_out[row] for row in running if row in timed_out}
    return Outstanding(tuple(ready), tuple(running), tuple(state.paused), tuple(timers), still, by)


class Prospect(NamedTuple):
    """What becomes of one task with an action, and why."""

    task: str
    verdict: str  # kept | repeated | given up | to come
    why: str


def prospects(execution: Execution, left: Outstanding) -> Iterator[Prospect]:
    """Every task that is known so far, in the order in which they came up."""
    state = execution.state
    running = set(left.running)
    for row, task in enumerate(state.task):
        action = execution.specs[row].action
        if not action or action in INTERNAL:
            continue
        path = execution.path(row)
        if row in running and (reason := left.verdict(row, state)):
            yield Prospect(path, "given up", reason)
        elif row in running and left.cancel_by and not state.rescue[row]:
            yield Prospect(path, "given up", "it had begun and not ended, and the execution is cancelled")
        elif row in running:
            yield Prospect(path, "repeated", "it had begun, and nothing says that it ended")
        elif task in ENDED:
            yield Prospect(path, "kept", f"it {'was ' if task.value == 'skipped' else 'had '}{task.value}")
        elif left.cancel_by and not state.rescue[row]:
            yield Prospect(path, "given up", "it had not begun, and the execution is cancelled")
        else:
            why = "what it requires has not ended" if task is IDLE else "it had not begun"
            yield Prospect(path, "to come", f"{why} (attempt {state.attempt[row]})" if task is DELAYED else why)
