"""Reporting diagnostics on stderr, and the exit code that follows from them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from embank.diagnostics import Diagnostic, Place, Severity, has_errors
from embank.errors import ExitCode
from embank.outputs.diagnostics import format_text, summary

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
