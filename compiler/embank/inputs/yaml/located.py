"""A document as plain data, with the place of everything in it."""

from __future__ import annotations

from array import array

from embank.diagnostics import Place
from embank.model import Json

FEW = 8  # keys of a mapping that are looked for one by one


class Places:
    """Lines and columns, 8 bytes each: of a container its own, then its values' (of a mapping key, value, …).

    Containers are told apart by identity: somebody must keep them alive.
    """

    def __init__(self) -> None:
        self._packed = array("Q")
        self._starts: dict[int, int] = {}
        self._numbers: dict[int, dict[str, int]] = {}

    def add(self, container: Json, packed: list[int]) -> None:
        """Keep what was collected for a finished container."""
        self._starts[id(container)] = len(self._packed)
        self._packed.fromlist(packed)

    def get(self, container: Json, offset: int) -> int:
        """The packed place at an offset within a container's."""
        return self._packed[self._starts[id(container)] + offset]

    def number(self, mapping: Json, key: str) -> int:
        """The how-manieth key of a mapping this is, from 0."""
        if len(mapping) <= FEW:
            return list(mapping).index(key)
        numbers = self._numbers.get(id(mapping))
        if numbers is None:
            numbers = self._numbers[id(mapping)] = {known: index for index, known in enumerate(mapping)}
        return numbers[key]


def unpack(file: str, packed: int) -> Place:
    """The place of a packed one: the line in the upper 32 bits, the column in the lower, both from 1."""
    return Place(file, packed >> 32, packed & 0xFFFFFFFF)


class Located:
    """A document and its places. Do not change `value`. `sha256` is that of the file's bytes, in hex.

    The top level is a mapping. Values are None, bool, int, float, str, list, dict; keys are str.
    """

    def __init__(self, value: dict[str, Json], file: str, sha256: str, places: Places) -> None:
        self.value = value
        self.file = file
        self.sha256 = sha256
        self._places = places

    def place(self, container: list[Json] | dict[str, Json], key: int | str | None = None) -> Place:
        """Where the value under `key` (or index) begins; without one, where the container itself begins."""
        if key is None:
            offset = 0
        elif isinstance(key, int):
            offset = 1 + key
        else:
            offset = 2 + 2 * self._places.number(container, key)
        return unpack(self.file, self._places.get(container, offset))

    def key_place(self, mapping: dict[str, Json], key: str) -> Place:
        """Where the key itself stands."""
        return unpack(self.file, self._places.get(mapping, 1 + 2 * self._places.number(mapping, key)))
