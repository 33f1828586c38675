"""Small JSON objects in a bank, and walks over many objects. Whatever is read is checked as hostile."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from embank.checkpoint.errors import Damaged, Unfit
from embank.model import Json
from embank.plugins.bank import Bank, ObjectExists, ObjectInfo, ObjectMissing

Clock = Callable[[], datetime]
LARGEST = 64 << 20  # bytes of a JSON object: the index of 20 TB of data
DEEPEST = 100
PAGE = 10_000


def utc_now() -> datetime:
    """The clock of everything that is not given another one."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode(value: Json) -> bytes:
    """JSON as bytes, always the same for the same value. Raises Unfit for what JSON cannot say exactly."""
    return json.dumps(_plain(value, "", 0), sort_keys=True, allow_nan=False).encode()


def _plain(value: Json, path: str, depth: int) -> Json:
    """`value` with every mapping a dict and every tuple a list; json itself would turn keys into strings."""
    if depth > DEEPEST:
        raise Unfit(f"the value at {path[:200]} is nested more than {DEEPEST} levels deep")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise Unfit(f"the value at {path or '/'} has a key that is not a string but {type(key).__name__}")
        return {key: _plain(item, f"{path}/{key}", depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}/{index}", depth + 1) for index, item in enumerate(value)]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise Unfit(f"the value at {path or '/'} is of type {type(value).__name__}, which JSON cannot say")


def create_json(bank: Bank, key: str, value: Json) -> None:
    """Store a value under a key that is still free. Raises ObjectExists."""
    bank.put(key, [encode(value)], if_absent=True)


def create_json_or_same(bank: Bank, key: str, value: Json) -> bool:
    """Store a value; False when another one is already there. The same one again is fine."""
    try:
        create_json(bank, key, value)
    except ObjectExists:
        return encode(read_json(bank, key)) == encode(value)
    return True


def read_json(bank: Bank, key: str) -> dict[str, Json]:
    """The JSON object under a key. Raises ObjectMissing, or Damaged for anything but a sane JSON object."""
    data = bytearray()
    for chunk in bank.get(key):
        data += chunk
        if len(data) > LARGEST:
            raise Damaged(f"the object {key!r} has more than {LARGEST >> 20} MiB: Embank did not write it")
    try:
        value = json.loads(data.decode(), object_pairs_hook=_distinct, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"the object {key!r} is damaged: it is not what JSON allows") from error
    if not isinstance(value, dict):
        raise Damaged(f"the object {key!r} is damaged: it holds no JSON object")
    return value


def read_json_or_none(bank: Bank, key: str) -> dict[str, Json] | None:
    """The JSON object under a key, or None when there is none."""
    try:
        return read_json(bank, key)
    except ObjectMissing:
        return None


def _distinct(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice")
    return result


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def objects(bank: Bank, prefix: str, *, after: str = "") -> Iterator[ObjectInfo]:
    """Every object whose key starts with `prefix`, sorted by key, page by page."""
    while page := bank.list(prefix, marker=after, limit=PAGE):
        yield from page
        after = page[-1].key


def children(bank: Bank, above: str, start: str = "") -> Iterator[str]:
    """The segments that follow `above`, which ends at a slash, and begin with `start`: sorted, each once.

    One call to the bank for each, however much lies below it.
    """
    marker = ""
    while page := bank.list(above + start, marker=marker, limit=1):
        name, slash, _ = page[0].key.removeprefix(above).partition("/")
        yield name
        # "0" is the character behind "/": the marker stands behind all that lies below
        marker = f"{above}{name}0" if slash else page[0].key


def delete_all(bank: Bank, prefix: str) -> tuple[int, int]:
    """Delete every object below `prefix`; how many there were, and their bytes."""
    count = size = 0
    for info in objects(bank, prefix):
        try:
            bank.delete(info.key)
        except ObjectMissing:  # somebody else deletes too
            continue
        count += 1
        size += info.size
    return count, size
