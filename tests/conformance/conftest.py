"""A small checkpoint on a bank in memory, and one like it behind a bank with a fault."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.facts import Facts
from embank.checkpoint.status import Status
from embank.checkpoint.store import Checkpoints
from embank.conformance.faults_memory import MemoryBank
from embank.model import Resource
from embank.resource_graph import canonical, to_chunks

VOLUME = Resource("Test::Volume", "v1", "disk")


@pytest.fixture
def volume() -> Resource:
    return VOLUME


@pytest.fixture
def unsealed() -> Callable[[MemoryBank], Checkpoint]:
    """`unsealed(bank)`: a checkpoint with everything but a manifest."""

    def make(bank: MemoryBank) -> Checkpoint:
        checkpoint = Checkpoints(bank).create("c1", Facts("shop", "p", "c1"))
        checkpoint.save_graph_chunk(1, 1, next(iter(to_chunks(canonical([VOLUME], []), 10_000))))
        checkpoint.section(VOLUME).write("data", [b"x" * 1000])
        checkpoint.section(VOLUME).save({"size": 1000})
        return checkpoint

    return make


@pytest.fixture
def available(unsealed: Callable[[MemoryBank], Checkpoint]) -> Callable[[MemoryBank], Checkpoint]:
    """`available(bank)`: a complete checkpoint."""

    def make(bank: MemoryBank) -> Checkpoint:
        checkpoint = unsealed(bank)
        checkpoint.seal()
        checkpoint.move(Status.AVAILABLE)
        return checkpoint

    return make
