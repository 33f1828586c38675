"""Diagnostics are values: what is wrong, where, and what to do about it.

The phases that read and compile collect diagnostics and go on, so that one run reports every
problem. A problem that only follows from another one is not reported again.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class Severity(StrEnum):
    """How bad it is: an error stops the command, a warning does so under --strict."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in an input: file name as the user gave it, line and column from 1 (0: unknown)."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        parts = [self.file, *(str(number) for number in (self.line, self.column) if number)]
        return ":".join(parts)


@dataclass(frozen=True, slots=True)
class Related:
    """A secondary place, with what is to be seen there ("first defined here")."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem. `code` is a key of `embank.codes.CODES`; `hint` says what to do.

    `secret`: the line at `place` may hold a secret, so nobody quotes it.
    """

    code: str
    message: str
    place: Place | None = None
    hint: str = ""
    related: tuple[Related, ...] = ()
    severity: Severity = Severity.ERROR
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Checked(Generic[T]):
    """What a reading or compiling phase returns. `value` is None when an error made it unusable."""

    value: T | None
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def ok(self) -> bool:
        """There is a value and no diagnostic is an error."""
        return self.value is not None and not has_errors(self.diagnostics)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """True when at least one diagnostic is an error."""
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint such as "did you mean 'parallel'?", or "" when nothing is close."""
    # difflib is quadratic in the word: a hostile megabyte of a "key" has no close match anyway
    if len(word) > 200:
        return ""
    # members of a StrEnum are words, too, but their repr is not
    close = difflib.get_close_matches(word, list(map(str, known)), n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else ""
