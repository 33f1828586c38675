"""Which resources a plan selects from a resource graph, and whether a provider can protect them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from embank.diagnostics import Checked, Diagnostic, Place, Related, Severity, has_errors
from embank.graph import depth_first
from embank.inputs.plan.plan import Mention, Plan, Selection
from embank.inputs.provider.find import Provider
from embank.inputs.resources import similar, similar_type
from embank.inputs.shape import quoted
from embank.model import ResourceGraph, ResourceKey
from embank.resource_graph import restrict

SHOWN = 5  # resources named in a message


def select(plan: Plan, graph: ResourceGraph) -> Checked[ResourceGraph]:
    """The part of the graph that the plan selects. No value when it selects nothing, or what does not exist."""
    selector = _Selector(plan, graph)
    for selection in plan.selections:
        selector.add(selection)
    kept = [node for node, selection in enumerate(selector.kept_by) if selection is not None]
    selector.warn_of_left_out()
    problems = tuple(selector.problems)
    if has_errors(problems):
        return Checked(None, problems)
    if not kept:
        message = "the plan selects nothing: everything that it selects is excluded"
        return Checked(None, (*problems, Diagnostic("EMB305", message, plan.resources_place)))
    return Checked(graph if len(kept) == len(graph.resources) else restrict(graph, kept), problems)


def check_types(graph: ResourceGraph, provider: Provider, place: Place | None = None) -> tuple[Diagnostic, ...]:
    """An error for every type in the graph that the provider has no plugin for. `place`: who chose the provider."""
    counts = Counter(resource.type for resource in graph.resources)
    there = ", ".join(sorted(provider.plugins)) or "nothing"
    problems = []
    for kind in sorted(set(counts) - set(provider.plugins)):
        first = next(resource for resource in graph.resources if resource.type == kind)
        which = quoted(str(first)) if counts[kind] == 1 else f"{counts[kind]} resources, such as {quoted(str(first))}"
        message = f"the provider {quoted(provider.name)} has no plugin for the type {quoted(kind)} of {which}"
        hint = similar_type(kind, sorted(provider.plugins)) or f"its plugins protect: {there}"
        problems.append(Diagnostic("EMB309", message, place, hint))
    return tuple(problems)


class _Selector:
    """What is selected so far: `kept_by[node]` is the entry that selected it first."""

    def __init__(self, plan: Plan, graph: ResourceGraph) -> None:
        self.problems: list[Diagnostic] = []
        self.kept_by: list[Selection | None] = [None] * len(graph.resources)
        self._whole = bytearray(len(graph.resources))  # everything under it is kept, too
        self._graph = graph
        self._plan = plan
        self._numbers: Mapping[ResourceKey, int] = {
            resource.key: node for node, resource in enumerate(graph.resources)
        }

    def add(self, selection: Selection) -> None:
        """Keep what an entry selects."""
        excluded = self._find_excluded(selection)
        node = self._find(selection.resource)
        if node is None:
            return
        earlier = self.kept_by[node]
        if earlier is not None:
            self._warn_twice(selection, earlier)
        if selection.under:
            self._keep_under(node, selection, excluded)
            self._warn_of_excluded(node, selection, excluded)
        elif earlier is None:
            self.kept_by[node] = selection

    def warn_of_left_out(self) -> None:
        """A dependent that is dropped without a word is one that nobody protects (decision INPUT-1)."""
        excluded = {mention.key for selection in self._plan.selections for mention in selection.exclude}
        warned: set[int] = set()
        for selection in self._plan.selections:
            node = self._numbers.get(selection.resource.key)
            if selection.under or node is None or node in warned:
                continue
            warned.add(node)
            below = [
                self._graph.resources[below] for below in self._graph.dependents[node] if not self.kept_by[below]
            ]
            left_out = [resource for resource in below if resource.key not in excluded]
            if left_out:
                self._warn_left_out(selection, [str(resource) for resource in left_out])

    def _keep_under(self, root: int, selection: Selection, excluded: dict[int, Mention]) -> None:
        reached: set[int] = set()
        stack = [root]
        while stack:
            node = stack.pop()
            if node in reached or node in excluded or self._whole[node]:
                continue
            reached.add(node)
            earlier = self.kept_by[node]
            if earlier is None:
                self.kept_by[node] = selection
            elif node != root and not earlier.under:
                self._warn_twice(earlier, selection)
            stack.extend(self._graph.dependents[node])
        if not excluded:
            for node in reached:
                self._whole[node] = 1

    def _warn_of_excluded(self, root: int, selection: Selection, excluded: dict[int, Mention]) -> None:
        """Excluding what is not there to be excluded is a mistake, though a harmless one."""
        key = quoted(str(selection.resource.key))
        if root in excluded:
            self._warn("EMB307", f"{key} excludes itself, and with it everything under it", excluded[root].place)
        under = set(depth_first(self._graph.dependents, [root])) if excluded else set()
        for node in sorted(set(excluded) - under):
            message = f"{quoted(str(excluded[node].key))} is not under {key}: excluding it has no effect"
            self._warn("EMB307", message, excluded[node].place)

    def _find_excluded(self, selection: Selection) -> dict[int, Mention]:
        found = ((self._find(mention), mention) for mention in selection.exclude)
        return {node: mention for node, mention in found if node is not None}

    def _find(self, mention: Mention) -> int | None:
        node = self._numbers.get(mention.key)
        if node is None:
            message = f"the resource {quoted(str(mention.key))} is not in the resource graph"
            hint = (
                similar(mention.key, self._numbers) or "is the resource graph up to date? `embank discover` writes it"
            )
            self.problems.append(Diagnostic("EMB306", message, mention.place, hint))
        return node

    def _warn_twice(self, selection: Selection, other: Selection) -> None:
        message = f"{quoted(str(selection.resource.key))} is selected twice"
        hint = "keep one of them; once is enough"
        related = Related(other.resource.place, "also selected by this")
        self._warn("EMB307", message, selection.resource.place, hint, (related,))

    def _warn_left_out(self, selection: Selection, left_out: list[str]) -> None:
        more = f" and {len(left_out) - SHOWN} more" if len(left_out) > SHOWN else ""
        names = ", ".join(quoted(name) for name in left_out[:SHOWN]) + more
        message = f"{quoted(str(selection.resource.key))} is selected without its dependents {names}"
        hint = "they are not protected; `under: {type: …, id: …}` selects them too, and `exclude` says that you know"
        self._warn("EMB308", message, selection.resource.place, hint)

    def _warn(self, code: str, message: str, place: Place, hint: str = "", related: tuple[Related, ...] = ()) -> None:
        self.problems.append(Diagnostic(code, message, place, hint, related, Severity.WARNING))
