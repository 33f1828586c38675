"""Asking the protectables of a provider what there is: the resource graph that `embank discover` writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import ClassVar

from embank.errors import EmbankError, ExitCode
from embank.graph import find_cycle
from embank.inputs.provider.find import Provider
from embank.model import Resource, ResourceGraph, ResourceKey
from embank.plugins import Protectable
from embank.plugins.installed import summary
from embank.resource_graph import canonical


class DiscoveryFailed(EmbankError):
    """The resource graph could not be found out completely, and an incomplete one is worse than none."""

    exit_code: ClassVar[ExitCode] = ExitCode.PROBLEMS


def discover(provider: Provider) -> ResourceGraph:
    """Every resource that the provider's protectables list, and every dependent of these, each asked for once.

    Raises DiscoveryFailed when a listing fails or contradicts another one, or when there is a cycle.
    """
    if not provider.protectables:
        raise DiscoveryFailed(f"the provider {provider.name!r} has no protectable: nothing lists its resources")
    return _Discovery(provider).run()


def undiscoverable(provider: Provider) -> tuple[str, ...]:
    """The types that the provider has a plugin for, and no protectable that would list them."""
    return tuple(sorted(set(provider.plugins) - {each.resource_type for each in provider.protectables}))


class _Discovery:
    """What has been found so far. `_waiting` are resources whose dependents were not asked for yet."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._protectables = sorted(provider.protectables, key=lambda each: each.resource_type)
        self._found: dict[ResourceKey, Resource] = {}
        self._waiting: list[Resource] = []
        self._edges: dict[tuple[ResourceKey, ResourceKey], None] = {}

    def run(self) -> ResourceGraph:
        below: dict[str, list[Protectable]] = {}
        for protectable in self._protectables:
            for kind in protectable.parent_types:
                below.setdefault(kind, []).append(protectable)
            for resource in self._ask(protectable, protectable.list_resources, None):
                self._add(resource)
        while self._waiting:
            parent = self._waiting.pop()
            for protectable in below.get(parent.type, ()):
                for resource in self._ask(protectable, partial(protectable.list_dependents, parent), parent):
                    self._add(resource)
                    self._edges[parent.key, resource.key] = None
        self._refuse_cycle()
        return canonical(self._found.values(), self._edges)

    def _ask(
        self, protectable: Protectable, listing: Callable[[], Iterable[Resource]], parent: Resource | None
    ) -> list[Resource]:
        what = f"listing {protectable.resource_type}" + (f" under {str(parent)!r}" if parent else "")
        try:
            resources = list(listing())
        except Exception as error:  # somebody else's code
            reason = self._provider.without_secrets(summary(error))
            raise DiscoveryFailed(f"{what} failed: {reason}") from None
        for resource in resources:
            wrong = _wrong(resource, protectable.resource_type)
            if wrong:
                raise DiscoveryFailed(f"{what} gave {wrong}: this is a mistake in {type(protectable).__qualname__}")
        return resources

    def _add(self, resource: Resource) -> None:
        known = self._found.get(resource.key)
        if known is None:
            self._found[resource.key] = resource
            self._waiting.append(resource)
        elif known.name != resource.name:
            raise DiscoveryFailed(
                f"{str(resource)!r} was listed under two names, {known.name!r} and {resource.name!r}: "
                "was it renamed just now? Then try again"
            )

    def _refuse_cycle(self) -> None:
        keys = list(self._found)
        number = {key: index for index, key in enumerate(keys)}
        targets: list[list[int]] = [[] for _ in keys]
        for parent, dependent in self._edges:
            targets[number[parent]].append(number[dependent])
        cycle = find_cycle(targets)
        if cycle:
            path = " → ".join(repr(str(keys[node])) for node in [*cycle, cycle[0]])
            raise DiscoveryFailed(f"resources are dependents of each other in a cycle: {path}")


def _wrong(resource: object, kind: str) -> str:
    """What is wrong with something that a protectable listed; "" when nothing is."""
    if not isinstance(resource, Resource):
        return f"{type(resource).__name__} instead of a Resource"
    if resource.type != kind:
        return f"a resource of the type {resource.type!r}"
    if not isinstance(resource.id, str) or not resource.id or not isinstance(resource.name, str):
        return "a resource whose id or name is not text"
    try:
        f"{resource.id}{resource.name}".encode()
    except UnicodeEncodeError:
        return f"a resource whose id or name is not text: {resource.id!r}, {resource.name!r}"
    return ""
