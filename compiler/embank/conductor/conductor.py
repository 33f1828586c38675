"""The conductor: a workflow document and the events of its execution in, what to do next out.

Pure: no I/O, no threads, no clock, no randomness. Equal events give equal effects, and the whole state is
plain data. What Mistral defines it does as Mistral does: a failed task stops nothing but its dependents, a
sub-workflow fails when a task of it failed, `on-complete` does not handle an error, what `on-error` names
does, and a workflow ends when its last task ended or at once at `fail` or `succeed`. Differences: a timeout
counts for each attempt, and an execution that is cancelled or fails fast still runs what failures call for
(on-error, on-complete), also after a task whose success it no longer follows.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

from embank.conductor import protocol
from embank.conductor.execution import Execution
from embank.conductor.flows import after_end, call, open_flow
from embank.conductor.protocol import Effect, Event, Timer
from embank.conductor.state import CANCELLED
from embank.conductor.states import (
    DELAYED,
    ENDED,
    ENDING,
    FAILED,
    IDLE,
    NOT_BEGUN,
    PAUSED,
    READY,
    RUNNING,
    SKIPPED,
    SUCCEEDED,
    FlowState,
    TaskState,
)
from embank.conductor.stopping import cut, stop
from embank.document import Document

TICKING = {  # the states in which each timer means something
    Timer.BEFORE: frozenset((DELAYED,)),
    Timer.RETRY: frozenset((DELAYED,)),
    Timer.AFTER: frozenset((ENDING,)),
    Timer.TIMEOUT: frozenset((RUNNING,)),
}
INTERNAL = frozenset(("std.noop", "std.echo", "std.fail"))  # done here, without a worker


class Conductor:
    """Interprets a document: `start()` once, then `advance(event)` until a Finished effect comes out.

    Raises ValueError for a document that could never end (see `program.Program`).
    """

    def __init__(self, document: Document, execution: str, *, fail_fast: bool = False) -> None:
        self.fail_fast = fail_fast
        self._lead(Execution(document, execution))

    def copy(self) -> Conductor:
        """The same execution, led elsewhere from here on: what is done to one is not done to the other."""
        other = copy(self)
        other._lead(self.execution.copy())
        return other

    def _lead(self, execution: Execution) -> None:
        self.execution = execution
        self.state = execution.state
        self._out = execution.out
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            protocol.Begun: self._begun,
            protocol.Succeeded: self._succeeded,
            protocol.Failed: self._failed,
            protocol.Due: self._due,
            protocol.Resumed: self._resumed,
            protocol.Cancelled: self._cancelled,
        }

    def start(self) -> list[Effect]:
        """Open the main workflow. Raises ValueError when a variable of it has no value."""
        open_flow(self.execution, self.execution.program.document.main, {})
        return self._effects()

    def advance(self, event: Event) -> list[Effect]:
        """Take in one event. Raises ValueError for one that cannot happen to a task in its state."""
        self._handlers[type(event)](event)
        return self._effects()

    def heeds(self, due: protocol.Due) -> bool:
        """Whether a timer still means anything: what it was for may be over."""
        if due.attempt != self.state.attempt[due.row]:
            return False
        return self.state.task[due.row] in TICKING[due.timer]

    def _effects(self) -> list[Effect]:
        """Do everything that follows, then hand out the effects."""
        execution, state = self.execution, self.state
        while True:
            if execution.outcomes:
                self._settle(*execution.outcomes.popleft())
            elif execution.launches:
                self._launch(execution.launches.popleft())
            elif state.waiting and not state.paused:
                self._begin(state.waiting.pop(0))
            else:
                break
        main = state.frames[0].state
        if not state.open and not state.finished and main is not FlowState.RUNNING:
            state.finished = True
            self._out.append(protocol.Finished(main))
        result = self._out[:]
        self._out.clear()
        return result

    # Events.

    def _begun(self, event: protocol.Begun) -> None:
        self._run(event.row)

    def _succeeded(self, event: protocol.Succeeded) -> None:
        self.execution.over(event.row)

    def _failed(self, event: protocol.Failed) -> None:
        self.execution.over(event.row, event.row, event.reason)

    def _due(self, event: protocol.Due) -> None:
        if not self.heeds(event):
            return
        if event.timer is Timer.TIMEOUT:
            self._time_out(event.row)
        elif event.timer is Timer.AFTER:
            self.execution.outcomes.append((event.row, None))
        else:
            self._offer(event.row)

    def _resumed(self, event: protocol.Resumed) -> None:
        if event.row not in self.state.paused:
            return  # cancelled meanwhile
        self.state.paused.remove(event.row)
        self._delay_or_offer(event.row)

    def _cancelled(self, event: protocol.Cancelled) -> None:
        stop(self.execution, CANCELLED)

    # The life of a task.

    def _launch(self, row: int) -> None:
        if self.state.task[row] is not IDLE:
            return  # skipped meanwhile
        if self.execution.specs[row].pause_before:
            self.execution.move(row, PAUSED)
            self.state.paused.append(row)
            self._out.append(protocol.Pause(row))
        else:
            self._delay_or_offer(row)

    def _delay_or_offer(self, row: int) -> None:
        if seconds := self.execution.specs[row].wait_before:
            self.execution.move(row, DELAYED)
            self._out.append(protocol.Wait(row, self.state.attempt[row], seconds, Timer.BEFORE))
        else:
            self._offer(row)

    def _offer(self, row: int) -> None:
        """Begin a task, or let it wait while another one is paused: Mistral pauses the whole workflow."""
        self.execution.move(row, READY)
        if self.state.paused and not self.state.rescue[row]:
            self.state.waiting.append(row)
        else:
            self._begin(row)

    def _begin(self, row: int) -> None:
        spec = self.execution.specs[row]
        if spec.action and spec.action not in INTERNAL:
            self._out.append(protocol.Start(self.execution.order(row), row))
            return
        self._out.append(protocol.Changed(row, RUNNING))
        self._run(row)
        if spec.action == "std.fail":
            self.execution.over(row, row, "std.fail")
        elif spec.action:
            self.execution.over(row)
        else:
            try:
                call(self.execution, row)
            except ValueError as error:
                self.execution.over(row, row, str(error))

    def _run(self, row: int) -> None:
        self.execution.move(row, RUNNING)
        if seconds := self.execution.specs[row].timeout:
            self._out.append(protocol.Wait(row, self.state.attempt[row], seconds, Timer.TIMEOUT))

    def _time_out(self, row: int) -> None:
        """A sub-workflow is cut off; an action fails when the runner has brought it to an end."""
        spec = self.execution.specs[row]
        if spec.workflow:
            self.execution.over(row, row, f"timed out after {spec.timeout} s")
            cut(self.execution, row)
        else:
            self._out.append(protocol.TimeOut(row))

    def _settle(self, row: int, withdrawn: int | None) -> None:
        """Decide what it means for a task that an attempt is over, or that it is withdrawn (with its cause)."""
        state, spec = self.state, self.execution.specs[row]
        now, attempt, stopped = state.task[row], state.attempt[row], self.execution.is_stopped(row)
        if now in ENDED:
            return
        if now in NOT_BEGUN and state.cause[row] is None:
            state.cause[row] = withdrawn
            self._finish(row, SKIPPED)
        elif now in NOT_BEGUN:
            self._finish(row, FAILED)  # it failed before, and will not be tried again
        elif spec.wait_after and attempt == 1 and now is RUNNING and not stopped:
            self.execution.move(row, ENDING)
            self._out.append(protocol.Wait(row, attempt, spec.wait_after, Timer.AFTER))
        elif state.cause[row] is None:
            self._finish(row, SUCCEEDED)
        elif spec.retry and attempt <= spec.retry.count and not stopped:
            self.execution.move(row, DELAYED)
            state.attempt[row] = attempt + 1
            self._out.append(protocol.Changed(row, DELAYED))
            self._out.append(protocol.Wait(row, attempt + 1, spec.retry.delay, Timer.RETRY))
        else:
            self._finish(row, FAILED)

    def _finish(self, row: int, to: TaskState) -> None:
        state = self.state
        self.execution.move(row, to)
        state.frames[state.frame[row]].open -= 1
        state.open -= 1
        self._out.append(protocol.Changed(row, to))
        after_end(self.execution, row)
        failed_here = to is FAILED and state.cause[row] == row
        if self.fail_fast and failed_here and not state.rescue[row] and state.stopped is None:
            stop(self.execution, row)
