"""Diagnostics as text: the message, the place, the line with a caret, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from embank.diagnostics import Diagnostic, Place, Severity
from embank.plaintext import plain

ReadLine = Callable[[Place], str | None]
WIDEST = 160  # of a quoted source line; a minified JSON file has one line of megabytes


def format_text(diagnostics: Iterable[Diagnostic], read_line: ReadLine) -> Iterator[str]:
    """One block of lines a diagnostic. `read_line` gives the source line of a place, or None."""
    for diagnostic in diagnostics:
        yield f"{diagnostic.severity} {diagnostic.code}: {plain(diagnostic.message)}\n"
        if diagnostic.place:
            yield f"  --> {plain(str(diagnostic.place))}\n"
            if not diagnostic.secret:
                yield from _snippet(diagnostic.place, read_line(diagnostic.place))
        for related in diagnostic.related:
            yield f"  {plain(str(related.place))}: {plain(related.message)}\n"
        if diagnostic.hint:
            yield f"  hint: {plain(diagnostic.hint)}\n"


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """Such as "2 errors, 1 warning"; "" for none."""
    counts = dict.fromkeys(Severity, 0)
    for diagnostic in diagnostics:
        counts[diagnostic.severity] += 1
    return ", ".join(f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts.items() if count)


def _snippet(place: Place, line: str | None) -> Iterator[str]:
    if line is None:
        return
    gutter = " " * len(str(place.line))
    start = max(0, place.column - WIDEST // 2) if len(line) > WIDEST else 0
    shown = plain(line[start : start + WIDEST])
    yield f"  {place.line} | {shown}\n"
    if place.column:
        # what stands before the caret may have become longer by escaping
        before = plain(line[start : place.column - 1])
        yield f"  {gutter} | {' ' * len(before)}^\n"
