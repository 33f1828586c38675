"""The state of an execution: plain numbers and words, so that it can be written down and read again."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, fields, replace

from embank.conductor.states import FlowState, TaskState
from embank.model import Json

CANCELLED = -1  # as a cause: nobody failed, the execution was cancelled
MAIN = -1  # as a caller or a trigger: there is none


@dataclass(slots=True)
class Frame:
    """One run of one workflow."""

    workflow: str
    target: str  # the task that a reverse workflow runs towards
    caller: int  # the row of the task that runs this workflow, or MAIN
    attempt: int  # which attempt of the caller
    first: int  # its tasks' first row; those of a reverse workflow follow each other
    rescue: bool  # called for by a failure: neither cancel nor fail-fast stops it
    order: list[int]  # the place in the file, from the main workflow down
    context: dict[str, Json]  # its input and vars
    open: int = 0  # tasks that have not ended
    state: FlowState = FlowState.RUNNING
    cause: int | None = None  # the row that failed first, or CANCELLED
    unhandled: bool = False  # direct: a task failed and has no on-error
    arrived: dict[str, int] = field(default_factory=dict)  # direct: how many of the tasks before a join have ended

    def copy(self) -> Frame:
        """A frame that goes on by itself. `order` and `context` never change."""
        return replace(self, arrived=dict(self.arrived))


@dataclass(slots=True)
class State:
    """Frames, and one entry per row in each of the lists. Rows and frames are only ever added."""

    frames: list[Frame] = field(default_factory=list)
    frame: list[int] = field(default_factory=list)
    step: list[int] = field(default_factory=list)  # the number of the task among the Steps of its frame
    task: list[TaskState] = field(default_factory=list)
    unmet: list[int] = field(default_factory=list)  # how many of its `requires` have not succeeded
    attempt: list[int] = field(default_factory=list)  # from 1
    cause: list[int | None] = field(default_factory=list)  # root cause of a failure or skip: a row or CANCELLED
    reason: list[str] = field(default_factory=list)  # of the last failure
    trigger: list[int] = field(default_factory=list)  # direct: the row that this one follows, or MAIN
    rescue: list[bool] = field(default_factory=list)
    paused: list[int] = field(default_factory=list)  # rows that ask before they start
    waiting: list[int] = field(default_factory=list)  # rows that are ready, behind a pause of others
    stopped: int | None = None  # why nothing more is started: the row that failed (fail-fast) or CANCELLED
    open: int = 0
    finished: bool = False

    def copy(self) -> State:
        """A state that goes on by itself: two ways on from here can be tried."""
        other = copy(self)
        for each in fields(self):
            if isinstance(value := getattr(self, each.name), list):
                setattr(other, each.name, value[:])
        other.frames = [frame.copy() for frame in self.frames]
        return other
