"""Whole operations on a subject and its dependents: compiled, written, read and run like any other."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from embank.checkpoint.checkpoints import Checkpoints
from embank.conformance.driver import Subject
from embank.document import Document
from embank.inputs.provider.find import Provider
from embank.inputs.workflow import parse_workflow
from embank.model import Operation, Phase, Policy, Request, Resource, ResourceGraph, TypeSpec
from embank.outputs.workflow import write_workflow
from embank.passes import compile_workflow
from embank.plugins import Bank, ProtectionPlugin
from embank.plugins.registry import Component, LoadedBank, LoadedPlugin, make_plugin
from embank.reporting.events import Listener
from embank.resource_graph import canonical
from embank.runner.local import Outcome, run_document
from embank.runner.options import Options

PROVIDER = "kit"
PLAIN = Policy()  # no retries, no timeouts
PATIENCE = 30.0  # s that threads which an execution has left may take to end


def members(subject: Subject) -> Iterator[Subject]:
    """The subject and everything under it."""
    yield subject
    for dependent in subject.dependents:
        yield from members(dependent)


@dataclass
class Site:
    """A subject, and what is compiled and run with it. Every execution has plugin instances of its own, and one
    worker, so that the calls come in the same order.
    """

    subject: Subject
    _loaded: dict[str, LoadedPlugin] = field(default_factory=dict)
    _documents: dict[tuple[Operation, str, Policy], Document] = field(default_factory=dict)

    @property
    def graph(self) -> ResourceGraph:
        """The resource graph of the subject and its dependents."""
        found = {each.resource.key: each.resource for each in members(self.subject)}
        edges = [
            (each.resource.key, below.resource.key) for each in members(self.subject) for below in each.dependents
        ]
        return canonical(found.values(), edges)

    def run(
        self,
        operation: Operation,
        bank: Bank,
        execution: str,
        checkpoint: str = "",
        policy: Policy = PLAIN,
        listeners: Sequence[Listener] = (),
    ) -> Outcome:
        """Run an operation to its end, with this policy for all types, and wait for the threads that it has left."""
        plugins = self._plugins()
        document = self._document(operation, checkpoint, policy, plugins)
        before = set(threading.enumerate())
        outcome = run_document(
            document,
            [self._provider(bank, plugins)],
            execution=execution,
            options=Options(parallel=1),
            listeners=listeners,
        )
        for each in (bank, *(loaded.plugin for loaded in plugins.values())):
            if callable(release := getattr(each, "release", None)):
                release()  # what was abandoned while it hung does now what it was about to do
        for thread in set(threading.enumerate()) - before:
            thread.join(PATIENCE)
            assert not thread.is_alive(), f"{thread.name} still runs {PATIENCE} s after the execution has ended"
        return outcome

    def checkpoints(self, bank: Bank) -> Checkpoints:
        """What is really in a bank."""
        plugins = {each.resource.type: each.plugin for each in members(self.subject)}
        return Checkpoints(bank, lambda kind: plugins[kind].saved_schema(kind) if kind in plugins else None)

    def destroy(self) -> None:
        """Lose the originals."""
        for each in members(self.subject):
            each.destroy()

    def compare(self) -> None:
        """Assert that the originals are there, as they were."""
        for each in members(self.subject):
            each.compare()

    def assert_released(self) -> None:
        """Assert that nothing is frozen, stopped or staged."""
        for each in members(self.subject):
            each.assert_released()

    def _document(
        self, operation: Operation, checkpoint: str, policy: Policy, plugins: dict[str, LoadedPlugin]
    ) -> Document:
        key = (operation, checkpoint, policy)
        if key not in self._documents:
            request = self._request(operation, checkpoint, plugins)
            compiled = compile_workflow(replace(request, policies=dict.fromkeys(plugins, policy)))
            assert compiled.value is not None, compiled.diagnostics
            text = "".join(write_workflow(compiled.value))
            read = parse_workflow(text.encode(), f"({operation} of the kit)")
            assert read.value is not None, read.diagnostics
            self._documents[key] = read.value
        return self._documents[key]

    def _request(self, operation: Operation, checkpoint: str, plugins: dict[str, LoadedPlugin]) -> Request:
        return Request(
            operation=operation,
            plan="kit",
            provider_id=PROVIDER,
            provider_name=PROVIDER,
            bank="kit",
            graph=self.graph,
            types={
                kind: TypeSpec(
                    plugin.name, plugin.activities.get(operation, {}), partial(_aggregate, plugin.plugin, operation)
                )
                for kind, plugin in plugins.items()
            },
            parameters={each.resource.key: each.parameters.get(operation, {}) for each in members(self.subject)},
            checkpoint=checkpoint,
        )

    def _plugins(self) -> dict[str, LoadedPlugin]:
        """Loaded as a provider would; one instance for all the types of a class."""
        made = {type(each.plugin): type(each.plugin)(each.plugin.conf) for each in members(self.subject)}
        for each in members(self.subject):
            if each.resource.type not in self._loaded:
                kind = type(each.plugin)
                component = Component(kind.__name__, kind.__name__, "", "plugin", kind, {})
                loaded = make_plugin(component, each.plugin.conf)
                assert loaded.value is not None, loaded.diagnostics
                self._loaded[each.resource.type] = loaded.value
        return {kind: replace(loaded, plugin=made[type(loaded.plugin)]) for kind, loaded in self._loaded.items()}

    def _provider(self, bank: Bank, plugins: dict[str, LoadedPlugin]) -> Provider:
        return Provider(
            id=PROVIDER,
            name=PROVIDER,
            description="",
            enabled=True,
            file="",
            sha256="",
            bank=LoadedBank("kit", "kit", "", type(bank)),
            plugins=plugins,
            protectables=(),
            _open_bank=lambda: bank,
            _secrets=(),
        )


def _aggregate(
    plugin: ProtectionPlugin, operation: Operation, phase: Phase, resource: Resource, parents: Sequence[Resource]
) -> str | None:
    return plugin.aggregate(operation, phase, resource, parents)


def copy_of(bank: Bank, into: Bank) -> Bank:
    """Copy every object of a bank into another, empty one, which is returned."""
    marker = ""
    while page := bank.list(marker=marker):
        for info in page:
            into.put(info.key, bank.get(info.key))
            marker = info.key
    return into


def keys(bank: Bank, prefix: str = "") -> Sequence[str]:
    """The keys that begin with `prefix`; a thousand at most."""
    return [info.key for info in bank.list(prefix)]
