"""A bank, a clock that tests turn, and checkpoints with a small graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.facts import Facts
from embank.checkpoint.records.status import Status
from embank.checkpoint.section.section import Section
from embank.model import Resource
from embank.resource_graph import canonical, to_chunks
from embank_plugins.banks.filesystem.bank import FilesystemBank
from kit.banks import open_bank

SERVER = Resource("Test::Server", "s1", "web")
VOLUME = Resource("Test::Volume", "v1", "disk")
IMAGE = Resource("Test::Volume", "../s1", "disk with an evil id")

Begin = Callable[..., Checkpoint]
Keys = Callable[..., list[str]]


@dataclass
class TurnedClock:
    """A clock that stands still until it is turned."""

    now: datetime = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def bank(tmp_path: Path) -> FilesystemBank:
    return open_bank(tmp_path / "bank")


@pytest.fixture(scope="session")
def keys() -> Keys:
    """`keys(bank, "/data/")`: the keys of all objects, or of those with this in their key."""

    def keys(bank: FilesystemBank, part: str = "") -> list[str]:
        return [info.key for info in bank.list(limit=100_000) if part in info.key]

    return keys


@pytest.fixture
def checkpoints(bank: FilesystemBank, clock: TurnedClock) -> Checkpoints:
    """Information of volumes has a schema, that of servers none."""
    schema = {
        "type": "object",
        "properties": {"size": {"type": "integer"}, "password": {"type": "string", "maxLength": 4}},
        "required": ["size"],
    }
    return Checkpoints(bank, lambda resource_type: schema if resource_type == "Test::Volume" else None, clock)


@pytest.fixture
def begin(checkpoints: Checkpoints) -> Begin:
    """Begins a checkpoint whose graph is: the server has the volume and the image, the image has the volume."""

    def begin(id: str = "cp-1", *, execution: str = "run-1", plan: str = "nightly") -> Checkpoint:
        checkpoint = checkpoints.create(id, Facts(plan, "provider-1", execution))
        graph = canonical(
            [SERVER, VOLUME, IMAGE], [(SERVER.key, VOLUME.key), (SERVER.key, IMAGE.key), (IMAGE.key, VOLUME.key)]
        )
        chunks = list(to_chunks(graph, 200))
        assert len(chunks) > 1
        for number, chunk in enumerate(chunks, 1):
            checkpoint.save_graph_chunk(number, len(chunks), chunk)
        return checkpoint

    return begin


@pytest.fixture
def section(begin: Begin) -> Section:
    """Of the server, whose information has no schema."""
    return begin().section(SERVER)


@pytest.fixture
def checkpoint(begin: Begin) -> Checkpoint:
    """With information and data in two segments or so."""
    begun = begin()
    begun.section(SERVER).save({"flavour": "small"})
    begun.section(VOLUME).save({"size": 3})
    begun.section(VOLUME).write("disk", [b"123"])
    begun.section(IMAGE).write("disk", [b""])
    return begun


@pytest.fixture
def available(checkpoint: Checkpoint) -> Checkpoint:
    checkpoint.seal()
    checkpoint.move(Status.AVAILABLE)
    return checkpoint
