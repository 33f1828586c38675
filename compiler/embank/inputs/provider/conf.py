"""A provider file as text with the place of everything. oslo.config gives the values, this the lines.

oslo.config's own parser reads the lines, so that both agree on what a line means.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from embank.diagnostics import Diagnostic, Place

LARGEST = 2**20
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# The parser's words → what to do.
HINTS = {
    "No ':' or '=' found in assignment": "write `key = value`, or `#` before a comment",
    "Key cannot be empty": "write `key = value`",
    "Unexpected continuation line": "an indented line continues the line before, and there is none",
    "Invalid section (must end with ])": "write `[section]`",
    "Empty section name": "write `[section]`",
}


@dataclass(frozen=True, slots=True)
class Assignment:
    """One `key = value`. `section` in oslo.config's normal form; `value` as text, before any substitution."""

    section: str
    key: str
    value: str = field(repr=False)  # it may be a secret
    place: Place


@dataclass(frozen=True, slots=True)
class Conf:
    """Everything that a file says, in its order. `sections`: (name, place of its first heading)."""

    file: str
    assignments: tuple[Assignment, ...] = ()
    sections: tuple[tuple[str, Place], ...] = ()
    problems: tuple[Diagnostic, ...] = ()

    def all(self, section: str, key: str) -> tuple[Assignment, ...]:
        """Every assignment to a key."""
        return tuple(found for found in self.assignments if (found.section, found.key) == (section, key))

    def last(self, section: str, key: str) -> Assignment | None:
        """The assignment that counts, for a key with one value."""
        return next(iter(self.all(section, key)[::-1]), None)


def normal_section(name: str) -> str:
    """A section's name as oslo.config compares it: case does not matter, except in DEFAULT."""
    return name if name == "DEFAULT" else name.lower()


def read_conf(file: Path) -> Conf:
    """Read a provider file. What is wrong with its text is in `problems`; this raises nothing."""
    name = str(file)
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        message = f"the provider file cannot be read: {(error.strerror or str(error)).lower()}"
        return Conf(name, problems=(Diagnostic("EMB212", message, Place(name)),))
    text = _decode(data, name)
    return text if isinstance(text, Conf) else _parse(text, name)


def _decode(data: bytes, name: str) -> str | Conf:
    """The text, or a Conf that has only the reason why there is none."""
    message, hint, offset = "", "save it as UTF-8", 0
    if len(data) > LARGEST:
        message, hint = f"the file is larger than {LARGEST // 2**20} MiB", "is this a provider file?"
    elif data.startswith(b"\xef\xbb\xbf"):
        message, hint = "the file begins with a byte order mark", "save it as UTF-8 without one"
    else:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            message, offset = "the file is not UTF-8", error.start
        else:
            control = CONTROL.search(text)
            if control is None:
                return text
            message, hint = f"the character U+{ord(control[0]):04X} has no place here", "is this a text file?"
            offset = len(text[: control.start()].encode())
    place = Place(name, data.count(b"\n", 0, offset) + 1)
    return Conf(name, problems=(Diagnostic("EMB212", message, place, hint, secret=True),))


def _parse(text: str, name: str) -> Conf:
    from oslo_config import iniparser

    assignments: list[Assignment] = []
    sections: dict[str, Place] = {}
    problems: list[Diagnostic] = []

    class Parser(iniparser.BaseParser):
        section = ""

        def new_section(self, section: str) -> None:
            self.section = normal_section(section)
            sections.setdefault(self.section, Place(name, self.lineno))

        def assignment(self, key: str, value: list[str]) -> None:
            # Called at the line after the last one of the value.
            place = Place(name, self.lineno - len(value))
            if not self.section:
                problems.append(_problem("no section before this", place, "begin with `[provider]`"))
            else:
                assignments.append(Assignment(self.section, key, "\n".join(value), place))

    parser, lines = Parser(), _lines(text)
    while True:  # after a broken line, the parser goes on with the next one
        try:
            parser.parse(lines)
            break
        except iniparser.ParseError as error:
            problems.append(_problem(_plain(error.msg), Place(name, error.lineno), HINTS.get(error.msg, "")))
    return Conf(name, tuple(assignments), tuple(sections.items()), tuple(problems))


def _lines(text: str) -> Iterator[str]:
    yield from io.StringIO(text, newline=None)
    yield ""  # so that every value has a line after it


def _plain(message: str) -> str:
    return message[:1].lower() + message[1:]


def _problem(message: str, place: Place, hint: str) -> Diagnostic:
    return Diagnostic("EMB211", f"broken syntax: {message}", place, hint, secret=True)
