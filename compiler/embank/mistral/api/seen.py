"""What an engine says of an execution, at one moment: plain values, whichever engine it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

# States of executions, tasks and attempts, in Mistral's words.
SUCCESS, ERROR, CANCELLED, PAUSED, RUNNING = "SUCCESS", "ERROR", "CANCELLED", "PAUSED", "RUNNING"
OVER = frozenset((SUCCESS, ERROR, CANCELLED))


@dataclass(frozen=True, slots=True)
class SeenAttempt:
    """One run of the action of a task. `exit_code` is what its failure asks for, 0 when it says nothing."""

    state: str
    started: datetime
    ended: datetime | None
    reason: str = ""
    exit_code: int = 0
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeenTask:
    """A task that has appeared. `path` as in events: the names from the main workflow down, joined by "/".

    `attempts` of one that runs a workflow, or that nobody asked for the details of, is empty. `info` is the engine's
    explanation of a failure.
    """

    path: str
    state: str
    started: datetime
    ended: datetime | None
    info: str = ""
    attempts: tuple[SeenAttempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """An execution: `tasks` by path. `ended` is the time of its last change when it is over."""

    execution: str
    workflow: str
    state: str
    started: datetime
    ended: datetime | None
    info: str
    tasks: Mapping[str, SeenTask]
