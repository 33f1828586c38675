"""From what an engine says of an execution to the journal that the runner would have written of it.

What no journal can say is said to people: in messages about tasks, and in warnings about the whole. Where the
engine's word about a workflow contradicts its tasks, its word counts (decision MISTRAL-3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from embank.conductor import states
from embank.conductor.states import FlowState, TaskState
from embank.document import Document
from embank.journal.entries import EXECUTION, FINISHED, WARNING
from embank.journal.replay import replay
from embank.mistral.api.seen import CANCELLED, ERROR, OVER, PAUSED, RUNNING, SUCCESS, Seen, SeenTask
from embank.mistral.attempted import DELAYED, ENDED, IDLE, SKIPPED, WAITING, has_begun, never_came
from embank.mistral.overview import acts, called_for_by_success, missing, spec_at
from embank.mistral.retelling import Line, Retelling
from embank.reasons import short
from embank.reporting.summary import exit_code
from embank.reporting.windows import windows

NAMED = 20  # tasks that a warning names

NOT_BEGUN = states.NOT_BEGUN | {states.SKIPPED}

# The states of a task that say the same as those of the engine.
SAME: Mapping[str, frozenset[TaskState]] = {
    SUCCESS: frozenset((states.SUCCEEDED,)),
    ERROR: frozenset((states.FAILED,)),
    SKIPPED: frozenset((states.FAILED,)),
    CANCELLED: frozenset((states.FAILED, states.SKIPPED)),
    RUNNING: frozenset((states.RUNNING, states.READY)),
    PAUSED: frozenset((states.RUNNING,)),
    DELAYED: frozenset((states.DELAYED, states.ENDING, states.SKIPPED, states.FAILED)),  # the last two: cancelled
    IDLE: NOT_BEGUN,
    WAITING: NOT_BEGUN,
}


def translate(document: Document, seen: Seen) -> list[Line]:
    """The lines of a journal behind its heading: when, the name of the event, its values. Times never go back. An
    execution that has not ended gives a journal that has not.

    Raises ValueError for a document that no runner can run.
    """
    told = Retelling(document, seen)
    told.run()
    if seen.ended:
        told.now = max(told.now, seen.ended)
    differences = _Differences(document, seen, told)
    differences.say()
    lines = [*told.lines, *((told.now, WARNING, {"text": text}) for text in differences.warnings())]
    if seen.state in OVER:
        lines.append(_finished(document, seen, lines, told.now))
    return lines


class _Differences:
    """Where the conductor stands, and where the engine says that the tasks stand."""

    def __init__(self, document: Document, seen: Seen, told: Retelling) -> None:
        self._document = document
        self._seen = seen
        self._told = told
        rows = range(len(told.conductor.state.task))
        self._rows = {told.path(row): row for row in rows}  # the last one of each path
        self._well = called_for_by_success(document)
        self._begun_apart: list[str] = []

    def say(self) -> None:
        """Messages about tasks. What has not ended may have been looked at between two steps of the engine."""
        over = self._seen.state in OVER
        for path, task in self._seen.tasks.items():
            row = self._rows.get(path)
            differs = row is None or self._state(row) not in SAME.get(task.state, ())
            if differs and (over or task.state in ENDED):
                self._differs(path, task, row)
        for path, row in self._rows.items():
            if over and path not in self._seen.tasks and self._state(row) not in NOT_BEGUN:
                self._told.say(row, ["the engine did not run it"])

    def warnings(self) -> Iterator[str]:
        """What a person has to know about the whole."""
        seen = self._seen
        if seen.state == SUCCESS and (lost := missing(self._document, seen)):
            yield f"the engine says SUCCESS, but {_named([self._lost(path) for path in lost])} did not succeed"
        if self._begun_apart:
            yield f"the engine ran {_named(self._begun_apart)} apart from the order of the workflow; see the log"
        if seen.state == PAUSED:
            yield "the execution is paused in the engine: it waits for somebody to let it go on"
        if seen.state in OVER and (running := list(self._still_running())):
            yield f"still at work in the engine, although the execution has ended: {_named(running)}"
        if seen.state == ERROR and self._told.conductor.state.frames[0].state is FlowState.RUNNING:
            yield f"the engine has given the execution up: {short(seen.info) or 'it does not say why'}"

    def _differs(self, path: str, task: SeenTask, row: int | None) -> None:
        about = row if row is not None else self._above(path)
        subject = "the engine says" if row is not None else f"the engine says of its task {path!r}:"
        if row is None and (task.state in (IDLE, WAITING) or never_came(task)):
            return  # a join knows of its task before the runner does
        self._told.say(about, [f"{subject} {task.state}{_because(task)}"])
        begun = row is not None and self._state(row) not in NOT_BEGUN
        if not begun and has_begun(task) and self._well(path):
            self._begun_apart.append(path)

    def _still_running(self) -> Iterator[str]:
        """The tasks whose actions have not ended, or will be begun: Mistral retries also what was cancelled."""
        for path, task in self._seen.tasks.items():
            spec = spec_at(self._document, path)
            if spec and acts(spec) and task.state in (RUNNING, DELAYED):
                yield path

    def _above(self, path: str) -> int:
        """The row of the innermost task that is known and that the path goes through; else the first one."""
        while path:
            path, _, _ = path.rpartition("/")
            if path in self._rows:
                return self._rows[path]
        return 0

    def _lost(self, path: str) -> str:
        task = self._seen.tasks.get(path)
        return f"{path} ({task.state if task else 'never run'})"

    def _state(self, row: int) -> TaskState:
        return self._told.conductor.state.task[row]


def _because(task: SeenTask) -> str:
    info = short(task.info)
    return f": {info}" if info and task.state in ENDED else ""


def _named(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _finished(document: Document, seen: Seen, lines: list[Line], now: datetime) -> Line:
    """The last line. A SUCCESS that is none is an ERROR (decision MISTRAL-2)."""
    state = SUCCESS if seen.state == SUCCESS and not missing(document, seen) else ERROR
    head = {
        "n": 1,
        "at": seen.started.isoformat(),
        "event": EXECUTION,
        "execution": seen.execution,
        "fail_fast": False,
    }
    entries = [{"at": at.isoformat(), "event": name, **values} for at, name, values in lines]
    part = replay(document, [head, *entries], _Stopped(now))
    execution, report = part.conductor.execution, part.reporter
    is_open = any(window.end is None for window in windows(execution, report.first_start, report.end, part.zero))
    code = exit_code(execution, state, part.codes, bool(part.interrupted_by), is_open)
    return now, FINISHED, {"state": state, "exit_code": int(code)}


class _Stopped:
    """A clock that has stopped."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        """The time at which it stopped."""
        return self._moment

    def monotonic(self) -> float:
        """The same."""
        return 0.0
