"""Exit codes, and the exceptions that carry them.

    EmbankError                 70  base class; alone it means a bug in Embank
    └── UsageError              64  the command line asks for something impossible
        └── InputUnreadable     64  a named file cannot be read at all

Others stand where they are raised: `plugins/bank.py` and `checkpoint/errors.py` have the largest families.
Functions of the compile phases return values and diagnostics. Exceptions are for misuse and I/O.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Every exit code of the `embank` command, with what it means (`embank help exit-codes`)."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> ExitCode:
        """Keep the meaning beside the number, so that there is one table."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    OK = 0, "everything is as asked"
    PROBLEMS = 1, "problems were found in an input; nothing was written"
    DIFFERENT = 2, "there are differences (compile --check: the file is stale)"
    WARNINGS = 3, "there are warnings, and --strict was given"
    FAILED = 4, "the execution failed; every closer ran"
    FAILED_OPEN = 5, "the execution failed and a closer failed: something may still be frozen"
    STALE = 6, "the provider's file, the cloud, a plugin or Embank is not what it was (resume --allow-stale goes on)"
    LOCKED = 7, "another execution or operation holds the lock or the lease"
    ENGINE = 8, "the workflow engine is unreachable or refused"
    USAGE = 64, "the command line is wrong, or a file it names cannot be read"
    INTERNAL = 70, "a bug in Embank; please report it"
    INTERRUPTED = 130, "interrupted by a signal"


class EmbankError(Exception):
    """An expected failure: the message is for a person, the exit code for a script."""

    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL


class UsageError(EmbankError):
    """The command line asks for something impossible."""

    exit_code = ExitCode.USAGE


class InputUnreadable(UsageError):
    """A named file is missing, a directory, not permitted, or otherwise not readable."""
