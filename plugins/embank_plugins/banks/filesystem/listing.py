"""Which objects there are below the open directory of a filesystem bank. Raises OSError."""

from __future__ import annotations

import heapq
import os
import stat
from collections.abc import Iterator

from embank.plugins import ObjectInfo
from embank_plugins.banks.filesystem.files import scan, walk
from embank_plugins.banks.filesystem.names import Kind, decode, directories, path_of


def list_objects(root: int, prefix: str, marker: str, limit: int) -> list[ObjectInfo]:
    """See Bank.list. Only those directories are opened in which wanted keys can be, in key order."""
    above = prefix.split("/")[:-1]
    if not all(above):
        return []
    found: list[ObjectInfo] = []
    # a heap of objects, and of directories under the smallest key they can hold
    heap = [("".join(f"{segment}/" for segment in above), Kind.SEGMENT, tuple(directories(above)))]
    while heap and len(found) < limit:
        text, kind, path = heapq.heappop(heap)
        if kind is not Kind.OBJECT:
            for entry in _entries(root, text, path, prefix, marker):
                heapq.heappush(heap, entry)
        elif info := find_object(root, text):
            found.append(info)
    return found


def _entries(
    root: int, text: str, path: tuple[bytes, ...], prefix: str, marker: str
) -> Iterator[tuple[str, Kind, tuple[bytes, ...]]]:
    """What a listing has to look at in a directory: keys that begin with `prefix` and come behind `marker`."""
    try:
        with walk(root, path) as directory:
            names = scan(directory)
    except FileNotFoundError:  # deleted meanwhile, or never there
        return
    for name, is_directory in names:
        decoded = decode(name, is_directory)
        if not decoded:
            continue
        kind, piece = decoded
        start = text + piece + ("/" if kind is Kind.SEGMENT else "")
        if kind is Kind.OBJECT:
            if start.startswith(prefix) and start > marker:
                yield start, kind, ()
        elif (start.startswith(prefix) or prefix.startswith(start)) and (start > marker or marker.startswith(start)):
            yield start, kind, (*path, name)


def find_object(root: int, key: str) -> ObjectInfo | None:
    """The object under a key, or None."""
    above, name = path_of(key)
    try:
        with walk(root, above) as directory:
            found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return ObjectInfo(key, found.st_size) if stat.S_ISREG(found.st_mode) else None
