"""What happens during an execution, as values that listeners get: progress, summary, `--events`.

A task is named by its path: the names of the tasks from the main workflow down to it, joined by "/".
`docs/events.md` describes the JSON form; names of events and fields do not change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TextIO

from embank.model import Json


@dataclass(frozen=True, slots=True)
class Event:
    """`time` is in UTC and never goes back within an execution."""

    time: datetime


Listener = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class ExecutionStarted(Event):
    """`tasks` is how many tasks with an action run when nothing fails."""

    execution: str
    workflow: str
    file: str
    sha256: str
    tasks: int


@dataclass(frozen=True, slots=True)
class ExecutionResumed(Event):
    """A runner goes on with an execution whose runner left off: `tasks` as in ExecutionStarted, `succeeded` and
    so on until now; `repeated` tasks had begun and not ended.
    """

    execution: str
    workflow: str
    tasks: int
    succeeded: int
    failed: int
    skipped: int
    repeated: int


@dataclass(frozen=True, slots=True)
class ExecutionInterrupted(Event):
    """A signal arrived, somebody asked, or a person answered no to a pause; told again for each who asks. `running`
    tasks are still to end, within `grace` seconds.
    """

    by: str
    running: int
    grace: float


@dataclass(frozen=True, slots=True)
class ExecutionFinished(Event):
    """`state` is SUCCESS or ERROR as in Mistral, or INTERRUPTED when it was stopped at once."""

    state: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class TaskEvent(Event):
    """Something about one task."""

    task: str


@dataclass(frozen=True, slots=True)
class TaskStarted(TaskEvent):
    """`runs` is the action, or the workflow, of the task; `attempt` counts from 1."""

    runs: str
    attempt: int
    description: str


@dataclass(frozen=True, slots=True)
class TaskRepeated(TaskEvent):
    """The attempt is begun again: it had begun when the runner left off. Fields as in TaskStarted."""

    runs: str
    attempt: int


@dataclass(frozen=True, slots=True)
class TaskPolled(TaskEvent):
    """An activity is not done yet. `progress` runs from 0 to 1 where it is known."""

    progress: float | None
    message: str


@dataclass(frozen=True, slots=True)
class TaskRetried(TaskEvent):
    """An attempt failed; attempt number `attempt` follows after `delay` seconds."""

    attempt: int
    delay: int
    reason: str


@dataclass(frozen=True, slots=True)
class TaskSucceeded(TaskEvent):
    """`seconds` since the last attempt started."""

    seconds: float


@dataclass(frozen=True, slots=True)
class TaskFailed(TaskEvent):
    """`cause` is the task that failed first, "" when it is this one, "cancelled" when none did."""

    seconds: float
    reason: str
    cause: str


@dataclass(frozen=True, slots=True)
class TaskSkipped(TaskEvent):
    """The task will not run. `runs` as in TaskStarted; `cause` is the task that failed, or "cancelled"."""

    runs: str
    cause: str


@dataclass(frozen=True, slots=True)
class TaskTimedOut(TaskEvent):
    """An attempt took too long. `stuck`: the activity did not return, and its worker was abandoned."""

    timeout: int
    stuck: bool


@dataclass(frozen=True, slots=True)
class TaskPaused(TaskEvent):
    """The task has `pause-before`: nothing is started until a person has answered."""


@dataclass(frozen=True, slots=True)
class TaskResumed(TaskEvent):
    """The person answered yes."""


@dataclass(frozen=True, slots=True)
class Message(TaskEvent):
    """What an activity, or the runner, has to say about a task."""

    text: str


def when_lost(listener: Listener) -> str:
    """What to say when a listener can take no more events: what people miss then."""
    own = str(getattr(listener, "when_lost", ""))
    return own or f"{getattr(listener, '__name__', type(listener).__name__)} stopped listening"


def to_json(event: Event, execution: str) -> dict[str, Json]:
    """The JSON form: `event` (such as "task-started"), `time` (RFC 3339, UTC), `execution`, and the fields."""
    values = {field.name: getattr(event, field.name) for field in fields(event)}
    time = event.time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return {"event": event_name(type(event)), **values, "time": time, "execution": execution}


def event_name(kind: type[Event]) -> str:
    """ "task-timed-out" for TaskTimedOut."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


class EventWriter:
    """A listener that writes one JSON object a line. Only ASCII is written, so that no name can act on a terminal."""

    when_lost = "the events are not complete"

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._execution = ""

    def __call__(self, event: Event) -> None:
        """Write the event, at once: a reader may follow. Raises OSError when the stream does not take it."""
        if isinstance(event, ExecutionStarted | ExecutionResumed):
            self._execution = event.execution
        self._stream.write(json.dumps(to_json(event, self._execution), sort_keys=False) + "\n")
        self._stream.flush()
