"""The manifest: every object of a complete checkpoint with its size and sha256, written last.

    manifest/00000001      {"objects": [[key below the checkpoint, size, sha256], …]}, sorted by key
    manifest/complete      how many, how big, and the digests of the parts above

A checkpoint without `manifest/complete` is not complete, whatever else says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from embank.checkpoint.errors import Damaged, Incomplete
from embank.checkpoint.keys import checkpoint_prefix, numbered
from embank.checkpoint.objects import Clock, encode, objects, read_json, read_json_or_none, timestamp
from embank.checkpoint.seal.contents import Entry, take_stock
from embank.model import Json
from embank.plugins.bank import Bank, ObjectMissing

PART = 5_000  # objects in one part of the manifest


@dataclass(frozen=True, slots=True)
class Summary:
    """What `manifest/complete` says: when it was sealed, how many objects, bytes in all, the parts' digests."""

    sealed: str
    objects: int
    size: int
    parts: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        """As it lies in the bank."""
        return {
            "version": 1,
            "sealed": self.sealed,
            "objects": self.objects,
            "size": self.size,
            "parts": list(self.parts),
        }


class Manifest:
    """The manifest of one checkpoint."""

    def __init__(self, bank: Bank, checkpoint: str) -> None:
        self.bank = bank
        self.checkpoint = checkpoint
        self.above = checkpoint_prefix(checkpoint)
        self.complete_key = f"{self.above}manifest/complete"

    def is_complete(self) -> bool:
        """Whether `manifest/complete` and every part are there."""
        try:
            parts = self.summary().parts
        except (Incomplete, Damaged):
            return False
        return all(self.bank.stat(self._part_key(number)) for number in range(1, len(parts) + 1))

    def is_sealed(self) -> bool:
        """Whether `manifest/complete` is there: one look, for whoever is about to write."""
        return self.bank.stat(self.complete_key) is not None

    def seal(self, clock: Clock, *, part_size: int = PART) -> Summary:
        """List what there is and write it down; remove what unfinished writes left. Raises Damaged when a
        segment of complete data is missing: such a checkpoint never becomes available.
        """
        if self.is_complete():
            return self.summary()
        # What is there is overwritten, not deleted first: another worker may complete the very same meanwhile.
        digests: list[str] = []
        count = size = 0
        entries = take_stock(self.bank, self.above)
        while part := list(islice(entries, part_size)):
            data = encode({"objects": [[entry.key, entry.size, entry.sha256] for entry in part]})
            digests.append(hashlib.sha256(data).hexdigest())
            self.bank.put(self._part_key(len(digests)), [data])
            count += len(part)
            size += sum(entry.size for entry in part)
        for surplus in list(objects(self.bank, f"{self.above}manifest/", after=self._part_key(len(digests)))):
            if surplus.key != self.complete_key:
                with suppress(ObjectMissing):
                    self.bank.delete(surplus.key)
        summary = Summary(timestamp(clock()), count, size, tuple(digests))
        self.bank.put(self.complete_key, [encode(summary.to_json())])
        return summary

    def summary(self) -> Summary:
        """What the manifest says in short. Raises Incomplete when the checkpoint was never completed."""
        value = read_json_or_none(self.bank, self.complete_key)
        if value is None:
            raise Incomplete(f"the checkpoint {self.checkpoint} has no manifest: it was never completed")
        try:
            numbers, sealed, parts = (value["objects"], value["size"]), value["sealed"], tuple(value["parts"])
            if not all(type(number) is int for number in numbers) or not isinstance(sealed, str):
                raise TypeError
        except (KeyError, TypeError):
            raise Damaged(f"the manifest of checkpoint {self.checkpoint} is damaged: its summary is none") from None
        return Summary(sealed, *numbers, parts)

    def entries(self) -> Iterator[Entry]:
        """Every object that belongs to the checkpoint, sorted by key. Raises Damaged."""
        for number, sha256 in enumerate(self.summary().parts, 1):
            key = self._part_key(number)
            try:
                digest = hashlib.sha256()
                for chunk in self.bank.get(key):
                    digest.update(chunk)
                if digest.hexdigest() != sha256:
                    raise Damaged(f"the manifest is damaged: {key!r} is not what was written")
                for row in read_json(self.bank, key)["objects"]:
                    yield Entry(*row)
            except (KeyError, TypeError):
                raise Damaged(f"the manifest is damaged: {key!r} lists no objects") from None
            except ObjectMissing:
                raise Damaged(f"the manifest is damaged: {key!r} is missing") from None

    def _part_key(self, number: int) -> str:
        return f"{self.above}manifest/{numbered(number)}"
