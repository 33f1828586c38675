"""Exceptions, as one short reason for a person: no traceback, no control characters, a few lines at most."""

from __future__ import annotations

from embank.errors import EmbankError
from embank.plaintext import plain

LINES = 3
LENGTH = 500


def reason_of(error: BaseException) -> str:
    """The message of an error of ours; of another one its class too ("OSError: [Errno 28] No space left on
    device"). An exception whose own `__str__` fails is named by its class alone.
    """
    try:
        text = str(error)
    except Exception:
        text = ""
    name = type(error).__name__
    return short(text) if isinstance(error, EmbankError) and text else short(f"{name}: {text}" if text else name)


def short(text: str) -> str:
    """The first lines of a text on one line, harmless on a terminal."""
    lines = [line.strip() for line in text[: 4 * LENGTH].splitlines() if line.strip()]
    return plain(" · ".join(lines[:LINES]) + (" …" if len(lines) > LINES else ""), LENGTH)
