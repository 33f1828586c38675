"""The life of a task, as a table.

    idle ──► ready ──► running ──► succeeded | failed
      └──────┴── skipped (what it requires failed, or the execution was stopped)

On the way a task may be paused (pause-before), delayed (wait-before, or until a retry) and ending
(wait-after). Mistral has the same states under other names; a skipped task never appears there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class TaskState(StrEnum):
    """Where a task stands."""

    IDLE = "idle"
    PAUSED = "paused"
    DELAYED = "delayed"
    READY = "ready"
    RUNNING = "running"
    ENDING = "ending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


IDLE, PAUSED, DELAYED, READY = TaskState.IDLE, TaskState.PAUSED, TaskState.DELAYED, TaskState.READY
RUNNING, ENDING = TaskState.RUNNING, TaskState.ENDING
SUCCEEDED, FAILED, SKIPPED = TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SKIPPED

# From each state, where a task can go. A delayed or ready task that already failed once fails when the
# execution is stopped before its retry.
NEXT: Mapping[TaskState, frozenset[TaskState]] = {
    IDLE: frozenset((PAUSED, DELAYED, READY, SKIPPED)),
    PAUSED: frozenset((DELAYED, READY, SKIPPED)),
    DELAYED: frozenset((READY, SKIPPED, FAILED)),
    READY: frozenset((RUNNING, SKIPPED, FAILED)),
    RUNNING: frozenset((ENDING, DELAYED, SUCCEEDED, FAILED)),
    ENDING: frozenset((DELAYED, SUCCEEDED, FAILED)),
    SUCCEEDED: frozenset(),
    FAILED: frozenset(),
    SKIPPED: frozenset(),
}
NOT_BEGUN = frozenset((IDLE, PAUSED, DELAYED, READY))  # nothing of the task is running
ENDED = frozenset((SUCCEEDED, FAILED, SKIPPED))

# What `<% task(NAME).state %>` gives, in Mistral's words; a task that has not appeared has no state.
MISTRAL: Mapping[TaskState, str | None] = {
    IDLE: None,
    PAUSED: "IDLE",
    DELAYED: "DELAYED",
    READY: "RUNNING",
    RUNNING: "RUNNING",
    ENDING: "DELAYED",
    SUCCEEDED: "SUCCESS",
    FAILED: "ERROR",
    SKIPPED: None,
}


class FlowState(StrEnum):
    """Where a workflow stands, in Mistral's words."""

    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    ERROR = "ERROR"
