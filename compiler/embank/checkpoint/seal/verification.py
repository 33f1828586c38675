"""Verify: read every object of a checkpoint back and compare it with the manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import groupby

from embank.checkpoint.errors import Damaged, Incomplete
from embank.checkpoint.seal.contents import digest, sealed_objects
from embank.checkpoint.seal.manifest import Manifest
from embank.plugins.bank import ObjectMissing

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something is wrong: `manifest`, `missing`, `extra`, `size` or `sha256`, and the key it is about."""

    kind: str
    key: str
    message: str


def verify(manifest: Manifest, progress: Progress = lambda done, total: None) -> Iterator[Finding]:
    """What is wrong, as it is found. `progress` is told the bytes read so far and in all."""
    try:
        yield from _compare(manifest, manifest.summary().size, progress)
    except (Damaged, Incomplete) as error:
        yield Finding("manifest", f"{manifest.above}manifest/", str(error))


def _compare(manifest: Manifest, total: int, progress: Progress) -> Iterator[Finding]:
    expected = ((manifest.above + entry.key, entry.size, entry.sha256) for entry in manifest.entries())
    present = ((info.key, info.size, "") for info in sealed_objects(manifest.bank, manifest.above))
    done = 0
    for key, rows in groupby(merge(expected, present, key=lambda row: row[0]), lambda row: row[0]):
        sizes = {sha256: size for _, size, sha256 in rows}
        found = sizes.pop("", None)
        if not sizes:
            yield Finding("extra", key, f"the object {key!r} does not belong to the checkpoint")
            continue
        sha256, size = sizes.popitem()
        if found is None:
            yield Finding("missing", key, f"the object {key!r} is missing")
        elif found != size:
            yield Finding("size", key, f"the object {key!r} has {found} bytes and should have {size}")
        else:
            try:
                if digest(manifest.bank, key) != sha256:
                    yield Finding("sha256", key, f"the object {key!r} is not what was written: its sha256 differs")
            except ObjectMissing:  # deleted since it was listed
                yield Finding("missing", key, f"the object {key!r} is missing")
        done += size
        progress(done, total)
