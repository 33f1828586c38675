"""Reporting diagnostics on stderr, and the exit code that follows from them."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from embank.diagnostics import Checked, Diagnostic, Place, Severity, has_errors
from embank.errors import EmbankError, ExitCode
from embank.outputs.diagnostics import format_text, summary

T = TypeVar("T")
MOST = 200  # diagnostics shown; a file of nonsense has thousands and nobody reads them
LONGEST = 2**20  # characters of a line; nonsense may be one line of gigabytes


def report(diagnostics: Sequence[Diagnostic], *, strict: bool = False) -> ExitCode:
    """Print the diagnostics, worst first, and return PROBLEMS, WARNINGS (under `strict`) or OK."""
    rank = list(Severity)
    ordered = sorted(diagnostics, key=lambda diagnostic: rank.index(diagnostic.severity))
    lines = source_lines(ordered[:MOST])

    def read_line(place: Place) -> str | None:
        line = lines.get((place.file, place.line))
        return None if line is None or place.column > len(line) + 1 else line

    for block in format_text(ordered[:MOST], read_line):
        sys.stderr.write(block)
    if len(ordered) > MOST:
        sys.stderr.write(f"… and {len(ordered) - MOST} more\n")
    if ordered:
        sys.stderr.write(f"{summary(ordered)}\n")
    if has_errors(ordered):
        return ExitCode.PROBLEMS
    warnings = any(diagnostic.severity is Severity.WARNING for diagnostic in ordered)
    return ExitCode.WARNINGS if strict and warnings else ExitCode.OK


class Reported(EmbankError):
    """The problems were reported already; nothing is left to say."""

    exit_code = ExitCode.PROBLEMS


def need(checked: Checked[T]) -> T:
    """The value, after its diagnostics were printed. Raises Reported when it cannot be used."""
    if checked.value is None or has_errors(checked.diagnostics):
        report(checked.diagnostics)
        raise Reported
    report(checked.diagnostics)
    return checked.value


def source_lines(diagnostics: Iterable[Diagnostic]) -> dict[tuple[str, int], str]:
    """The lines that diagnostics point at, by file and number. Every file is read once, no further than needed."""
    wanted: dict[str, set[int]] = {}
    for each in diagnostics:
        if each.place and each.place.line and not each.secret:
            wanted.setdefault(each.place.file, set()).add(each.place.line)
    return {(file, number): line for file, numbers in wanted.items() for number, line in _lines(file, numbers)}


def _lines(file: str, numbers: Collection[int]) -> Iterator[tuple[int, str]]:
    """The lines of these numbers, or what there is of them: standard input, for one, is gone by now."""
    with suppress(OSError, ValueError), Path(file).open(encoding="utf-8", errors="replace") as stream:
        left, number, begins = len(numbers), 1, True
        while left and (part := stream.readline(LONGEST)):
            if begins and number in numbers:
                yield number, part.rstrip("\n")
                left -= 1
            begins = part.endswith("\n")
            number += begins
