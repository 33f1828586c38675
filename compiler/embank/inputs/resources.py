"""The resource graph file: what `embank discover` writes and a person can write by hand, YAML or JSON.

    version: 1
    resources:
      - type: Local::Application
        id: shop
        name: The shop              # for people; the id when left out
        dependents:
          - {type: Local::Directory, id: shop-files}
      - type: Local::Directory
        id: shop-files

Every resource stands in the list once, whatever it is a dependent of: a change of one is a local change.
A resource is its type and id (equal ids of different types are fine); a dependent may have several parents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from embank.diagnostics import Checked, Place, Related, Severity, did_you_mean, has_errors
from embank.graph import find_cycle
from embank.inputs import yaml
from embank.inputs.kinds import LOOKS_LIKE, Kind, kind_of
from embank.inputs.shape import VERSION, Shape, TooManyProblems, quoted
from embank.model import Json, Resource, ResourceGraph, ResourceKey
from embank.outputs.quoting import text
from embank.resource_graph import canonical

MOST_CYCLES = 5
MOST_CANDIDATES = 1000  # looking for a similar id costs time for each
KEYS = ("type", "id", "name", "dependents")
OTHERS: Mapping[Kind | None, str] = {
    Kind.WORKFLOW: LOOKS_LIKE[Kind.WORKFLOW],
    Kind.PLAN: "this looks like a plan: it stands before `--resources`, the graph behind",
}


def read_resources(file: str) -> Checked[ResourceGraph]:
    """Read a resource graph file; `-` is stdin. Raises InputUnreadable."""
    located = yaml.read(file)
    if located.value is None:
        return Checked(None, located.diagnostics)
    graph = resources_of(located.value)
    return Checked(graph.value, (*located.diagnostics, *graph.diagnostics))


def resources_of(located: yaml.Located) -> Checked[ResourceGraph]:
    """The resource graph that a document holds."""
    reader = _Reader(located)
    with suppress(TooManyProblems):
        reader.read()
    problems = tuple(reader.shape.problems)
    if has_errors(problems):
        return Checked(None, problems)
    resources = (Resource(*key, name) for key, name in reader.names.items())
    return Checked(canonical(resources, ((edge.parent, edge.dependent) for edge in reader.edges)), problems)


def write_resources(graph: ResourceGraph) -> str:
    """The file for a graph: deterministic, depth first, so that one resource more is a few lines more."""
    return "".join(_lines(graph))


def _lines(graph: ResourceGraph) -> Iterator[str]:
    yield f"version: {VERSION}\nresources:"
    yield "\n" if graph.resources else " []\n"
    for resource, below in zip(graph.resources, graph.dependents, strict=True):
        yield f"  - type: {text(resource.type)}\n    id: {text(resource.id)}\n    name: {text(resource.name)}\n"
        if below:
            yield "    dependents:\n"
        for dependent in (graph.resources[index] for index in below):
            yield f"      - {{type: {text(dependent.type, flow=True)}, id: {text(dependent.id, flow=True)}}}\n"


@dataclass(frozen=True, slots=True)
class _Edge:
    """A dependent as it is listed: `items[index]` is where."""

    parent: ResourceKey
    dependent: ResourceKey
    items: list[Json]
    index: int


class _Reader:
    """One pass over the rows, then one over the edges."""

    def __init__(self, located: yaml.Located) -> None:
        self.shape = Shape(located)
        self.names: dict[ResourceKey, str] = {}
        self.edges: list[_Edge] = []
        self._located = located
        self._rows: dict[ResourceKey, dict[str, Json]] = {}

    def read(self) -> None:
        """Everything. Raises TooManyProblems."""
        document = self._located.value
        kind = kind_of(document)
        named = kind is Kind.PLAN and "provider" not in document  # `name` alone does not make a plan of a graph
        if (other := OTHERS.get(kind)) and not named:
            self.shape.problem("EMB314", "this is no resource graph", self._located.place(document), other)
            return
        self.shape.keys(document, ("version", "resources"), "a resource graph")
        self.shape.version()
        rows = self.shape.value(document, "resources", list, "the resource graph") or []
        for index in range(len(rows)):
            self._row(rows, index)
        self._check_edges()
        if not has_errors(self.shape.problems):
            self._check_cycles()

    def _row(self, rows: list[Json], index: int) -> None:
        row = self.shape.item(rows, index, dict, "a resource")
        if row is None:
            return
        self.shape.keys(row, KEYS, "a resource")
        key = read_key(self.shape, row, "a resource")
        name = row.get("name")
        if "name" in row and not isinstance(name, str):
            self.shape.value(row, "name", str, "a resource")
        if key is None:
            return
        if key in self._rows:
            self._repeated(key, row)
            return
        self._rows[key] = row
        self.names[key] = name if isinstance(name, str) else key.id
        if "dependents" in row:
            self._dependents(key, row)

    def _repeated(self, key: ResourceKey, row: dict[str, Json]) -> None:
        first = Related(self._located.place(self._rows[key]), "first listed here")
        names = {self.names[key], row.get("name", key.id)}
        message = f"the resource {quoted(str(key))} is listed twice"
        if len(names) > 1:
            message += ", with different names: a resource is its type and id, whatever its name"
        self.shape.problem("EMB401", message, self._located.place(row), "keep one of them", (first,))

    def _dependents(self, parent: ResourceKey, row: dict[str, Json]) -> None:
        items = self.shape.value(row, "dependents", list, "a resource") or []
        seen: dict[ResourceKey, int] = {}
        for index in range(len(items)):
            item = self.shape.item(items, index, dict, "a dependent")
            if item is None:
                continue
            self.shape.keys(item, ("type", "id"), "a dependent")
            key = read_key(self.shape, item, "a dependent")
            if key is None:
                continue
            if key in seen:
                first = Related(self._located.place(items, seen[key]), "first listed here")
                message = f"{quoted(str(key))} is listed twice as a dependent of {quoted(str(parent))}"
                place = self._located.place(items, index)
                self.shape.problem("EMB404", message, place, "remove one of them", (first,), Severity.WARNING)
                continue
            seen[key] = index
            self.edges.append(_Edge(parent, key, items, index))

    def _check_edges(self) -> None:
        for edge in self.edges:
            if edge.dependent not in self._rows:
                message = f"the dependent {quoted(str(edge.dependent))} is not among the resources"
                hint = similar(edge.dependent, self._rows) or "list it as a resource, too"
                self.shape.problem("EMB402", message, self._place(edge), hint)
            elif edge.dependent == edge.parent:
                message = f"{quoted(str(edge.parent))} is a dependent of itself"
                self.shape.problem("EMB403", message, self._place(edge), "remove it from its own dependents")

    def _check_cycles(self) -> None:
        number = {key: index for index, key in enumerate(self._rows)}
        between: dict[tuple[int, int], _Edge] = {}
        targets: list[list[int]] = [[] for _ in number]
        for edge in self.edges:
            pair = (number[edge.parent], number[edge.dependent])
            between[pair] = edge
            targets[pair[0]].append(pair[1])
        for _ in range(MOST_CYCLES):
            cycle = find_cycle(targets)
            if cycle is None:
                return
            steps = [between[pair] for pair in zip(cycle, [*cycle[1:], cycle[0]], strict=True)]
            self._cycle(steps)
            targets[cycle[-1]].remove(cycle[0])  # and look whether there is another

    def _cycle(self, steps: list[_Edge]) -> None:
        path = " → ".join(quoted(str(key)) for key in [steps[0].parent, *(step.dependent for step in steps)])
        related = tuple(Related(self._place(step), f"{step.parent} → {step.dependent}") for step in steps)
        message = f"resources are dependents of each other in a cycle: {path}"
        self.shape.problem("EMB403", message, self._place(steps[0]), "remove one of these dependents", related)

    def _place(self, edge: _Edge) -> Place:
        return self._located.place(edge.items, edge.index)


def read_key(shape: Shape, mapping: dict[str, Json], what: str) -> ResourceKey | None:
    """The `type` and `id` of a mapping, when both are there and sound."""
    type_, id_ = mapping.get("type"), mapping.get("id")
    if not (isinstance(type_, str) and type_ and isinstance(id_, str) and id_):
        shape.value(mapping, "type", str, what)
        shape.value(mapping, "id", str, what)
        return None
    if "#" in type_ or " " in type_ or not type_.isprintable():
        message = f"{quoted(type_)} cannot be a resource type"
        hint = "a type is text without spaces and '#', such as Local::Directory"
        shape.problem("EMB303", message, shape.located.place(mapping, "type"), hint)
        return None
    return ResourceKey(type_, id_)


def similar(key: ResourceKey, known: Iterable[ResourceKey]) -> str:
    """A did-you-mean for a resource that does not exist: the same id of another type, or a similar id."""
    candidates = list(
        islice((str(other) for other in known if key.type == other.type or key.id == other.id), MOST_CANDIDATES)
    )
    return did_you_mean(str(key), candidates)


def similar_type(kind: str, known: Iterable[str]) -> str:
    """A did-you-mean for a type: by what stands behind the last `::`, for the rest is often the same."""
    tail = kind.rpartition("::")[2]
    close = (other for other in known if did_you_mean(tail, [other.rpartition("::")[2]]))
    return next((f"did you mean {other!r}?" for other in close), "")
