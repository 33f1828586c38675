"""The resource graph that a checkpoint saved, in chunks: `graph/00000001` and so on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from embank.checkpoint.errors import CheckpointError, Damaged, Incomplete
from embank.checkpoint.keys import checkpoint_prefix, numbered
from embank.checkpoint.objects import create_json_or_same, encode, objects, read_json, read_json_or_none
from embank.graph import reverse
from embank.model import Json, Resource, ResourceGraph, ResourceKey
from embank.plugins.bank import Bank
from embank.resource_graph import from_chunks


class _Known(NamedTuple):
    graph: ResourceGraph
    number: dict[ResourceKey, int]
    parents: list[list[int]]


class SavedGraph:
    """The graph of one checkpoint. Read once, and then kept: it does not change."""

    def __init__(self, bank: Bank, checkpoint: str) -> None:
        self.bank = bank
        self.checkpoint = checkpoint
        self.above = f"{checkpoint_prefix(checkpoint)}graph/"
        self._known: _Known | None = None

    def save_chunk(self, index: int, chunks: int, chunk: Mapping[str, Json]) -> None:
        """Save chunk `index` (from 1) of `chunks`. The same again is fine, another one is refused."""
        if not 1 <= index <= chunks:
            raise ValueError(f"there is no chunk {index} of {chunks}")
        if not create_json_or_same(self.bank, self.above + numbered(index), _numbered(index, chunks, chunk)):
            raise CheckpointError(
                f"the checkpoint {self.checkpoint} has another resource graph already (chunk {index})"
            )

    def has_chunk(self, index: int, chunks: int, chunk: Mapping[str, Json]) -> bool:
        """Whether just this chunk was saved."""
        found = read_json_or_none(self.bank, self.above + numbered(index))
        return found is not None and encode(found) == encode(_numbered(index, chunks, chunk))

    def graph(self) -> ResourceGraph:
        """The graph. Raises Incomplete when a chunk is missing, Damaged when they make no graph."""
        return self._know().graph

    def dependents(self, resource: ResourceKey) -> Sequence[Resource]:
        """The dependents of a resource, sorted by key."""
        graph = self._know().graph
        return tuple(graph.resources[number] for number in graph.dependents[self._find(resource)])

    def parents(self, resource: ResourceKey) -> Sequence[Resource]:
        """The resources that a resource is a dependent of, in the order of the graph."""
        known = self._know()
        return tuple(known.graph.resources[number] for number in known.parents[self._find(resource)])

    def _find(self, resource: ResourceKey) -> int:
        number = self._know().number.get(resource)
        if number is None:
            raise CheckpointError(f"the resource {resource} is not in the graph of checkpoint {self.checkpoint}")
        return number

    def _know(self) -> _Known:
        if self._known is None:  # two threads may both read it: the same twice
            graph = self._read()
            number = {resource.key: index for index, resource in enumerate(graph.resources)}
            self._known = _Known(graph, number, reverse(graph.dependents))
        return self._known

    def _read(self) -> ResourceGraph:
        chunks = [read_json(self.bank, info.key) for info in objects(self.bank, self.above)]
        wanted = {chunk.get("chunks") for chunk in chunks}
        if not chunks or wanted != {len(chunks)}:
            raise Incomplete(f"the checkpoint {self.checkpoint} holds no whole resource graph: chunks are missing")
        try:
            for chunk in chunks:
                _check_rows(chunk)
            return from_chunks(chunks)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise Damaged(f"the resource graph of checkpoint {self.checkpoint} is damaged: {error!r:.200}") from error


def _numbered(index: int, chunks: int, chunk: Mapping[str, Json]) -> dict[str, Json]:
    return {**chunk, "chunk": index, "chunks": chunks}


def _check_rows(chunk: Mapping[str, Json]) -> None:
    """Types and lengths of what `embank.resource_graph.to_chunks` wrote; the rest is seen when it is built."""
    for row in chunk.get("tree", ()):
        if [type(cell) for cell in row] != [int, str, str, str]:
            raise ValueError("a row of the tree is not [depth, type, id, name]")
    for row in chunk.get("links", ()):
        if [type(cell) for cell in row] != [str] * 4:
            raise ValueError("a link is not [type, id, type, id]")
