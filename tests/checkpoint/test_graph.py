"""The resource graph that a checkpoint saves, in chunks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.errors import (
    CheckpointError,
    Damaged,
    Incomplete,
)
from embank.checkpoint.facts import Facts
from embank.model import Resource
from embank.resource_graph import canonical, to_chunks
from embank_plugins.banks.filesystem.bank import FilesystemBank

Keys = Callable[..., list[str]]
SERVER = Resource("Test::Server", "s1", "web")
VOLUME = Resource("Test::Volume", "v1", "disk")
IMAGE = Resource("Test::Volume", "../s1", "disk with an evil id")


class TestGraph:
    def test_comes_back(self, checkpoint: Checkpoint, checkpoints: Checkpoints) -> None:
        opened = checkpoints.open("cp-1")
        assert opened.graph() == canonical(
            [SERVER, VOLUME, IMAGE], [(SERVER.key, VOLUME.key), (SERVER.key, IMAGE.key), (IMAGE.key, VOLUME.key)]
        )
        assert list(opened.dependents(SERVER)) == [IMAGE, VOLUME]
        assert sorted(map(str, opened.parents(VOLUME))) == ["Test::Server#s1", "Test::Volume#../s1"]
        assert list(opened.parents(SERVER)) == []
        assert list(opened.dependents(replace(SERVER, name="renamed"))) == [IMAGE, VOLUME]

    def test_knows_only_its_resources(self, checkpoint: Checkpoint) -> None:
        with pytest.raises(CheckpointError, match="Test::Server#s2 is not in the graph"):
            checkpoint.dependents(Resource("Test::Server", "s2", ""))

    def test_lacks_a_chunk(self, checkpoint: Checkpoint, bank: FilesystemBank, checkpoints: Checkpoints) -> None:
        bank.delete("checkpoints/cp-1/graph/00000002")
        with pytest.raises(Incomplete, match="chunks are missing"):
            checkpoints.open("cp-1").graph()
        with pytest.raises(Incomplete):
            checkpoints.open("cp-1").seal()

    def test_is_written_once(self, checkpoints: Checkpoints) -> None:
        checkpoint = checkpoints.create("cp", Facts("p", "p", "run"))
        (chunk,) = to_chunks(canonical([SERVER], []), 1000)
        checkpoint.save_graph_chunk(1, 1, chunk)
        checkpoint.save_graph_chunk(1, 1, chunk)
        (other,) = to_chunks(canonical([VOLUME], []), 1000)
        with pytest.raises(CheckpointError, match="another resource graph"):
            checkpoint.save_graph_chunk(1, 1, other)
        assert checkpoint.graph().resources == (SERVER,)

    def test_of_no_resources(self, checkpoints: Checkpoints) -> None:
        checkpoint = checkpoints.create("cp", Facts("p", "p", "run"))
        (chunk,) = to_chunks(canonical([], []), 1000)
        checkpoint.save_graph_chunk(1, 1, chunk)
        assert checkpoint.graph() == canonical([], [])

    @pytest.mark.parametrize(
        "chunk",
        [
            {"tree": [[0, "T", "a"]]},
            {"tree": [[0, "T", 1, "n"]]},
            {"tree": [[True, "T", "a", "n"]]},
            {"tree": [[3, "T", "a", "n"]]},
            {"tree": [[0, "T", "a", "n"], [0, "T", "a", "n"]]},
            {"tree": [5]},
            {"tree": 5},
            {"tree": [[0, "T", "a", "n"]], "links": [["T", "a", "T", "b"]]},
            {"tree": [[0, "T", "a", "n"]], "links": [["T", "a", "T", "a"]]},
            {"tree": [[0, "T", "a", "n"]], "links": [["T", "a"]]},
        ],
    )
    def test_damaged(
        self, checkpoint: Checkpoint, checkpoints: Checkpoints, bank: FilesystemBank, chunk: object, keys: Keys
    ) -> None:
        for key in [key for key in keys(bank) if "/graph/" in key]:
            bank.delete(key)
        assert isinstance(chunk, dict)
        bank.put("checkpoints/cp-1/graph/00000001", [json.dumps({**chunk, "chunk": 1, "chunks": 1}).encode()])
        with pytest.raises(Damaged, match="graph"):
            checkpoints.open("cp-1").graph()
