"""The shape of a small document: which keys, what kind of values. Every problem, at its place.

The messages are those a person needs who wrote the file by hand; for the many rows of a resource graph
these checks cost a tenth of a JSON Schema validator.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TypeVar

from embank.diagnostics import Checked, Diagnostic, Place, Related, Severity, did_you_mean, has_errors
from embank.inputs import yaml
from embank.inputs.yaml import Located
from embank.model import Json
from embank.plaintext import plain

T = TypeVar("T")
VERSION = 1
MOST_PROBLEMS = 100
KINDS: dict[type, str] = {str: "text", int: "a whole number", list: "a list", dict: "keys and values"}


class TooManyProblems(Exception):
    """There is no use in going on."""


class Shape:
    """Looks at a document and collects what is wrong with it."""

    def __init__(self, located: Located) -> None:
        self.located = located
        self.problems: list[Diagnostic] = []

    def problem(
        self,
        code: str,
        message: str,
        place: Place,
        hint: str = "",
        related: tuple[Related, ...] = (),
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Collect a problem. Raises TooManyProblems at the one after the hundredth."""
        if len(self.problems) >= MOST_PROBLEMS:
            rest = f"more than {MOST_PROBLEMS} problems; the rest is not shown"
            self.problems.append(Diagnostic("EMB113", rest, Place(place.file), "is this the right file?"))
            raise TooManyProblems
        self.problems.append(Diagnostic(code, message, place, hint, related, severity))

    def keys(self, mapping: dict[str, Json], known: Collection[str], what: str) -> None:
        """No other keys than these."""
        for key in mapping:
            if key not in known:
                hint = did_you_mean(key, known) or f"known here: {', '.join(known)}"
                self.problem("EMB301", f"{what} has no key {quoted(key)}", self.located.key_place(mapping, key), hint)

    def value(self, mapping: dict[str, Json], key: str, kind: type[T], what: str, *, needed: bool = True) -> T | None:
        """The value under a key, when it is there and of this kind (str: not empty either)."""
        if key not in mapping:
            if needed:
                place = self.located.place(mapping)
                self.problem("EMB302", f"{what} has no {key}", place, f"add `{key}:` with {KINDS[kind]}")
            return None
        value = mapping[key]
        if not is_kind(value, kind):
            self._wrong_kind(mapping, key, kind, what)
            return None
        if value == "":
            self.problem("EMB302", f"{key} of {what} is empty", self.located.place(mapping, key))
            return None
        kept: T = value
        return kept

    def item(self, items: list[Json], index: int, kind: type[T], what: str) -> T | None:
        """The value at an index, when it is of this kind."""
        if is_kind(items[index], kind):
            kept: T = items[index]
            return kept
        message = f"{what} should be {KINDS[kind]}, not {named(items[index])}"
        self.problem("EMB303", message, self.located.place(items, index))
        return None

    def version(self) -> None:
        """`version: 1`."""
        document = self.located.value
        place = self.located.place(document)
        if "version" not in document:
            self.problem("EMB302", "the file does not say its version", place, f"begin with `version: {VERSION}`")
        elif document["version"] != VERSION or isinstance(document["version"], bool):
            given = document["version"]
            found = quoted(given) if isinstance(given, str) else named(given).removeprefix("the number ")
            message = f"the version {found} is not known; this Embank reads version {VERSION}"
            self.problem("EMB304", message, self.located.place(document, "version"), f"write `version: {VERSION}`")

    def _wrong_kind(self, mapping: dict[str, Json], key: str, kind: type, what: str) -> None:
        value = mapping[key]
        message = f"{key} of {what} should be {KINDS[kind]}, not {named(value)}"
        hint = "put it between quotes" if kind is str and isinstance(value, bool | int | float) else ""
        self.problem("EMB303", message, self.located.place(mapping, key), hint)


def read_shaped(file: str, read: Callable[[Shape], T | None]) -> Checked[T]:
    """What `read` makes of a file; `-` is stdin. No value when anything is wrong with it. Raises InputUnreadable."""
    located = yaml.read(file)
    if located.value is None:
        return Checked(None, located.diagnostics)
    found = shaped(located.value, read)
    problems = (*located.diagnostics, *found.diagnostics)
    return Checked(None if has_errors(problems) else found.value, problems)


def shaped(located: Located, read: Callable[[Shape], T | None]) -> Checked[T]:
    """What `read` makes of a document. No value when anything is wrong with it."""
    shape = Shape(located)
    value = None
    with suppress(TooManyProblems):
        value = read(shape)
    problems = tuple(shape.problems)
    return Checked(None if has_errors(problems) else value, problems)


def is_kind(value: Json, kind: type) -> bool:
    """`isinstance`, with the difference that True is no number."""
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def named(value: Json) -> str:
    """A value's kind, for a message; small plain values as they are."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {value}"
    return KINDS[type(value)]


def quoted(text: str) -> str:
    """A text from a file, for a message: short, visible and between quotes."""
    return f"'{plain(text, 80)}'"
