"""The summary of an execution, for a person: what went wrong comes first, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from embank.errors import ExitCode
from embank.plaintext import plain
from embank.reporting.command_lines import STATE, command_line
from embank.reporting.summary import Failure, Span, Summary
from embank.reporting.windows import Window

SHOWN = 10  # of anything that can be many
HEADLINES = {
    ExitCode.OK: "succeeded in {}",
    ExitCode.FAILED: "FAILED after {}; nothing is left open",
    ExitCode.FAILED_OPEN: "FAILED after {}, and a closer did not succeed",
    ExitCode.LOCKED: "FAILED after {}: somebody else holds the checkpoint",
    ExitCode.INTERRUPTED: "INTERRUPTED after {}",
}


def summary_text(summary: Summary, state: Path = STATE) -> Iterator[str]:
    """Lines without line ends, safe for a terminal. `state`: the state directory that it is kept in."""
    headline = HEADLINES[summary.exit_code].format(duration(summary.seconds))
    if summary.exit_code is ExitCode.LOCKED and any(failure.task == "begin" for failure in summary.failures):
        headline += "; nothing was touched"
    yield f"{plain(summary.workflow)}: {headline} (execution {plain(summary.execution)})"
    yield f"  tasks: {summary.succeeded} succeeded, {summary.failed} failed, {summary.skipped} skipped"
    others = [failure for failure in summary.failures if not failure.closer]
    for failure in others[:SHOWN]:  # what failed first comes first
        yield from _failure(failure)
    yield from _more(len(others), "failed tasks")
    for failure in summary.failures:
        if failure.closer:  # all of them: each has left something frozen
            yield from _failure(failure)
    yield from _list("not started, because of the interruption", summary.withdrawn)
    yield from _list("still running when it was stopped at once", summary.running)
    if summary.open:
        yield f"  STILL OPEN: close it by hand, or run the closers {_how(summary, state)}"
        yield from (
            f"    {_name(window)}: {window.phase} was started, {window.closer} did not succeed"
            for window in summary.open
        )
    if summary.state == "INTERRUPTED":
        yield "  it has not ended; its checkpoint stays locked until it has, or for 15 min at most:"
        yield f"    close and end it: {plain(command_line('cancel', summary.execution, state))}"
    yield from course_text(summary)
    yield from (f"  warning: {plain(warning)}" for warning in summary.warnings)


def course_text(summary: Summary) -> Iterator[str]:
    """What was held open, and what everything waited for."""
    if summary.windows:
        yield "  held open (frozen, stopped or staged):"
        yield from (f"    {_name(each)}: {_window(each)}" for each in _longest(summary.windows))
        yield from _more(len(summary.windows), "that were held open")
    yield from _critical_path(summary.critical_path)


def _how(summary: Summary, state: Path) -> str:
    """What to type; the closers ask the checkpoint what there is to do."""
    if summary.state == "INTERRUPTED" or summary.engine:
        return f"now: {plain(command_line('cancel', summary.execution, state))}"
    again = plain(command_line("resume", summary.execution, state))
    return f"again when you have mended why they failed: {again}"


def duration(seconds: float) -> str:
    """ "0.25 s", "42 s", "3 min 05 s", "2 h 07 min"."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def _critical_path(path: tuple[Span, ...]) -> Iterator[str]:
    if len(path) > SHOWN:
        yield f"  critical path (the longest {SHOWN} of {len(path)} tasks):"
        path = tuple(sorted(sorted(path, key=lambda span: -span.seconds)[:SHOWN], key=lambda span: span.start))
    elif path:
        yield "  critical path:"
    for span in path:
        yield f"    {duration(span.start):>9}  {plain(span.task)} ({duration(span.seconds)})"


def _failure(failure: Failure) -> Iterator[str]:
    tries = f" (tried {failure.attempts} times)" if failure.attempts > 1 else ""
    what = "closer failed" if failure.closer else "failed"
    yield f"  {what}: {plain(failure.task)}{tries}  [{plain(failure.place)}]"
    yield f"    {plain(failure.reason)}"
    if failure.skipped:
        names = ", ".join(plain(name) for name in failure.skipped[:SHOWN])
        more = f" and {len(failure.skipped) - SHOWN} more" if len(failure.skipped) > SHOWN else ""
        yield f"    skipped because of it: {names}{more}"


def _list(title: str, names: tuple[str, ...]) -> Iterator[str]:
    if names:
        yield f"  {title}:"
        yield from (f"    {plain(name)}" for name in names[:SHOWN])
        yield from _more(len(names), "tasks")


def _more(count: int, what: str) -> Iterator[str]:
    if count > SHOWN:
        yield f"    … and {count - SHOWN} more {what}"


def _longest(windows: tuple[Window, ...]) -> list[Window]:
    return sorted(windows, key=lambda each: (-(each.end or float("inf")) + each.start, each.resource))[:SHOWN]


def _window(window: Window) -> str:
    """From phase to closer."""
    if window.end is None:
        return f"from {window.phase} on, still open"
    return f"{duration(window.end - window.start)}, from {window.phase} to {window.closer}"


def _name(window: Window) -> str:
    return plain(window.resource if not window.name else f"{window.resource} ({window.name})", 120)
