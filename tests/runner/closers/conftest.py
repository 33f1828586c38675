"""A small world that activities open and close, with real actions, a real bank and the real runner; every call of
the plugin can go wrong.

    site ──► web ──► disk
      └────► db  ──►──┘      site: pre / post, web and db: pre / ready, disk: ready / post
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.checkpoints import Checkpoints
from embank.inputs.provider.find import Provider
from embank.inputs.workflow import parse_workflow
from embank.model import Operation, Phase, Policy, Request, Resource, ResourceKey, TypeSpec
from embank.outputs.workflow import write_workflow
from embank.passes import compile_workflow
from embank.plugins import Bank, Poll, ProtectionPlugin, closes
from embank.plugins.checks import activities
from embank.plugins.registry import LoadedBank, LoadedPlugin
from embank.reporting.events import Event, Message, TaskFailed
from embank.resource_graph import canonical
from embank.runner.local import Outcome, run_document
from embank.runner.options import Options
from embank_plugins.banks.filesystem.bank import FilesystemBank
from kit.banks import open_bank

SITE, WEB, DB, DISK = (
    Resource("T::Site", "site", "Site"),
    Resource("T::App", "web", "Web"),
    Resource("T::App", "db", "Database"),
    Resource("T::Disk", "disk", "Disk"),
)
GRAPH = canonical(
    [SITE, WEB, DB, DISK],
    [(SITE.key, WEB.key), (SITE.key, DB.key), (WEB.key, DISK.key), (DB.key, DISK.key)],
)
Call = tuple[str, str]  # the id of a resource, a phase


@dataclass
class World:
    """What is open, what was called in which order, and what is to go wrong (each fault once)."""

    faults: dict[Call, list[str]] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)  # closers that were called and had nothing to close
    release: threading.Event = field(default_factory=threading.Event)
    meet: Callable[[Call], None] = lambda call: None

    def act(self, context: Any, resources: Sequence[Resource], phase: str, does: str = "") -> Iterator[Poll]:
        """Open or close the resources, or neither; and go wrong as `faults` say."""
        fault = ""
        for resource in resources:
            call = (resource.id, phase)
            self.calls.append(call)
            self.meet(call)
            fault = self.faults[call].pop(0) if self.faults.get(call) else fault
        if fault == "fails":
            raise RuntimeError("told to fail")
        if does == "opens":
            self.open.update(resource.id for resource in resources)
            self.opened += [resource.id for resource in resources]
        yield from self._go_wrong(fault, context)
        if does == "closes":
            for resource in resources:
                (self.closed if resource.id in self.open else self.idle).append(resource.id)
                self.open.discard(resource.id)
        if fault:
            raise RuntimeError(f"{fault}, and fails")

    def _go_wrong(self, fault: str, context: Any) -> Iterator[Poll]:
        if fault == "hangs":
            self.release.wait(60)
            raise RuntimeError("released")
        if fault in ("SIGINT", "SIGTERM"):
            os.kill(os.getpid(), signal.Signals[fault])
            while not context.cancelled:
                yield Poll(after=0.01)
        while fault == "never ends":
            yield Poll(after=0.01)
        if fault == "fails half-way":
            raise RuntimeError("told to fail half-way")


class Plugin(ProtectionPlugin):
    """Every activity in this graph, on one world."""

    world: World

    def act(self, context: Any, resource: Any, phase: str, does: str = "") -> Iterator[Poll]:
        return self.world.act(context, resource if isinstance(resource, tuple) else (resource,), phase, does)


class SitePlugin(Plugin):
    """pre opens, post closes."""

    resource_types: ClassVar[tuple[str, ...]] = ("T::Site",)

    def activity_protect_pre(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> Any:
        """Take it out of service."""
        return self.act(context, resource, "pre", "opens")

    @closes("pre")
    def activity_protect_post(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> Any:
        """Put it back."""
        return self.act(context, resource, "post", "closes")


class AppPlugin(Plugin):
    """pre opens, ready closes."""

    resource_types: ClassVar[tuple[str, ...]] = ("T::App",)

    def activity_protect_pre(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> Any:
        """Freeze."""
        return self.act(context, resource, "pre", "opens")

    @closes("pre")
    def activity_protect_ready(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> Any:
        """Thaw."""
        return self.act(context, resource, "ready", "closes")


class DiskPlugin(Plugin):
    """ready opens (a snapshot), post closes."""

    resource_types: ClassVar[tuple[str, ...]] = ("T::Disk",)

    def activity_protect_ready(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> Any:
        """Take a snapshot."""
        return self.act(context, resource, "ready", "opens")

    def activity_protect_parallel(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> Any:
        """Copy the snapshot."""
        return self.act(context, resource, "parallel")

    @closes("ready")
    def activity_protect_post(self, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> Any:
        """Delete the snapshot."""
        return self.act(context, resource, "post", "closes")


@dataclass
class Ran:
    """One execution, and what came of it."""

    outcome: Outcome
    world: World
    checkpoint: Checkpoint | None
    events: list[Event]

    @property
    def still_open(self) -> list[ResourceKey]:
        """What the checkpoint says is open."""
        return [key for key, _ in self.checkpoint.open_brackets("e1")] if self.checkpoint else []

    @property
    def marked(self) -> set[str]:
        """The ids of the resources of which the checkpoint says that something was to be opened."""
        keys = (info.key.split("/") for info in self.checkpoint.bank.list("checkpoints/e1/executions/e1/brackets/"))
        return {key[6] for key in keys}

    @property
    def said(self) -> list[str]:
        """What was said, and which failures were told as they happened."""
        said = [event.text for event in self.events if isinstance(event, Message)]
        return said + [f"{event.task}: {event.reason}" for event in self.events if isinstance(event, TaskFailed)]


class Stage:
    """Compiles and runs a protect of the graph. `together`: one task thaws both applications."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.worlds: list[World] = []

    def run(
        self,
        faults: dict[Call, Any],
        *,
        timeout: int | None = None,
        together: bool = False,
        wrap: Callable[[Bank], Bank] = lambda bank: bank,
        meet: Callable[[Call], None] = lambda call: None,
        listen: Callable[[Event], None] = lambda event: None,
        **how: Any,
    ) -> Ran:
        self.count += 1
        place = self.path / f"{self.count}-{threading.get_ident()}"
        bank = open_bank(place)
        world = World({call: [kinds] if isinstance(kinds, str) else list(kinds) for call, kinds in faults.items()})
        world.meet = meet
        self.worlds.append(world)
        plugins = {}
        for plugin in (SitePlugin(None), AppPlugin(None), DiskPlugin(None)):
            plugin.world = world
            found = activities(type(plugin))
            path = "karbor.protections.t"
            plugins[plugin.resource_types[0]] = LoadedPlugin("t", path, "1", plugin, found, "0" * 64)
        types = {name: TypeSpec(name, loaded.activities[Operation.PROTECT]) for name, loaded in plugins.items()}
        if together:
            app = plugins["T::App"].activities[Operation.PROTECT]
            key = {Phase.READY: "both"}.get
            types["T::App"] = TypeSpec("T::App", app, lambda phase, resource, parents: key(phase))
        policies = {name: Policy(retry_delay=1, timeout=timeout) for name in types} if timeout else {}
        compiled = compile_workflow(
            Request(Operation.PROTECT, "t", "p-id", "P", "fs", GRAPH, types, policies=policies)
        )
        assert compiled.value is not None, compiled.diagnostics
        read = parse_workflow("".join(write_workflow(compiled.value)).encode(), "t.yaml")
        assert read.value is not None, read.diagnostics
        wrapped = wrap(bank)
        provider = Provider(
            "p-id", "P", "", True, "p.conf", "0" * 64, LoadedBank("fs", "fs", "1", FilesystemBank), plugins, (),
            lambda: wrapped, (),
        )  # fmt: skip
        seen: list[Event] = []
        options, listeners = Options(**how), [seen.append, listen]
        outcome = run_document(read.value, [provider], execution="e1", options=options, listeners=listeners)
        checkpoints = Checkpoints(bank)
        return Ran(outcome, world, checkpoints.open("e1") if "e1" in checkpoints.ids() else None, seen)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    for world in stage.worlds:
        world.release.set()
