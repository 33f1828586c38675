"""One execution on this machine, from a document to its outcome."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime

from embank.actions.actions import Actions
from embank.clock import Clock, SystemClock
from embank.conductor.admission import concurrency
from embank.conductor.conductor import Conductor
from embank.conductor.execution import Execution
from embank.conductor.resuming import Outstanding, is_interruption
from embank.conductor.states import FlowState
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
from embank.runner.interruptions import requests_to, signals_to
from embank.runner.options import PLAIN, Options
from embank.runner.runner import Runner
from embank.runner.session import Session
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
    options: Options = PLAIN,
    listeners: Sequence[Listener] = (),
    clock: Clock | None = None,
    record: Record | None = None,
    taken_up: TakenUp | None = None,
) -> Outcome:
    """Run a document to its end, with `perform` doing its actions. In the main thread, SIGINT, SIGTERM and
    SIGHUP stop it in order, and a second SIGINT or SIGTERM at once. `record` is where it is kept; `taken_up`: it was
    begun by another runner.

    Raises UsageError, before anything is done, for a document that cannot be run.
    """
    clock = clock or SystemClock()
    if taken_up:
        conductor, before = taken_up.replayed.conductor, taken_up.replayed.reporter
    else:
        conductor, before = _conductor(document, execution, options), None
    state = record.directory.state if record else STATE
    reporter = Reporter(conductor.execution, listeners, clock, before, state=state)
    recorder = Recorder(conductor.execution, record.journal if record else None, clock)
    session = Session(conductor, reporter, recorder, clock, options)
    runner = Runner(session, perform, concurrency(document))
    zero, started = clock.monotonic(), clock.now()
    left = None
    if taken_up:
        zero, started = taken_up.replayed.zero, taken_up.replayed.started
        left = _take_up(taken_up, session, runner)
    else:
        reporter.opened()
    with signals_to(runner, keep=options.keep_signals):
        with requests_to(runner, record.directory.cancel if record else None):
            result = runner.run(left)
        summary = _end(session, runner, result, zero, started, record)
    return Outcome(summary.exit_code, summary.state, summary, conductor.execution)


def _conductor(document: Document, execution: str, options: Options) -> Conductor:
    """That of a new execution."""
    try:
        conductor = Conductor(document, execution, fail_fast=options.fail_fast)
    except ValueError as error:
        raise UsageError(f"{document.file}: {error}") from error
    if options.confirm is None:
        _refuse_pauses(document)
    return conductor


def _take_up(taken_up: TakenUp, session: Session, runner: Runner) -> Outstanding:
    """What another runner has left, which is told and recorded."""
    left = taken_up.replayed.left(session.clock.monotonic()).cancelled(taken_up.cancel_by)
    runner.codes.update(taken_up.replayed.codes)
    repeated = left.repeated(session.conductor.state)
    session.recorder.line(entries.RESUMED, repeated=repeated)
    session.reporter.taken_up(repeated)
    return left


def _end(
    session: Session, runner: Runner, result: FlowState | None, zero: float, started: datetime, record: Record | None
) -> Summary:
    """Say, and record, how it ended."""
    reporter, recorder, clock = session.reporter, session.recorder, session.clock
    state = "INTERRUPTED" if result is None else str(result)
    summary = summarise(
        session.execution,
        Times(zero, clock.monotonic(), reporter.first_start, reporter.last_start, reporter.end),
        state=state,
        started=started,
        codes=runner.codes,
        interrupted=is_interruption(runner.interrupted_by),
        warnings=reporter.warnings,
    )
    last = entries.STOPPED if result is None else entries.FINISHED
    recorder.line(last, state=state, exit_code=int(summary.exit_code))
    recorder.commit()
    if record and recorder.failed:
        summary = replace(summary, warnings=(*summary.warnings, _journal_warning(recorder, record.directory)))
    reporter.tell(ExecutionFinished(clock.now(), state, int(summary.exit_code)))
    return summary


def _journal_warning(recorder: Recorder, directory: ExecutionDirectory) -> str:
    if recorder.complete:
        return f"{recorder.failed} (now it is written)"
    return (
        f"{recorder.failed}: `embank execution show` does not know how this ended. When it can be written again, "
        f"`{directory.command('resume')}` completes it"
    )


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
    options: Options = PLAIN,
    listeners: Sequence[Listener] = (),
) -> Outcome:
    """Run a workflow file on this machine, with the plugins and banks of these providers, and keep nothing of it. See
    `execute`. `execution` is a new id (a uuid4).
    """
    with closing(Actions(providers)) as actions:
        return execute(document, actions.perform, execution=execution, options=options, listeners=listeners)
