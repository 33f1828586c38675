"""Reporting diagnostics on stderr, and the exit code that follows from them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from embank.diagnostics import Checked, Diagnostic, Place, Severity, has_errors
from embank.errors import EmbankError, ExitCode
from embank.outputs.diagnostics import format_text, summary

T = TypeVar("T")
MOST = 200  # diagnostics shown; a file of nonsense has thousands and nobody reads them


def report(diagnostics: Sequence[Diagnostic], *, strict: bool = False) -> ExitCode:
    """Print the diagnostics, worst first, and return PROBLEMS, WARNINGS (under `strict`) or OK."""
    rank = list(Severity)
    ordered = sorted(diagnostics, key=lambda diagnostic: rank.index(diagnostic.severity))
    for block in format_text(ordered[:MOST], source_line):
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


def source_line(place: Place) -> str | None:
    """The line of a file that a place names, or None: standard input, for one, is gone by now."""
    if not place.line:
        return None
    try:
        with Path(place.file).open(encoding="utf-8", errors="replace", newline=None) as lines:
            line = next(islice(lines, place.line - 1, None), None)
    except (OSError, ValueError):
        return None
    return None if line is None else line.rstrip("\n")
