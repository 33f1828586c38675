"""What is to be said at the end of an execution, as plain values. `summary_text` says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from embank.conductor.execution import Execution
from embank.conductor.state import CANCELLED
from embank.conductor.states import ENDED, FAILED, RUNNING, SKIPPED, SUCCEEDED
from embank.errors import ExitCode
from embank.model import Json
from embank.reporting.critical_path import critical_path
from embank.reporting.windows import Window, windows
from embank.task_parameters import CLEANUP


@dataclass(frozen=True, slots=True)
class Span:
    """A task on the critical path: seconds from the start of the execution, and how long it took."""

    task: str
    start: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that failed by itself, and what was skipped because of it. `place` is in the workflow file."""

    task: str
    reason: str
    place: str
    attempts: int
    closer: bool
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """`state` is SUCCESS, ERROR or INTERRUPTED (stopped at once). Tasks are named by their paths; counts are of
    tasks with actions. `withdrawn` tasks were not started because of the interruption; `running` ones had not
    ended when the execution was stopped at once.
    """

    execution: str
    workflow: str
    file: str
    state: str
    exit_code: ExitCode
    started: datetime
    seconds: float
    succeeded: int
    failed: int
    skipped: int
    failures: tuple[Failure, ...]
    withdrawn: tuple[str, ...]
    running: tuple[str, ...]
    critical_path: tuple[Span, ...]
    windows: tuple[Window, ...]
    warnings: tuple[str, ...]
    engine: str = ""  # what executed it; "": the runner here

    @property
    def open(self) -> tuple[Window, ...]:
        """The windows that stayed open: what may still be frozen."""
        return tuple(window for window in self.windows if window.end is None)

    def to_data(self) -> dict[str, Json]:
        """The summary as JSON can say it; times in RFC 3339."""
        return {**asdict(self), "exit_code": int(self.exit_code), "started": self.started.isoformat()}


@dataclass(frozen=True, slots=True)
class Times:
    """When the execution and its rows started and ended, on one clock in seconds."""

    zero: float
    end: float
    first_start: Mapping[int, float]
    last_start: Mapping[int, float]
    ends: Mapping[int, float]


def summarise(
    execution: Execution,
    times: Times,
    *,
    state: str,
    started: datetime,
    codes: Mapping[int, ExitCode],
    interrupted: bool,
    warnings: Sequence[str],
) -> Summary:
    """The summary of an execution that has ended, or was stopped at once."""
    rows = execution.state
    document = execution.program.document
    acting = [row for row, spec in enumerate(execution.specs) if spec.action and not spec.action.startswith("std.")]
    counts = Counter(rows.task[row] for row in acting)
    found = tuple(windows(execution, times.first_start, times.ends, times.zero))
    path = execution.path
    return Summary(
        execution=execution.id,
        workflow=document.main,
        file=document.file,
        state=state,
        exit_code=exit_code(execution, state, codes, interrupted, any(window.end is None for window in found)),
        started=started,
        seconds=round(times.end - times.zero, 6),
        succeeded=counts[SUCCEEDED],
        failed=sum(rows.task[row] is FAILED and bool(spec.action) for row, spec in enumerate(execution.specs)),
        skipped=counts[SKIPPED],
        failures=_failures(execution),
        withdrawn=tuple(path(row) for row in acting if rows.task[row] is SKIPPED and rows.cause[row] == CANCELLED),
        running=tuple(path(row) for row in acting if rows.task[row] is RUNNING),
        critical_path=tuple(
            Span(
                path(row),
                round(times.last_start[row] - times.zero, 6),
                round(max(0.0, times.ends[row] - times.last_start[row]), 6),  # clocks differ
            )
            for row in critical_path(execution, times.ends)
            if row in times.last_start
        ),
        windows=found,
        warnings=tuple(warnings),
    )


def _failures(execution: Execution) -> tuple[Failure, ...]:
    rows = execution.state
    skipped: dict[int | None, list[str]] = {}
    for row, task in enumerate(rows.task):
        if task is SKIPPED and not execution.specs[row].action.startswith("std."):
            skipped.setdefault(rows.cause[row], []).append(execution.path(row))
    return tuple(
        Failure(
            execution.path(row),
            rows.reason[row],
            str(spec.place),
            rows.attempt[row],
            spec.action == CLEANUP,
            tuple(skipped.get(row, ())),
        )
        for row, spec in enumerate(execution.specs)
        if rows.task[row] is FAILED and rows.cause[row] == row
    )


def exit_code(
    execution: Execution, state: str, codes: Mapping[int, ExitCode], interrupted: bool, still_open: bool
) -> ExitCode:
    """How an execution ended, in one number. `state` is that of the Summary; `codes` are what failed tasks ask for,
    by row; `still_open`: something was opened and not closed.
    """
    if state == "SUCCESS":
        return ExitCode.OK  # also when a signal came too late to stop anything
    if state == "INTERRUPTED":
        return ExitCode.INTERRUPTED  # at once: what stays open was said, and is not the fault of a closer
    rows = execution.state
    closers = (row for row, spec in enumerate(execution.specs) if spec.action == CLEANUP)
    if still_open or any(rows.task[row] in ENDED and rows.task[row] is not SUCCEEDED for row in closers):
        return ExitCode.FAILED_OPEN  # also of an interrupted one (decision CLI-1)
    if interrupted:
        return ExitCode.INTERRUPTED
    first = rows.frames[0].cause
    locked = first is not None and codes.get(first) is ExitCode.LOCKED
    return ExitCode.LOCKED if locked else ExitCode.FAILED
