"""Putting the inputs together: the request that a compilation is a function of.

plan + resource graph + provider ──► protect          checkpoint + provider ──► restore, delete, verify
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.errors import Damaged, Incomplete
from embank.diagnostics import Checked, Diagnostic, Severity
from embank.inputs.plan.parameters import resolve_parameters
from embank.inputs.plan.plan import read_plan
from embank.inputs.plan.selection import check_types, select
from embank.inputs.plan.settings import Settings, no_settings, resolve_policies
from embank.inputs.provider.find import Provider, find_provider, load_providers
from embank.inputs.resources import read_resources
from embank.model import Operation, Phase, Request, Resource, ResourceGraph, Source, TypeSpec
from embank.plugins.registry import LoadedPlugin
from embank.resource_graph import to_chunks


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request, and the provider whose plugins it is for."""

    request: Request
    provider: Provider


def read_protect(plan_file: str, resources_file: str, directory: str | None) -> Checked[Prepared]:
    """The request to protect what a plan selects, from its files; everything wrong with any of them.

    Raises InputUnreadable.
    """
    files = load_providers(directory)
    plan = read_plan(plan_file)
    graph = read_resources(resources_file)
    problems = (*files.diagnostics, *plan.diagnostics, *graph.diagnostics)
    if files.value is None or plan.value is None or graph.value is None:
        return Checked(None, problems)
    provider = find_provider(files.value, plan.value.provider, plan.value.provider_place)
    selected = select(plan.value, graph.value)
    problems += (*provider.diagnostics, *selected.diagnostics)
    if provider.value is None or selected.value is None:
        return Checked(None, problems)
    sources = (
        Source("plan", plan_file, plan.value.sha256),
        # of what the plan selects: a resource that is none of its business does not make the workflow stale
        Source("resources", resources_file, graph_digest(selected.value)),
    )
    request = _request(
        Operation.PROTECT, plan.value.name, selected.value, provider.value, plan.value.settings, sources
    )
    return _prepared(request, provider.value, problems)


def read_operation(
    operation: Operation, checkpoint: Checkpoint, provider: Provider, settings: Settings | None = None
) -> Checked[Prepared]:
    """The request for an operation on everything that a checkpoint holds. Raises CheckpointError, BankError.

    What a protect or a delete that was killed has left can be deleted, too, with a warning.
    """
    graph, plan, problems = _holds(checkpoint, operation)
    sources = [Source("checkpoint", checkpoint.id, graph_digest(graph))]
    if settings:
        sources.append(Source("parameters", settings.located.file, settings.located.sha256))
    request = _request(operation, plan, graph, provider, settings or no_settings(), tuple(sources))
    if request.value:
        request = replace(request, value=replace(request.value, checkpoint=checkpoint.id))
    return _prepared(request, provider, problems)


def _holds(checkpoint: Checkpoint, operation: Operation) -> tuple[ResourceGraph, str, tuple[Diagnostic, ...]]:
    """What a checkpoint says it holds, and the plan it is of."""
    graph, plan, problems = ResourceGraph(), "checkpoint", []
    try:
        graph = checkpoint.graph()
    except (Damaged, Incomplete) as error:
        if operation is not Operation.DELETE:
            raise
        hint = "all of it in the bank is deleted; what plugins made elsewhere, such as snapshots, is not"
        problems.append(Diagnostic("EMB701", str(error), hint=hint, severity=Severity.WARNING))
    try:
        plan = checkpoint.facts.plan
    except (Damaged, Incomplete) as error:
        if operation is not Operation.DELETE:
            raise
        problems.append(Diagnostic("EMB701", str(error), severity=Severity.WARNING))
    return graph, plan, tuple(problems)


def _prepared(request: Checked[Request], provider: Provider, before: tuple[Diagnostic, ...]) -> Checked[Prepared]:
    prepared = None if request.value is None else Prepared(request.value, provider)
    return Checked(prepared, (*before, *request.diagnostics))


def later_request(operation: Operation, prepared: Prepared) -> Request:
    """What would be asked for on the checkpoint that a protect will make, with no parameters."""
    types = _types(operation, prepared.request.graph, prepared.provider)
    return replace(prepared.request, operation=operation, types=types, parameters={}, checkpoint="later")


def graph_digest(graph: ResourceGraph) -> str:
    """The sha256 of a resource graph, whatever file it came from (decision FILE-3)."""
    return hashlib.sha256(json.dumps(list(to_chunks(graph, 1 << 62))).encode()).hexdigest()


def _request(
    operation: Operation,
    plan: str,
    graph: ResourceGraph,
    provider: Provider,
    given: Settings,
    sources: tuple[Source, ...],
) -> Checked[Request]:
    problems: list[Diagnostic] = [*check_types(graph, provider)]
    if problems:
        return Checked(None, tuple(problems))
    parameters = resolve_parameters(given, graph, provider, operation)
    if parameters.value is None:
        return Checked(None, parameters.diagnostics)
    policies = resolve_policies(given, graph)
    request = Request(
        operation=operation,
        plan=plan,
        provider_id=provider.id,
        provider_name=provider.name,
        bank=provider.bank.name,
        graph=graph,
        types=_types(operation, graph, provider),
        parameters=parameters.value,
        policies=policies.value.by_type if policies.value else {},
        concurrency=policies.value.concurrency if policies.value else {},
        sources=(*sources, *_provider_sources(graph, provider)),
    )
    return Checked(request, (*parameters.diagnostics, *policies.diagnostics))


def _types(operation: Operation, graph: ResourceGraph, provider: Provider) -> Mapping[str, TypeSpec]:
    used = sorted({resource.type for resource in graph.resources})
    return {kind: _type(operation, provider.plugins[kind]) for kind in used}


def _type(operation: Operation, plugin: LoadedPlugin) -> TypeSpec:
    return TypeSpec(plugin.name, plugin.activities.get(operation, {}), partial(_aggregate, plugin, operation))


def _aggregate(
    plugin: LoadedPlugin, operation: Operation, phase: Phase, resource: Resource, parents: Sequence[Resource]
) -> str | None:
    return plugin.plugin.aggregate(operation, phase, resource, parents)


def _provider_sources(graph: ResourceGraph, provider: Provider) -> tuple[Source, ...]:
    """The provider, its bank, and those of its plugins that the graph needs."""
    used = {resource.type for resource in graph.resources}
    plugins = {plugin.name: plugin for kind, plugin in provider.plugins.items() if kind in used}
    return (
        Source("provider", provider.name, provider.sha256),
        *(Source("plugin", name, plugins[name].sha256, plugins[name].version) for name in sorted(plugins)),
    )
