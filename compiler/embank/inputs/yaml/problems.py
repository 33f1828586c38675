"""libyaml's complaints, in words for a person who did not write the file's format."""

from __future__ import annotations

from yaml import MarkedYAMLError
from yaml.reader import ReaderError

from embank.diagnostics import Diagnostic, Place, Related
from embank.inputs.yaml.source import Source
from embank.model import Json

BAD_ESCAPE = "found invalid Unicode character escape code"
UNCLOSED = "is this bracket closed, and is there a comma between its values?"
INDENTATION = "check the indentation here and in the lines before"
# What libyaml says → what to do. Beginnings of its messages.
HINTS = {
    "mapping values are not allowed": "quote a value that has ': ' in it, and check the indentation",
    "found character that cannot start any token": "indent with spaces, not tabs; quote what begins with @, ` or %",
    "found unexpected end of stream": "close the quote",
    "did not find expected ',' or ']'": UNCLOSED,
    "did not find expected ',' or '}'": UNCLOSED,
    "did not find expected key": INDENTATION,
    "did not find expected '-' indicator": INDENTATION,
    "block sequence entries are not allowed": "is a bracket or quote before it not closed, or the indentation wrong?",
    "could not find expected ':'": "a key needs a colon behind it, on the same line",
    "found unknown escape character": "write a backslash as \\\\, or use single quotes",
    BAD_ESCAPE: "this is half of a character; write the whole character, or \\U and its eight digits",
    "did not find expected <document start>": "the lines before are not keys and values; is a colon missing?",
    "found undefined tag handle": "quote a value that begins with !",
}


def of_parser(error: MarkedYAMLError, file: str) -> Diagnostic:
    """A syntax error."""
    problem = error.problem or "not valid YAML"
    hint = next((hint for beginning, hint in HINTS.items() if problem.startswith(beginning)), "")
    related: tuple[Related, ...] = ()
    mark = error.problem_mark or error.context_mark
    if error.context and error.context_mark and mark and error.context_mark.line != mark.line:
        related = (Related(_place(error.context_mark, file), error.context),)
    message = f"not valid YAML: {problem}" + (f" {error.context}" if error.context else "")
    return Diagnostic("EMB101", message, _place(mark, file) if mark else Place(file), hint, related)


def of_reader(error: ReaderError, source: Source) -> Diagnostic:
    """A byte that is not UTF-8, or a character that YAML does not allow."""
    place = source.place(error.position)
    if error.reason == "control characters are not allowed":
        escape = f"\\u{error.character:04x}"
        message = f"the character U+{error.character:04X} is not allowed in YAML"
        hint = f'is this a text file? In a value, write it as "{escape}" between double quotes'
    else:
        message, hint = f"the file is not UTF-8: {error.reason}", "save it as UTF-8"
    return Diagnostic("EMB107", message, place, hint)


def named(value: Json) -> str:
    """A value's kind, for a message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return "a number"
    kinds: dict[type, str] = {str: "a single text", list: "a list", dict: "a mapping"}
    return kinds[type(value)]


def shortened(text: str) -> str:
    """A text that is short enough for a message."""
    return text if len(text) <= 60 else f"{text[:59]}…"


def _place(mark: object, file: str) -> Place:
    line, column = getattr(mark, "line", -1), getattr(mark, "column", -1)
    return Place(file, line + 1, column + 1)
