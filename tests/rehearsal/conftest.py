"""Compiled documents, rehearsed and really run: real actions on a real bank, plugins that do nothing but go wrong.

site ──► web ──► disk       site: pre / post      web and db: pre / ready
  └────► db  ──►──┘         disk: ready / post
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from embank.actions.actions import Actions
from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.errors import CheckpointMissing
from embank.conformance.faults.memory_bank import MemoryBank
from embank.document import Document, TaskSpec
from embank.inputs.provider.find import Provider
from embank.inputs.workflow import parse_workflow
from embank.model import ActivitySpec, Operation, Phase, Policy, Request, Resource, ResourceGraph, TypeSpec
from embank.outputs.workflow import write_workflow
from embank.passes import compile_workflow
from embank.plugins import Poll, ProtectionPlugin, closes
from embank.plugins.checks import activities
from embank.plugins.registry import LoadedBank, LoadedPlugin
from embank.resource_graph import canonical
from embank.runner.local import execute
from embank.runner.options import Options

SITE, WEB, DB, DISK = (
    Resource("T::Site", "site", "Site"),
    Resource("T::App", "web", "Web"),
    Resource("T::App", "db", "Database"),
    Resource("T::Disk", "disk", "Disk"),
)
NO_POLICY = Policy()
GRAPH = canonical(
    [SITE, WEB, DB, DISK],
    [(SITE.key, WEB.key), (SITE.key, DB.key), (WEB.key, DISK.key), (DB.key, DISK.key)],
)


def compiled(
    operation: Operation,
    graph: ResourceGraph,
    types: Mapping[str, TypeSpec],
    *,
    policies: Mapping[str, Policy] | None = None,
    max_tasks: int = 50,
) -> Document:
    """The document that the compiler makes of it, as it is read from the file."""
    checkpoint = "" if operation is Operation.PROTECT else "e1"
    request = Request(
        operation, "t", "p-id", "P", "fs", graph, types,
        policies=policies or {}, checkpoint=checkpoint, max_tasks=max_tasks,
    )  # fmt: skip
    workflow = compile_workflow(request)
    assert workflow.value is not None, workflow.diagnostics
    read = parse_workflow("".join(write_workflow(workflow.value)).encode(), "t.yaml")
    assert read.value is not None, read.diagnostics
    return read.value


@pytest.fixture
def compile_document() -> Callable[..., Document]:
    return compiled


@pytest.fixture
def server_and_volumes() -> Callable[..., Document]:
    """A server that is frozen while snapshots of its volumes are taken; the snapshots are copied, and removed."""

    def make(volumes: int = 1, *, server: Policy = NO_POLICY, volume: Policy = NO_POLICY, **how: Any) -> Document:
        top = Resource("Server", "s", "Web server")
        below = [Resource("Volume", f"v{number}", "") for number in range(volumes)]
        types = {
            "Server": TypeSpec("s", {Phase.PRE: ActivitySpec(""), Phase.READY: ActivitySpec("", Phase.PRE)}),
            "Volume": TypeSpec(
                "v",
                {
                    Phase.READY: ActivitySpec(""),
                    Phase.PARALLEL: ActivitySpec(""),
                    Phase.POST: ActivitySpec("", Phase.READY),
                },
            ),
        }
        graph = canonical([top, *below], [(top.key, each.key) for each in below])
        return compiled(
            how.pop("operation", Operation.PROTECT),
            graph,
            types,
            policies={"Server": server, "Volume": volume},
            **how,
        )

    return make


Name = tuple[str, ...]  # what tells one task from another: its action, its phase or status, the ids of its resources

# For each type and operation the phases that are implemented, and what they close.
PLUGINS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "T::Site": {"protect": {"pre": "", "post": "pre"}, "restore": {"pre": "", "post": "pre"}, "delete": {"post": ""}},
    "T::App": {"protect": {"pre": "", "ready": "pre"}, "restore": {"parallel": ""}, "delete": {}},
    "T::Disk": {
        "protect": {"ready": "", "parallel": "", "post": "ready"},
        "restore": {"pre": "", "parallel": "pre"},
        "delete": {"parallel": ""},
    },
}


def name_of(action: str, given: Mapping[str, Any]) -> Name:
    members = given.get("resources") or ([given["resource"]] if "resource" in given else [])
    return action, str(given.get("activity", given.get("status", ""))), *(each["id"] for each in members)


@dataclass
class Ran:
    """What came of a document that was really run."""

    state: str
    exit_code: int
    tasks: dict[str, str]
    status: str
    recorded: str
    closers: list[str]  # paths
    open: list[str]


class Stage:
    """Runs documents with real actions on a real bank. One task goes wrong: it fails, or Ctrl-C is pressed."""

    def __init__(self, together: bool) -> None:
        self.bank = MemoryBank()
        self.plugins = {kind: self._plugin(kind) for kind in PLUGINS}
        self.together = together  # one task thaws both applications
        self.wrong: tuple[Name, str] | None = None
        self.called: list[Name] = []
        self._doing = threading.local()

    def _plugin(self, kind: str) -> LoadedPlugin:
        def activity(closed: str) -> Any:
            def method(plugin: Any, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> None:
                """Do something."""
                self.called.append(self._doing.name)
                self._go_wrong(context)

            return closes(closed)(method) if closed else method

        methods = {
            f"activity_{operation}_{phase}": activity(closed)
            for operation, phases in PLUGINS[kind].items()
            for phase, closed in phases.items()
        }
        plugin = type("Plugin", (ProtectionPlugin,), {"resource_types": (kind,), **methods})
        found = activities(plugin)
        return LoadedPlugin("t", "karbor.protections.t", "1", plugin(None), found, "0" * 64)

    def document(self, operation: Operation, **how: Any) -> Document:
        types = {name: TypeSpec(name, loaded.activities[operation]) for name, loaded in self.plugins.items()}
        if self.together and operation is Operation.PROTECT:
            app = types["T::App"].activities
            types["T::App"] = TypeSpec("T::App", app, lambda phase, *_: "both" if phase is Phase.READY else None)
        return compiled(operation, GRAPH, types, **how)

    def run(self, document: Document, execution: str, wrong: tuple[TaskSpec, str] | None = None, **how: Any) -> Ran:
        """Run it. `wrong`: a task, and what happens when it comes to it."""
        self.wrong = (name_of(wrong[0].action, wrong[0].input), wrong[1]) if wrong else None
        self.called.clear()
        provider = Provider(
            "p-id", "P", "", True, "p.conf", "0" * 64, LoadedBank("m", "m", "1", MemoryBank), self.plugins, (),
            lambda: self.bank, (),
        )  # fmt: skip
        actions = Actions([provider])

        def perform(job: Any, control: Any) -> Iterator[Poll]:
            self._doing.name = name_of(job.action, job.input)
            if job.action in ("embank.begin", "embank.complete"):
                self._go_wrong(control)
            yield from actions.perform(job, control)

        try:
            outcome = execute(document, perform, execution=execution, options=Options(**how))
        finally:
            actions.close()
        rows = outcome.execution
        paths = {row: rows.path(row) for row in range(len(rows.specs))}
        called = set(self.called)
        return Ran(
            state=outcome.state,
            exit_code=outcome.exit_code,
            tasks={path: str(rows.state.task[row]) for row, path in paths.items()},
            closers=[
                paths[row]
                for row, spec in enumerate(rows.specs)
                if spec.action == "embank.cleanup" and name_of(spec.action, spec.input) in called
            ],
            **self._checkpoint(execution),
        )

    def _go_wrong(self, control: Any) -> None:
        if self.wrong == (self._doing.name, "fail"):
            raise RuntimeError("told to fail")
        if self.wrong == (self._doing.name, "cancel"):
            os.kill(os.getpid(), signal.SIGTERM)  # SIGINT does nothing in a process that was started with `&`
            while not control.cancelled:
                time.sleep(0.001)

    def _checkpoint(self, execution: str) -> dict[str, Any]:
        try:
            checkpoint = Checkpoints(self.bank).open("e1")
        except CheckpointMissing:
            return {"status": "none", "recorded": "", "open": []}
        mine = [each.state for each in checkpoint.operations() if each.execution == execution]
        still_open = [str(key) for key, _ in checkpoint.open_brackets(execution)]
        return {"status": str(checkpoint.status().status), "recorded": mine[-1] if mine else "", "open": still_open}


@pytest.fixture
def stage() -> Callable[..., Stage]:
    """A stage with a bank of its own."""
    return lambda together=False: Stage(together)
