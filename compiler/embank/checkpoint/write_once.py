"""Numbered write-once records: the latest one counts, none is ever changed, and no update is lost.

A record is created under the next free number with `if_absent`; of two writers who read the same latest
record one gets the number and the other learns that it was too late.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from embank.checkpoint.errors import Damaged
from embank.checkpoint.keys import numbered
from embank.checkpoint.objects import create_json, objects, read_json
from embank.model import Json
from embank.plugins.bank import Bank, ObjectExists, ObjectMissing


class Records:
    """The records under one prefix."""

    def __init__(self, bank: Bank, prefix: str) -> None:
        self.bank = bank
        self.prefix = prefix

    def last(self) -> int:
        """The number of the latest record; 0 when there is none."""
        number = 0
        for info in objects(self.bank, self.prefix):
            number = self._number(info.key)
        # the listing of an object store may lag behind what was put: the next numbers are asked for by name
        while self.bank.stat(self.key(number + 1)):
            number += 1
        return number

    def latest(self) -> tuple[int, dict[str, Json] | None]:
        """The latest record and its number; (0, None) when there is none."""
        number = self.last()
        return number, self.read(number) if number else None

    def all(self) -> Iterator[tuple[int, dict[str, Json]]]:
        """Every record, the oldest first."""
        for info in objects(self.bank, self.prefix):
            yield self._number(info.key), read_json(self.bank, info.key)

    def read(self, number: int) -> dict[str, Json]:
        """One record."""
        return read_json(self.bank, self.key(number))

    def create(self, number: int, value: Json) -> bool:
        """Write the record with this number; False when somebody else did."""
        try:
            create_json(self.bank, self.key(number), value)
        except ObjectExists:
            return False
        return True

    def append(self, value: Json) -> int:
        """Write a record behind all others, whoever else does so."""
        number = self.last() + 1
        while not self.create(number, value):
            number += 1
        return number

    def drop_below(self, number: int) -> None:
        """Delete the records with lower numbers."""
        for info in objects(self.bank, self.prefix):
            if self._number(info.key) < number:
                with suppress(ObjectMissing):  # somebody else does the same
                    self.bank.delete(info.key)

    def key(self, number: int) -> str:
        """The key of a record."""
        return self.prefix + numbered(number)

    def _number(self, key: str) -> int:
        digits = key.removeprefix(self.prefix)
        if not (digits.isascii() and digits.isdigit()):
            raise Damaged(f"the object {key!r} is not a numbered record: Embank did not write it")
        return int(digits)
