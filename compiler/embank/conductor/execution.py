"""What the conductor works on: program and state together, questions about them, and what is still to be done."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Mapping
from copy import copy
from typing import NamedTuple

from embank.conductor.program import Program, Steps
from embank.conductor.protocol import Effect
from embank.conductor.state import MAIN, Frame, State
from embank.conductor.states import IDLE, MISTRAL, NEXT, RUNNING, FlowState, TaskState
from embank.document import Document, Expression, TaskSpec
from embank.expressions import describe, resolve
from embank.model import Json, Parameters


class Job(NamedTuple):
    """What the action of a task is called with."""

    action: str
    input: Parameters


class Execution:
    """One execution of a document. The queues are empty whenever the conductor is not at work."""

    def __init__(self, document: Document, id_: str) -> None:
        self.id = id_
        self.program = Program(document)
        self.state = State()
        self.out: list[Effect] = []
        self.launches: deque[int] = deque()  # rows that nothing holds back any more
        self.outcomes: deque[tuple[int, int | None]] = deque()  # rows that are over; why they were withdrawn
        self.specs: list[TaskSpec] = []  # the task of each row
        self.steps: list[Steps] = []  # the steps of each frame

    def copy(self) -> Execution:
        """The same execution, which goes on by itself from here. For when the conductor is not at work."""
        other = copy(self)
        other.state = self.state.copy()
        other.out, other.launches, other.outcomes = [], deque(), deque()
        other.specs, other.steps = self.specs[:], self.steps[:]
        return other

    def add_frame(self, frame: Frame) -> int:
        """Append a frame. Raises ValueError when its workflow has no such target."""
        self.steps.append(self.program.steps(frame.workflow, frame.target))
        self.state.frames.append(frame)
        return len(self.steps) - 1

    def add_row(self, frame: int, step: int, unmet: int, trigger: int, rescue: bool) -> int:
        """Append a row for a task of a frame."""
        state = self.state
        state.frame.append(frame)
        state.step.append(step)
        state.task.append(IDLE)
        state.unmet.append(unmet)
        state.attempt.append(1)
        state.cause.append(None)
        state.reason.append("")
        state.trigger.append(trigger)
        state.rescue.append(rescue)
        state.frames[frame].open += 1
        state.open += 1
        self.specs.append(self.steps[frame].tasks[step])
        return len(self.specs) - 1

    def order(self, row: int) -> tuple[int, ...]:
        """The place of a row in the file, as if the sub-workflows stood where they are called."""
        return (*self.state.frames[self.state.frame[row]].order, self.state.step[row])

    def path(self, row: int) -> str:
        """The names of the tasks from the main workflow down to this one, joined by "/"."""
        names = []
        while row != MAIN:
            names.append(self.specs[row].name)
            row = self.state.frames[self.state.frame[row]].caller
        return "/".join(reversed(names))

    def job(self, row: int) -> Job:
        """What to call the action of a task with. Raises ValueError when an expression has no value."""
        spec = self.specs[row]
        return Job(spec.action, self.evaluated(row, spec.input))

    def evaluated(self, row: int, value: Json) -> Json:
        """`value` as a task sees it. Raises ValueError when an expression has no value."""
        frame = self.state.frame[row]
        return self.resolved(value, frame, self.state.frames[frame].context)

    def resolved(self, value: Json, frame: int, context: Mapping[str, Json]) -> Json:
        """`value` with its expressions replaced, as seen from a frame with these variables."""

        def evaluate(expression: Expression) -> Json:
            if expression.kind == "execution-id":
                return self._frame_id(frame)
            if expression.kind == "task-state":
                return self._task_state(frame, expression.name)
            if expression.name not in context:
                raise ValueError(f"{describe(expression)} has no value ({expression.place})")
            return context[expression.name]

        return resolve(value, evaluate)

    def is_stopped(self, row: int) -> bool:
        """Nothing more is started where this row is: no retry of it, nothing that follows its success."""
        halted = self.state.stopped is not None and not self.state.rescue[row]
        return halted or self.state.frames[self.state.frame[row]].state is not FlowState.RUNNING

    def move(self, row: int, to: TaskState) -> None:
        """Change the state of a task. Raises ValueError when it cannot go there."""
        now = self.state.task[row]
        if to not in NEXT[now]:
            raise ValueError(f"task {self.path(row)} is {now}: it cannot become {to}")
        self.state.task[row] = to

    def over(self, row: int, cause: int | None = None, reason: str = "") -> None:
        """An attempt of a running task is over: well (no cause), or not."""
        if self.state.task[row] is not RUNNING:
            raise ValueError(f"task {self.path(row)} is {self.state.task[row]}: it cannot end")
        self.state.cause[row], self.state.reason[row] = cause, reason
        self.outcomes.append((row, None))

    def _frame_id(self, frame: int) -> str:
        """Mistral gives every sub-workflow execution an id of its own; here it follows from the path."""
        caller = self.state.frames[frame].caller
        if caller == MAIN:
            return self.id
        name = f"{self.id}/{self.path(caller)}/{self.state.frames[frame].attempt}"
        return str(uuid.uuid5(uuid.NAMESPACE_OID, name))

    def _task_state(self, frame: int, name: str) -> str | None:
        state, step = self.state, self.steps[frame].number.get(name)
        rows = (row for row in range(len(state.task) - 1, -1, -1) if state.frame[row] == frame)
        return next((MISTRAL[state.task[row]] for row in rows if state.step[row] == step), None)


def frames_below(state: State, row: int) -> list[tuple[int, Frame]]:
    """The frames that a task runs, and those that these run, in the order they were opened."""
    inside: dict[int, Frame] = {}
    for number, frame in enumerate(state.frames):
        if frame.caller != MAIN and (frame.caller == row or state.frame[frame.caller] in inside):
            inside[number] = frame
    return list(inside.items())
