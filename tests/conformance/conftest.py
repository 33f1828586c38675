"""A small checkpoint on a bank in memory, and things that the scripted plugin protects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from oslo_config import cfg

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.facts import Facts
from embank.checkpoint.records.status import Status
from embank.conformance.driver import Subject
from embank.conformance.faults.memory_bank import MemoryBank
from embank.conformance.faults.run import Site
from embank.conformance.faults.scripted_plugin import TYPE, ScriptedPlugin
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


def make_things(world: Path) -> Site:
    """A thing with another one below it, as files in a directory."""
    world.mkdir(exist_ok=True)
    file = world.with_suffix(".conf")
    file.write_text(f"[scripted]\nworld = {world}\n")
    conf = cfg.ConfigOpts()
    for section, options in ScriptedPlugin.options().items():
        conf.register_opts(options, group=section)
    conf([], default_config_files=[str(file)])
    plugin = ScriptedPlugin(conf)

    def assert_released() -> None:
        left = [path.name for path in world.iterdir() if path.suffix != ".data"]
        assert not left, f"frozen, stopped, or staged: {left}"

    def subject(id: str, data: bytes, *dependents: Subject) -> Subject:
        resource = Resource(TYPE, id, id)
        path = plugin.file(resource, "data")
        path.write_bytes(data)

        def compare() -> None:
            assert path.read_bytes() == data

        return Subject(plugin, resource, path.unlink, compare, assert_released=assert_released, dependents=dependents)

    return Site(subject("../upper", b"u" * 3000, subject("lower", b"l" * 10)))


@pytest.fixture
def things() -> Callable[[Path], Site]:
    return make_things
