"""How workflows open, in which order their tasks follow each other, and how they close."""

from __future__ import annotations

from embank.conductor.execution import Execution
from embank.conductor.program import Steps
from embank.conductor.protocol import Changed
from embank.conductor.state import MAIN, Frame
from embank.conductor.states import IDLE, RUNNING, SKIPPED, SUCCEEDED, FlowState
from embank.document import COMMANDS, TARGET, Flow
from embank.model import Json


def call(execution: Execution, row: int) -> None:
    """Open the sub-workflow of a task. Raises ValueError when its input does not fit."""
    spec, frame = execution.specs[row], execution.state.frame[row]
    given = dict(execution.resolved(spec.input, frame, execution.state.frames[frame].context))
    target = given.pop(TARGET, "")
    wanted = execution.program.document.workflows[spec.workflow].input
    if set(given) != set(wanted):
        odd = min(set(given) ^ set(wanted))
        raise ValueError(f"workflow {spec.workflow!r} {'has no' if odd in given else 'needs the'} input {odd!r}")
    open_flow(execution, spec.workflow, given, row, str(target))


def open_flow(
    execution: Execution, workflow: str, given: dict[str, Json], caller: int = MAIN, target: str = ""
) -> None:
    """Add a frame, and rows for its tasks: of a reverse workflow all that lead to the target, of a direct
    one the first. Raises ValueError for an unknown target or a variable without a value.
    """
    state, first = execution.state, len(execution.specs)
    if caller == MAIN:
        frame = Frame(workflow, target, MAIN, 1, first, False, [], given)
    else:
        order = list(execution.order(caller))
        frame = Frame(workflow, target, caller, state.attempt[caller], first, state.rescue[caller], order, given)
    number = execution.add_frame(frame)
    steps = execution.steps[number]
    variables = execution.program.document.workflows[workflow].vars
    frame.context = given | dict(execution.resolved(variables, number, given))
    if steps.flow is Flow.DIRECT:
        execution.launches.extend(execution.add_row(number, step, 0, MAIN, frame.rescue) for step in steps.starts)
        return
    for step, requires in enumerate(steps.requires):
        row = execution.add_row(number, step, len(requires), MAIN, frame.rescue)
        if not requires:
            execution.launches.append(row)


def after_end(execution: Execution, row: int) -> None:
    """A task has ended: let what depends on it start, or skip it; close the workflow after its last task."""
    number = execution.state.frame[row]
    frame, steps = execution.state.frames[number], execution.steps[number]
    succeeded = execution.state.task[row] is SUCCEEDED
    if not succeeded and frame.cause is None:
        frame.cause = execution.state.cause[row]
    if steps.flow is Flow.DIRECT:
        _follow(execution, row, number, steps)
    elif succeeded:
        _free_dependents(execution, row, frame, steps)
    else:
        _skip_dependents(execution, row, frame, steps)
    if not frame.open:
        close(execution, number, not frame.unhandled if steps.flow is Flow.DIRECT else frame.cause is None)


def close(execution: Execution, number: int, well: bool) -> None:
    """End a workflow, and with it the task that called it. What still runs in it may go on."""
    state, frame = execution.state, execution.state.frames[number]
    if frame.state is not FlowState.RUNNING:
        return
    frame.state = FlowState.SUCCESS if well else FlowState.ERROR
    caller = frame.caller
    if caller == MAIN or state.task[caller] is not RUNNING or state.attempt[caller] != frame.attempt:
        return
    if well:
        execution.over(caller)
    elif frame.cause is None:
        execution.over(caller, caller, f"workflow {frame.workflow!r} reached `fail`")
    else:
        execution.over(caller, frame.cause)


def _free_dependents(execution: Execution, row: int, frame: Frame, steps: Steps) -> None:
    unmet = execution.state.unmet
    for step in steps.dependents[execution.state.step[row]]:
        dependent = frame.first + step
        unmet[dependent] -= 1
        if not unmet[dependent]:
            execution.launches.append(dependent)


def _skip_dependents(execution: Execution, row: int, frame: Frame, steps: Steps) -> None:
    """Skip all that requires a task, directly or not, with the same root cause. Each is visited once."""
    state = execution.state
    stack = [state.step[row]]
    while stack:
        for step in steps.dependents[stack.pop()]:
            dependent = frame.first + step
            if state.task[dependent] is IDLE:
                execution.move(dependent, SKIPPED)
                state.cause[dependent] = state.cause[row]
                frame.open -= 1
                state.open -= 1
                execution.out.append(Changed(dependent, SKIPPED))
                stack.append(step)


def _all_arrived(frame: Frame, steps: Steps, step: int) -> bool:
    """Whether a task may start now: every time for one without a join, the last time for one with."""
    task = steps.tasks[step]
    if not task.join:
        return True
    frame.arrived[task.name] = frame.arrived.get(task.name, 0) + 1
    return frame.arrived[task.name] == steps.inbound[step]


def _follow(execution: Execution, row: int, number: int, steps: Steps) -> None:
    """Add what follows a task of a direct workflow, in Mistral's order: what stands behind the first `fail`
    or `succeed` is dropped, `noop` does nothing.
    """
    state, spec, frame = execution.state, execution.specs[row], execution.state.frames[number]
    if frame.state is not FlowState.RUNNING:
        return
    succeeded = state.task[row] is SUCCEEDED
    if succeeded and execution.is_stopped(row) and not COMMANDS.issuperset(spec.on_success):
        succeeded = False  # what should follow is not started any more: that is a failure
        frame.cause = state.stopped if frame.cause is None else frame.cause
    if not succeeded and not spec.on_error:
        frame.unhandled = True
    for name in (spec.on_success if succeeded else spec.on_error) + spec.on_complete:
        if name in ("fail", "succeed"):
            close(execution, number, name == "succeed")
            return
        if name != "noop" and _all_arrived(frame, steps, steps.number[name]):
            rescue = state.rescue[row] or not succeeded
            execution.launches.append(execution.add_row(number, steps.number[name], 0, row, rescue))
