"""What is to be said of an execution that has not ended: what is open now, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from embank.clock import Clock
from embank.conductor.resuming import prospects
from embank.journal.directory import ExecutionDirectory
from embank.journal.kept import KeptExecution
from embank.journal.standing import Glance, Standing
from embank.plaintext import plain
from embank.reporting.summary_text import SHOWN, duration

HEADLINES = {
    Standing.RUNNING: "is running, since {}",
    Standing.ELSEWHERE: "had not ended in the engine when that was last asked, {} after its start",
    Standing.STOPPED: "was stopped at once, after {}",
    Standing.LEFT_OFF: "has not ended, and no runner is at work on it; its journal ends after {}",
}


def standing_text(found: KeptExecution, seen: Glance, clock: Clock) -> Iterator[str]:
    """Lines without line ends, safe for a terminal."""
    summary = found.summary(clock)
    running = seen.state in (Standing.RUNNING, Standing.ELSEWHERE)
    now = seen.state is Standing.RUNNING
    since = (clock.now() - found.replayed.started).total_seconds() if now else summary.seconds
    headline = HEADLINES.get(seen.state, "is {}").format(duration(max(0.0, since)))
    yield f"{plain(summary.workflow)}: {headline} (execution {plain(found.directory.id)})"
    yield f"  tasks: {summary.succeeded} succeeded, {summary.failed} failed, {summary.skipped} skipped"
    zero = (clock.now() - found.replayed.started).total_seconds()
    for window in summary.open[:SHOWN]:
        open_for = duration(max(0.0, zero - window.start))
        what = f"{window.phase} was started, {window.closer} is to close it"
        yield f"  OPEN for {open_for}: {plain(window.resource)}: {what}"
    if summary.open and not running:
        yield "    so the journal says; closers that run ask the checkpoint, which knows better"
    for failure in summary.failures[:SHOWN]:
        yield f"  failed: {plain(failure.task)}: {plain(failure.reason)}"
    for task, verdict, why in prospects(found.replayed.conductor.execution, found.replayed.left(clock.monotonic())):
        if verdict == "repeated":
            yield f"  {'running' if running else 'had begun'}: {plain(task)}" + ("" if running else f" ({why})")
    yield from (f"  warning: {plain(warning)}" for warning in summary.warnings)
    yield from _what_to_type(found.directory, seen, interrupted=bool(found.replayed.interrupted_by))


def _what_to_type(directory: ExecutionDirectory, seen: Glance, *, interrupted: bool) -> Iterator[str]:
    """What was being stopped does not go on: resumed it would only be closed, too."""
    cancel = plain(directory.command("cancel"))
    if seen.state is Standing.ELSEWHERE:
        yield f"  watch it:           {plain(directory.command('watch'))}"
    if seen.state in (Standing.RUNNING, Standing.ELSEWHERE):
        yield f"  stop it in order:   {cancel}"
    else:
        if not interrupted:
            yield f"  go on with it:      {plain(directory.command('resume'))}"
        yield f"  close and end it:   {cancel}"
