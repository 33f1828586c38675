"""One execution on this machine, from a document to its outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from embank.actions.actions import Actions
from embank.clock import Clock, SystemClock
from embank.conductor.conductor import Conductor
from embank.conductor.execution import Execution
from embank.conductor.resuming import is_interruption
from embank.document import Document
from embank.errors import ExitCode, UsageError
from embank.inputs.provider.find import Provider
from embank.journal import entries
from embank.journal.directory import ExecutionDirectory, Record
from embank.journal.recorder import Recorder
from embank.journal.replay import Replayed
from embank.reporting.command_lines import STATE
from embank.reporting.events import ExecutionFinished, Listener
from embank.reporting.reporter import Reporter
from embank.reporting.summary import Summary, Times, summarise
from embank.runner.attempts import GRACE
from embank.runner.interruptions import requests_to, signals_to
from embank.runner.runner import Confirm, Runner
from embank.runner.workers import Perform


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an execution ended. `state` is SUCCESS, ERROR, or INTERRUPTED when it was stopped at once."""

    exit_code: ExitCode
    state: str
    summary: Summary
    execution: Execution


@dataclass(frozen=True, slots=True)
class TakenUp:
    """An execution whose runner left off, and why it is cancelled instead of continued, if it is."""

    replayed: Replayed
    cancel_by: str = ""


def execute(
    document: Document,
    perform: Perform,
    *,
    execution: str,
    parallel: int = 4,
    fail_fast: bool = False,
    listeners: Sequence[Listener] = (),
    confirm: Confirm | None = None,
    clock: Clock | None = None,
    grace: float = GRACE,
    record: Record | None = None,
    taken_up: TakenUp | None = None,
    keep_signals: bool = False,
) -> Outcome:
    """Run a document to its end, with `perform` doing its actions. In the main thread, SIGINT, SIGTERM and
    SIGHUP stop it in order, and a second SIGINT or SIGTERM at once; `keep_signals`: they do nothing afterwards.
    What is interrupted has `grace` seconds to come to an end. `record` is where it is kept; `taken_up`: it was
    begun by another runner.

    Raises UsageError, before anything is done, for a document or options that cannot be run.
    """
    if parallel < 1:
        raise UsageError(f"--parallel must be at least 1, not {parallel}")
    clock = clock or SystemClock()
    if taken_up:
        conductor, before = taken_up.replayed.conductor, taken_up.replayed.reporter
    else:
        conductor, before = _conductor(document, execution, fail_fast), None
        if confirm is None:
            _refuse_pauses(document)
    kept_in = record.directory.state if record else STATE
    reporter = Reporter(conductor.execution, listeners, clock, before, state=kept_in)
    recorder = Recorder(conductor.execution, record.journal if record else None, clock)
    runner = Runner(
        conductor,
        perform,
        reporter,
        recorder,
        parallel=parallel,
        limits=concurrency(document),
        confirm=confirm,
        clock=clock,
        grace=grace,
    )
    left, zero, started = None, clock.monotonic(), clock.now()
    if taken_up:
        replayed = taken_up.replayed
        left, zero, started = replayed.left(zero).cancelled(taken_up.cancel_by), replayed.zero, replayed.started
        runner.codes.update(replayed.codes)
        repeated = left.repeated(conductor.state)
        recorder.line(entries.RESUMED, repeated=repeated)
        reporter.taken_up(repeated)
    else:
        reporter.opened()
    with signals_to(runner, keep=keep_signals):
        with requests_to(runner, record.directory.cancel if record else None):
            result = runner.run(left)
        times = Times(zero, clock.monotonic(), reporter.first_start, reporter.last_start, reporter.end)
        state = "INTERRUPTED" if result is None else str(result)
        summary = summarise(
            conductor.execution,
            times,
            state=state,
            started=started,
            codes=runner.codes,
            interrupted=is_interruption(runner.interrupted_by),
            warnings=reporter.warnings,
        )
        recorder.line(
            entries.STOPPED if result is None else entries.FINISHED, state=state, exit_code=int(summary.exit_code)
        )
        recorder.commit()
        if record and recorder.failed:
            summary = replace(summary, warnings=(*summary.warnings, _journal_warning(recorder, record.directory)))
        reporter.tell(ExecutionFinished(clock.now(), state, int(summary.exit_code)))
    return Outcome(summary.exit_code, state, summary, conductor.execution)


def _journal_warning(recorder: Recorder, directory: ExecutionDirectory) -> str:
    if recorder.complete:
        return f"{recorder.failed} (now it is written)"
    return (
        f"{recorder.failed}: `embank execution show` does not know how this ended. When it can be written again, "
        f"`{directory.command('resume')}` completes it"
    )


def _conductor(document: Document, execution: str, fail_fast: bool) -> Conductor:
    try:
        return Conductor(document, execution, fail_fast=fail_fast)
    except ValueError as error:
        raise UsageError(f"{document.file}: {error}") from error


def concurrency(document: Document) -> dict[str, int]:
    """How many activities of a type may be active at once: `concurrency` in the vars of the main workflow."""
    limits = document.workflows[document.main].vars.get("concurrency", {})
    place = document.workflows[document.main].place
    if not isinstance(limits, dict):
        raise UsageError(f"{place}: `concurrency` must give a number for each resource type")
    for name, limit in limits.items():
        if type(limit) is not int or limit < 1:
            raise UsageError(f"{place}: the concurrency of {name!r} must be a whole number from 1, not {limit!r}")
    return dict(limits)


def _refuse_pauses(document: Document) -> None:
    tasks = (task for workflow in document.workflows.values() for task in workflow.tasks.values())
    for task in tasks:
        if task.pause_before:
            raise UsageError(
                f"{task.place}: task {task.name!r} has `pause-before`, and there is no terminal to ask on; "
                "run it in a terminal, or take `pause-before` out"
            )


def run_document(
    document: Document,
    providers: Sequence[Provider],
    *,
    execution: str,
    parallel: int = 4,
    fail_fast: bool = False,
    listeners: Sequence[Listener] = (),
    confirm: Confirm | None = None,
    clock: Clock | None = None,
    debug: Callable[[str], None] | None = None,
    grace: float = GRACE,
    record: Record | None = None,
    taken_up: TakenUp | None = None,
    keep_signals: bool = False,
) -> Outcome:
    """Run a workflow file on this machine, with the plugins and banks of these providers. See `execute`.

    `execution` is a new id (a uuid4); `debug` is given the tracebacks of failures, without secrets.
    """
    actions = Actions(providers, debug=debug)
    try:
        return execute(
            document,
            actions.perform,
            execution=execution,
            parallel=parallel,
            fail_fast=fail_fast,
            listeners=listeners,
            confirm=confirm,
            clock=clock,
            grace=grace,
            record=record,
            taken_up=taken_up,
            keep_signals=keep_signals,
        )
    finally:
        actions.close()
