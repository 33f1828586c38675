"""Small ways to build what the passes are given: graphs of resources whose types have activities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set

from hypothesis import strategies as st

from embank.model import ActivitySpec, Operation, Phase, Request, Resource, ResourceKey, TypeSpec
from embank.resource_graph import canonical

Aggregate = Callable[[Phase, Resource, Sequence[Resource]], str | None]


def no_aggregation(phase: Phase, resource: Resource, parents: Sequence[Resource]) -> str | None:
    return None


def type_spec(activities: str, plugin: str = "plugin", aggregate: Aggregate = no_aggregation) -> TypeSpec:
    """`type_spec("pre, ready closes pre")`: a type that implements these."""
    specs = {}
    for text in filter(None, activities.split(", ")):
        phase, _, closed = text.partition(" closes ")
        specs[Phase(phase)] = ActivitySpec(f"Do {phase}.", Phase(closed) if closed else None)
    return TypeSpec(plugin, specs, aggregate)


def request_of(
    resources: Iterable[Resource],
    edges: Iterable[tuple[ResourceKey, ResourceKey]],
    types: Mapping[str, TypeSpec],
    max_tasks: int = 10**9,
) -> Request:
    """A request to protect these, without outlining unless `max_tasks` says so."""
    graph = canonical(resources, edges)
    return Request(Operation.PROTECT, "nightly", "id", "local", "bank", graph, types, max_tasks=max_tasks)


def request(graph: str, aggregate: Mapping[str, Aggregate] = {}, max_tasks: int = 10**9, **types: str) -> Request:
    """`request("server1 > disk1 disk2, disk3", server="pre, post", disk="parallel")`: a type is a word, a
    resource is a word and a number, `>` says what is a dependent of what.
    """
    resources: dict[str, Resource] = {}
    edges = []
    for part in graph.split(", "):
        parent, _, dependents = part.partition(" > ")
        for id_ in (parent, *dependents.split()):
            resources[id_] = Resource(id_.rstrip("0123456789"), id_, id_)
        edges += [(resources[parent].key, resources[id_].key) for id_ in dependents.split()]
    specs = {
        name: type_spec(text, f"{name}-plugin", aggregate.get(name, no_aggregation)) for name, text in types.items()
    }
    return request_of(resources.values(), edges, specs, max_tasks)


def aggregation(phases: Set[Phase], keys: int) -> Aggregate:
    """Aggregate these phases by one of so many keys."""

    def key(phase: Phase, resource: Resource, parents: Sequence[Resource]) -> str | None:
        return f"key {sum(map(ord, resource.id)) % keys}" if phase in phases else None

    return key


PHASES = st.sets(st.sampled_from(list(Phase)))


@st.composite
def requests(
    draw: st.DrawFn, size: int = 40, keys: int = 0, closers: bool = False, max_tasks: int | None = None
) -> Request:
    """Random graphs of up to `size` resources of up to five types that implement random phases; with `keys`
    some activities are aggregated by one of so many keys, with `closers` some close an earlier phase.
    """
    count = draw(st.integers(0, size))
    types: dict[str, TypeSpec] = {}
    random = draw(st.randoms(use_true_random=False))
    for name in "ABCDE"[: draw(st.integers(1, 5))]:
        phases = sorted(draw(PHASES), key=list(Phase).index)
        closed = {
            phase: random.choice([None, *phases[:place]]) if closers else None for place, phase in enumerate(phases)
        }
        merged = draw(PHASES) if keys else set()
        types[name] = TypeSpec(
            draw(st.sampled_from(["one", "two"])),
            {phase: ActivitySpec(f"Do {phase}.", closed[phase]) for phase in phases},
            aggregation(merged, keys),
        )
    resources = [Resource(random.choice(list(types)), f"r{number}", f"Resource {number}") for number in range(count)]
    random.shuffle(resources)
    density = draw(st.sampled_from([0.5, 1.0, 1.5, 3.0]))  # edges for each resource
    edges = set()
    for _ in range(int(density * count) if count > 1 else 0):
        parent, dependent = sorted(random.sample(range(count), 2))
        edges.add((resources[parent].key, resources[dependent].key))
    limit = max_tasks if max_tasks is not None else draw(st.sampled_from([2, 3, 5, 8, 13, 50]))
    return request_of(resources, edges, types, limit)
