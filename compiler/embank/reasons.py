"""Exceptions, as one short reason for a person: no traceback, no control characters, a few lines at most."""

from __future__ import annotations

from embank.errors import EmbankError, ExitCode
from embank.plaintext import plain

LINES = 3
LENGTH = 500


class ActionFailed(EmbankError):
    """An action failed. The message is the reason, clean; `code` is the exit code that the cause asks for."""

    exit_code = ExitCode.FAILED

    def __init__(self, reason: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(reason)
        self.code = code


def text_of(error: BaseException) -> str:
    """The message of an error of ours; of another one its class too ("OSError: [Errno 28] No space left on
    device"). An exception whose own `__str__` fails is named by its class alone.
    """
    try:
        text = str(error)
    except Exception:
        text = ""
    name = type(error).__name__
    if isinstance(error, EmbankError) and text:
        return text
    return f"{name}: {text}" if text else name


def reason_of(error: BaseException) -> str:
    """`text_of`, shortened."""
    return short(text_of(error))


def code_of(error: BaseException) -> ExitCode:
    """The exit code that an exception carries."""
    if isinstance(error, ActionFailed):
        return error.code
    return error.exit_code if isinstance(error, EmbankError) else ExitCode.FAILED


def short(text: str) -> str:
    """The first lines of a text on one line, harmless on a terminal."""
    lines = [line.strip() for line in text[: 4 * LENGTH].splitlines() if line.strip()]
    return plain(" · ".join(lines[:LINES]) + (" …" if len(lines) > LINES else ""), LENGTH)
