"""The parameters of every resource: what a file gives, checked against the schemas of the plugins.

Types are kept (`false` stays false). Whatever is wrong is said at the place of the value that is wrong. A
line of a type that has secrets is never quoted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from embank.diagnostics import Checked, Diagnostic, Place, Severity, has_errors
from embank.inputs.plan.parameter_rules import Rules, Violation
from embank.inputs.plan.settings import Given, Settings
from embank.inputs.provider.find import Provider
from embank.inputs.resources import similar, similar_type
from embank.inputs.shape import quoted
from embank.model import Json, Operation, Parameters, ResourceGraph, ResourceKey


@dataclass(frozen=True, slots=True)
class _Merged:
    """The parameters that some resources of a type share, and where they come from."""

    type: str
    users: list[ResourceKey]
    whole: Given | None
    own: Given | None = None

    @property
    def values(self) -> dict[str, Json]:
        """Those of the resource over those of the type."""
        return {**(self.whole.values if self.whole else {}), **(self.own.values if self.own else {})}


def resolve_parameters(
    settings: Settings, graph: ResourceGraph, provider: Provider, operation: Operation
) -> Checked[Mapping[ResourceKey, Parameters]]:
    """The parameters of each resource that has any. Resources that have only their type's share one mapping.

    Types without a plugin are skipped: `check_types` reports them.
    """
    by_type: dict[str, list[ResourceKey]] = {}
    for resource in graph.resources:
        by_type.setdefault(resource.type, []).append(resource.key)
    problems = [*_unused(settings, by_type)]
    result: dict[ResourceKey, Parameters] = {}
    for kind, keys in by_type.items():
        if kind not in provider.plugins:
            continue
        rules = Rules(provider.plugins[kind].plugin.parameters_schema(operation, kind))
        for merged in _merge(settings, kind, keys):
            values = merged.values
            problems += (_diagnostic(violation, merged, settings, rules) for violation in rules.violations(values))
            if values:
                result.update(dict.fromkeys(merged.users, values))
    # What is wrong with the parameters of a type is wrong for each resource that has some of its own, too.
    found = tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.place or settings.place))
    return Checked(None if has_errors(found) else result, found)


def _merge(settings: Settings, kind: str, keys: list[ResourceKey]) -> Iterator[_Merged]:
    given = {each.id: each for each in settings.parameters if each.type == kind}
    whole = given.pop("", None)
    shared = [key for key in keys if key.id not in given]
    if shared:
        yield _Merged(kind, shared, whole)
    for key in keys:
        if key.id in given:
            yield _Merged(kind, [key], whole, given[key.id])


def _unused(settings: Settings, by_type: Mapping[str, list[ResourceKey]]) -> Iterator[Diagnostic]:
    selected = {key for keys in by_type.values() for key in keys}
    for given in settings.parameters:
        if given.type not in by_type:
            message = f"nothing of the type {quoted(given.type)} is selected: its parameters have no effect"
            hint = similar_type(given.type, by_type)
        elif given.id and ResourceKey(given.type, given.id) not in selected:
            message = f"the resource {quoted(str(given))} is not selected: its parameters have no effect"
            hint = similar(ResourceKey(given.type, given.id), by_type[given.type])
        else:
            continue
        yield Diagnostic("EMB311", message, given.place, hint, (), Severity.WARNING, secret=True)


def _diagnostic(violation: Violation, merged: _Merged, settings: Settings, rules: Rules) -> Diagnostic:
    message = f"{violation.message} (parameters of {quoted(merged.type)})"
    place = _place(violation, merged, settings)
    hint = violation.hint
    if not violation.path and not (merged.whole or merged.own):
        hint = f"{hint} under `parameters: {merged.type}:`"
    return Diagnostic(violation.code, message, place, hint, secret=rules.has_secrets)


def _place(violation: Violation, merged: _Merged, settings: Settings) -> Place:
    if not violation.path:
        given = merged.own or merged.whole
        return given.place if given else settings.place
    first, *_ = violation.path
    given = merged.own if merged.own and first in merged.own.values else merged.whole
    if given is None:
        return settings.place
    container: Json = given.values
    for step in violation.path[:-1]:
        container = container[step]
    last = violation.path[-1]
    if violation.at_key:
        return settings.located.key_place(container, str(last))
    return settings.located.place(container, last)
