"""The critical path of an execution as it went: each task with the one it had to wait for longest."""

from __future__ import annotations

from collections.abc import Mapping

from embank.conductor.execution import Execution
from embank.conductor.state import MAIN
from embank.document import Flow


def critical_path(execution: Execution, ends: Mapping[int, float]) -> list[int]:
    """Rows with actions, from the first to the last. Sub-workflows are entered; joins are passed through.

    `ends` is by row, on any clock. Linear in rows and constraints.
    """
    state = execution.state
    last: dict[int, int] = {}  # of each frame, the row that ended last
    frame_of: dict[int, int] = {frame.caller: number for number, frame in enumerate(state.frames)}
    for ended in ends:
        number = state.frame[ended]
        if number not in last or (ends[ended], ended) > (ends[last[number]], last[number]):
            last[number] = ended
    path: list[int] = []
    row: int | None = last.get(0)
    while row is not None:
        if row in frame_of and frame_of[row] in last:
            row = last[frame_of[row]]
            continue
        if execution.specs[row].action and not execution.specs[row].action.startswith("std."):
            path.append(row)
        row = _before(execution, row, ends)
    return path[::-1]


def _before(execution: Execution, row: int, ends: Mapping[int, float]) -> int | None:
    """The task that `row` waited for; if none in its workflow, the one that its workflow waited for."""
    state = execution.state
    while row != MAIN:
        number = state.frame[row]
        steps, first = execution.steps[number], state.frames[number].first
        if steps.flow is Flow.DIRECT:
            before = [state.trigger[row]] if state.trigger[row] != MAIN else []
        else:
            before = [first + step for step in steps.requires[state.step[row]]]
        if ended := [other for other in before if other in ends]:
            return max(ended, key=lambda other: (ends[other], other))
        row = state.frames[number].caller
    return None
