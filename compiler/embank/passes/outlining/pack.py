"""How many go together: runs of a sequence packed into parts until a body has room for all.

Cuts are made where the tree is left furthest upwards, and among siblings where a checksum of the key says, not by
counting from the beginning: one resource more or less then changes one or two parts and not all that follow.
"""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

from embank.passes.outlining.layout import Layout, Part, Run

Strength = Callable[[Run, Run], tuple[int, int]]


def pack(layout: Layout, sequences: list[list[Run]], limit: int) -> list[int | Part]:
    """The entries of one body: at most `limit` (at least 2), runs of the sequences made into parts where needed."""

    def strength(left: Run, right: Run) -> tuple[int, int]:
        depth = layout.tree.depth[layout.tree.meet(left.where, right.where)]
        return depth, crc32(str(layout.keys[right.where]).encode("utf-8", "surrogatepass"))

    return _pack(sequences, limit, strength)


def _pack(sequences: list[list[Run]], limit: int, strength: Strength) -> list[int | Part]:
    while True:
        sizes = [sum(len(run.entries) for run in sequence) for sequence in sequences]
        if sum(sizes) <= limit:
            return [entry for sequence in sequences for run in sequence for entry in run.entries]
        if sum(map(bool, sizes)) > limit:
            sequences = _folded(sequences, limit, strength)
            continue
        longest = sizes.index(max(sizes))
        sequences[longest] = _shorten(sequences[longest], _room(sizes, limit), limit, strength)


def _folded(sequences: list[list[Run]], limit: int, strength: Strength) -> list[list[Run]]:
    """More sequences than entries, which takes a very low limit: front and back become a part each, at last
    all but the front.
    """
    folds = ((0, 3), (3, 4), (4, 7)) if len(sequences) == 7 else ((0, 1), (1, len(sequences)))
    result: list[list[Run]] = []
    for start, end in folds:
        filled = [sequence for sequence in sequences[start:end] if sequence]
        where = filled[0][0].where if filled else 0
        # One entry may be left as it is: a part of its own would fold for ever.
        entries = _pack(filled, limit, strength)
        result.append([Run(where, entries if len(entries) < 2 else [Part(entries)])] if filled else [])
    return result


def _room(sizes: list[int], limit: int) -> int:
    """The most entries that each sequence may have when the longest ones share evenly what the others leave."""
    room = limit
    while sum(min(size, room) for size in sizes) > limit:
        room -= 1
    return room


def _shorten(sequence: list[Run], room: int, limit: int, strength: Strength) -> list[Run]:
    """The sequence with its runs in parts: parts of many tasks, but of only as many parts as there must be."""
    if any(isinstance(entry, int) for run in sequence for entry in run.entries):
        return _grouped(sequence, limit, strength)
    capacity = min(4, limit)
    while capacity < limit:
        groups = _grouped(sequence, capacity, strength)
        if len(groups) <= room:
            return groups
        capacity *= 2
    return _grouped(sequence, limit, strength)


def _grouped(sequence: list[Run], capacity: int, strength: Strength) -> list[Run]:
    """Neighbours in parts of at most `capacity` entries, and not less than a third when it can be."""
    groups: list[Run] = []
    start = 0
    while start < len(sequence):
        end, size, best = start, 0, start
        weakest: tuple[int, int] | None = None
        while end < len(sequence) and size + len(sequence[end].entries) <= capacity:
            size += len(sequence[end].entries)
            end += 1
            if end == len(sequence):
                best = end
            elif size > 1 and 3 * size >= capacity:
                cut = strength(sequence[end - 1], sequence[end])
                if weakest is None or cut < weakest:
                    weakest, best = cut, end
        best = best if best > start else end
        entries = [entry for run in sequence[start:best] for entry in run.entries]
        groups.append(Run(sequence[start].where, entries if len(entries) == 1 else [Part(entries)]))
        start = best
    return groups
