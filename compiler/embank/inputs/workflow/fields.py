"""The keys of one mapping, taken one by one: what is wrong is collected, what is right returned."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from embank.diagnostics import did_you_mean
from embank.inputs.shape import Shape, is_kind, named, quoted
from embank.inputs.workflow.keys import SECONDS
from embank.model import Json


class Fields:
    """A mapping that is being read. `what` is its name for messages: "task 'x'"."""

    __slots__ = ("_mapping", "_shape", "_what")

    def __init__(self, shape: Shape, mapping: dict[str, Json], what: str) -> None:
        self._shape = shape
        self._mapping = mapping
        self._what = what

    def only(self, known: Collection[str], refused: Mapping[str, str]) -> None:
        """No other keys than these. `refused` gives the reason for keys that a person may expect to work."""
        for key in self._mapping:
            if key in refused:
                self._key_problem("EMB604", f"{self._what}: `{key}` is not supported", key, refused[key])
            elif key not in known:
                hint = did_you_mean(key, known) or f"known here: {', '.join(known)}"
                self._key_problem("EMB603", f"{self._what} has no key {quoted(key)}", key, hint)

    def needs(self, key: str, hint: str) -> bool:
        """Whether a key is there; a problem if not."""
        if key not in self._mapping:
            place = self._shape.located.place(self._mapping)
            self._shape.problem("EMB602", f"{self._what} has no {key}", place, hint)
        return key in self._mapping

    def text(self, key: str) -> str:
        """Text on any number of lines; "" when it is not there."""
        value: str = self._value(key, str, "text", "")
        return value

    def number(self, key: str, least: int) -> int | None:
        """A whole number; None when it is not there."""
        value: int | None = self._value(key, int, "a whole number", None)
        if value is not None and value < least:
            self.problem("EMB605", f"{key} must be at least {least}", key)
            return None
        return value

    def seconds(self, key: str, least: int) -> int | None:
        """A whole number of seconds that engines can count; None when it is not there."""
        value = self.number(key, least)
        if value is not None and value > SECONDS:
            self.problem("EMB621", f"{key} must be at most {SECONDS} seconds", key, "leave it out for no limit")
            return None
        return value

    def flag(self, key: str) -> bool:
        """True or false; False when it is not there."""
        value: bool = self._value(key, bool, "true or false", False)
        return value

    def mapping(self, key: str) -> dict[str, Json]:
        """Keys and values; {} when it is not there."""
        value: dict[str, Json] = self._value(key, dict, "keys and values", {})
        return value

    def names(self, key: str, *, single: bool = True) -> tuple[str, ...]:
        """A list of names without repetitions, or a `single` one; () when it is not there."""
        if key not in self._mapping:
            return ()
        value = self._mapping[key]
        if single and isinstance(value, str) and value:
            return (value,)
        items: list[Json] = self._value(key, list, "a list of names", [])
        kept = tuple(item for item in items if isinstance(item, str) and item)
        if len(kept) != len(items) or len(set(kept)) != len(kept):
            self._odd_names(key, items)
        return tuple(dict.fromkeys(kept))

    def problem(self, code: str, message: str, key: str, hint: str = "") -> None:
        """Something is wrong with the value of a key."""
        place = self._shape.located.place(self._mapping, key)
        self._shape.problem(code, f"{self._what}: {message}", place, hint)

    def _value(self, key: str, kind: type, words: str, absent: Any) -> Any:
        if key not in self._mapping:
            return absent
        value = self._mapping[key]
        if value is None or (isinstance(value, (str, list, dict)) and not value):
            self.problem("EMB606", f"{key} is empty", key, "leave it out: engines refuse what is empty")
        elif is_kind(value, kind):
            return value
        else:
            hint = "expressions are supported in `input` only" if isinstance(value, str) and "<%" in value else ""
            self.problem("EMB605", f"{key} must be {words}, not {named(value)}", key, hint)
        return absent

    def _odd_names(self, key: str, items: list[Json]) -> None:
        seen: set[str] = set()
        for index, item in enumerate(items):
            place = self._shape.located.place(items, index)
            if not isinstance(item, str) or not item:
                hint = (
                    "conditions and defaults are not supported: give the name alone" if isinstance(item, dict) else ""
                )
                self._shape.problem("EMB605", f"{self._what}: {key} must list names, not {named(item)}", place, hint)
            elif item in seen:
                message = f"{self._what}: {key} names {quoted(item)} twice"
                self._shape.problem("EMB610", message, place, "engines refuse this: take one out")
            else:
                seen.add(item)

    def _key_problem(self, code: str, message: str, key: str, hint: str) -> None:
        self._shape.problem(code, message, self._shape.located.key_place(self._mapping, key), hint)
