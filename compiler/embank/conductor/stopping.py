"""How an execution is stopped, wholly (cancelled, fail-fast) or in part (a sub-workflow that timed out)."""

from __future__ import annotations

from embank.conductor.execution import Execution, frames_below
from embank.conductor.protocol import Interrupt, TimeOut
from embank.conductor.state import CANCELLED
from embank.conductor.states import ENDING, NOT_BEGUN, PAUSED, READY, RUNNING, FlowState


def stop(execution: Execution, cause: int) -> None:
    """Withdraw everything that has not begun, except what failures called for. `cause` is the row of the
    task that failed, or CANCELLED: then running actions are interrupted too.
    """
    state = execution.state
    if state.stopped is None or cause == CANCELLED:
        state.stopped = cause
    for row, now in enumerate(state.task):
        if state.rescue[row]:
            continue
        if now in NOT_BEGUN or now is ENDING:
            execution.outcomes.append((row, cause))
        elif now is RUNNING and cause == CANCELLED and not execution.specs[row].workflow:
            execution.out.append(Interrupt(row))
    _forget_pauses(execution)


def cut(execution: Execution, row: int) -> None:
    """Give up everything below a sub-workflow task that timed out."""
    state = execution.state
    frames = dict(frames_below(state, row))
    for frame in frames.values():
        if frame.state is FlowState.RUNNING:
            frame.state = FlowState.ERROR
    for inner, now in enumerate(state.task):
        if state.frame[inner] not in frames:
            continue
        if now is RUNNING:
            execution.over(inner, row)
            if not execution.specs[inner].workflow:
                execution.out.append(TimeOut(inner))
        elif now in NOT_BEGUN or now is ENDING:
            execution.outcomes.append((inner, row))
    _forget_pauses(execution)


def _forget_pauses(execution: Execution) -> None:
    """Withdrawn tasks neither ask nor make others wait."""
    state = execution.state
    withdrawn = {row for row, _ in execution.outcomes}
    state.paused = [row for row in state.paused if row not in withdrawn and state.task[row] is PAUSED]
    state.waiting = [row for row in state.waiting if row not in withdrawn and state.task[row] is READY]
