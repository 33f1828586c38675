"""What a checkpoint consists of: the objects that its manifest covers, with sizes and digests.

Data segments carry their digest in their index already and are not read again; small objects are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from embank.checkpoint.errors import Damaged
from embank.checkpoint.keys import numbered
from embank.checkpoint.objects import objects, read_json
from embank.checkpoint.section.segments import checked_index
from embank.plugins.bank import Bank, ObjectInfo

SEALED = ("README", "facts", "graph/", "resources/")  # sorted; all else in a checkpoint are records


@dataclass(frozen=True, slots=True)
class Entry:
    """One object: its key below the checkpoint, bytes, hex digest."""

    key: str
    size: int
    sha256: str


def sealed_objects(bank: Bank, above: str) -> Iterator[ObjectInfo]:
    """The objects that a manifest covers, sorted by key. `above` is the checkpoint's prefix."""
    for prefix in SEALED:
        yield from objects(bank, above + prefix)


def take_stock(bank: Bank, above: str) -> Iterator[Entry]:
    """An entry for every object that belongs to the checkpoint; what unfinished writes left is deleted.

    Raises Damaged when complete data lack a segment.
    """
    for data, group in groupby(sealed_objects(bank, above), lambda info: _data_prefix(info.key, above)):
        if data:
            yield from _data_entries(bank, above, data, list(group))
        else:
            for info in group:
                yield _entry(bank, above, info)


def digest(bank: Bank, key: str) -> str:
    """The sha256 of an object, read now. Raises ObjectMissing."""
    return _read(bank, key)[1]


def _entry(bank: Bank, above: str, info: ObjectInfo) -> Entry:
    """The entry of an object, read now. Raises Damaged when the bank gives only a part of it without saying so:
    the digest of that part would make a good object look damaged for ever.
    """
    size, sha256 = _read(bank, info.key)
    if size != info.size:
        raise Damaged(f"the object {info.key!r} has {info.size} bytes, but the bank gives {size}: try again")
    return Entry(info.key.removeprefix(above), size, sha256)


def _read(bank: Bank, key: str) -> tuple[int, str]:
    size, sha256 = 0, hashlib.sha256()
    for chunk in bank.get(key):
        size += len(chunk)
        sha256.update(chunk)
    return size, sha256.hexdigest()


def _data_prefix(key: str, above: str) -> str:
    """`resources/<type>/<id>/data/<name>/` for what lies below it, otherwise ""."""
    steps = key.removeprefix(above).split("/", 5)
    return (
        f"{above}{'/'.join(steps[:5])}/" if len(steps) == 6 and steps[0] == "resources" and steps[3] == "data" else ""
    )


def _data_entries(bank: Bank, above: str, prefix: str, found: list[ObjectInfo]) -> Iterator[Entry]:
    """The entries of the complete write with the highest number; everything else under `prefix` goes."""
    complete = [info.key for info in found if info.key.removeprefix(prefix).endswith("/index")]
    current = max(complete, default="").removesuffix("index")
    sizes = {info.key: info.size for info in found}
    for key in list(sizes):
        if not current or not key.startswith(current) or key == f"{current}claim":
            bank.delete(key)
            del sizes[key]
    if not current:
        return
    index_key = f"{current}index"
    index = checked_index(read_json(bank, index_key), prefix)
    index_size = sizes.pop(index_key)
    for number, (size, sha256) in enumerate(index["segments"], 1):
        key = f"{current}{numbered(number)}"
        if sizes.pop(key, None) != size:
            raise Damaged(f"the data {index['name']!r} are damaged: the segment {key!r} is missing or cut short")
        yield Entry(key.removeprefix(above), size, sha256)
    if sizes:
        raise Damaged(f"the data {index['name']!r} are damaged: {min(sizes)!r} does not belong to them")
    yield _entry(bank, above, ObjectInfo(index_key, index_size))  # sorts behind the numbers
