"""The values that flow through the compiler. Frozen, without I/O, without behaviour to speak of.

    plan + resource graph ──► Request ──► Workflow ──passes──► Workflow ──► workflow file

Words are those of docs/design.md, 1: resource, dependent, operation, phase, activity, task, workflow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

Json = Any  # what JSON can say: None, bool, int, float, str, list, dict with string keys
Parameters = Mapping[str, Json]
EMPTY: Parameters = MappingProxyType({})


class Operation(StrEnum):
    """What a provider does with resources."""

    PROTECT = "protect"
    RESTORE = "restore"
    DELETE = "delete"
    VERIFY = "verify"


class Phase(StrEnum):
    """When an activity runs in respect of the others (docs/reference.md, "Operation Activities")."""

    PRE = "pre"
    READY = "ready"
    PARALLEL = "parallel"
    POST = "post"


class ResourceKey(NamedTuple):
    """The identity of a resource. Its name is not part of it: a rename is not a new resource."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}#{self.id}"


@dataclass(frozen=True, slots=True)
class Resource:
    """A node of the resource graph. `name` is for people."""

    type: str
    id: str
    name: str

    @property
    def key(self) -> ResourceKey:
        """The identity: (type, id)."""
        return ResourceKey(self.type, self.id)

    def __str__(self) -> str:
        return f"{self.type}#{self.id}"


@dataclass(frozen=True, slots=True)
class ResourceGraph:
    """An acyclic graph in canonical form (built by `embank.resource_graph.canonical`, equal input in any order
    gives an equal value): resources in depth-first order, roots and dependents sorted by key.

    `dependents[i]` holds indices into `resources`. A dependent may have several parents.
    """

    resources: tuple[Resource, ...] = ()
    dependents: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """How a task is run. None: the engine's default. Times in whole seconds (Mistral takes no others)."""

    retry_count: int = 0
    retry_delay: int = 1
    timeout: int | None = None
    poll_interval: int | None = None


@dataclass(frozen=True, slots=True)
class ActivitySpec:
    """What compilation needs to know of one implemented activity of a plugin."""

    description: str
    closes: Phase | None = None


@dataclass(frozen=True, slots=True)
class TypeSpec:
    """What compilation needs to know of one resource type, for the operation at hand.

    `aggregate(phase, resource, parents)` is the plugin's: activities with the same key become one task.
    """

    plugin: str
    activities: Mapping[Phase, ActivitySpec]
    aggregate: Callable[[Phase, Resource, Sequence[Resource]], str | None] = lambda phase, resource, parents: None


@dataclass(frozen=True, slots=True)
class Source:
    """One thing a workflow was compiled from. `path` as the user gave it; sha256 in hex."""

    kind: str  # plan | resources | provider | plugin | bank | checkpoint | parameters
    name: str
    sha256: str
    version: str = ""


class Lower(StrEnum):
    """How the order of the activities is written: what each task requires, or what follows it."""

    REVERSE = "reverse"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class Request:
    """Everything a compilation depends on. The passes are functions of this and nothing else."""

    operation: Operation
    plan: str
    provider_id: str
    provider_name: str
    bank: str
    graph: ResourceGraph
    types: Mapping[str, TypeSpec]
    parameters: Mapping[ResourceKey, Parameters] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    concurrency: Mapping[str, int] = field(default_factory=dict)
    checkpoint: str = ""  # "" for protect: the execution's own id
    sources: tuple[Source, ...] = ()
    command: str = ""  # the command line that checks the file, for its header
    max_tasks: int = 50
    lower: Lower = Lower.REVERSE


class Kind(StrEnum):
    """What a task is."""

    ACTIVITY = "activity"
    CLOSER = "closer"
    JOIN = "join"  # std.noop: holds order, does nothing
    PART = "part"  # runs another body as a sub-workflow


@dataclass(frozen=True, slots=True)
class Task:
    """A node of a body. A no-op (an activity that no plugin implements) is a JOIN with a phase.

    `resources` has one member unless the plugin aggregates; `parameters` runs beside it. `aggregated`
    tells one aggregated resource from one plain one: the activity is then called with tuples.
    """

    kind: Kind
    phase: Phase | None = None
    resources: tuple[Resource, ...] = ()
    parameters: tuple[Parameters, ...] = ()
    aggregated: bool = False
    description: str = ""
    policy: Policy = Policy()
    closes: Phase | None = None
    part: int | None = None  # index of the body that a PART runs
    name: str = ""  # given by the name pass


@dataclass(frozen=True, slots=True)
class Body:
    """One workflow: tasks in file order, and for each the indices of those that come before it.

    It is written as a reverse workflow (what a task requires); a cleanup as a direct one (what follows on it).
    """

    tasks: tuple[Task, ...] = ()
    requires: tuple[tuple[int, ...], ...] = ()
    name: str = ""  # given by the name pass


@dataclass(frozen=True, slots=True)
class Workflow:
    """What the passes transform. The first body is the whole; the others are its outlined parts.

    `cleanup` is built alike, by the bracket pass, from the closers; it is empty when there are none.
    """

    request: Request
    bodies: tuple[Body, ...] = ()
    cleanup: tuple[Body, ...] = ()
    name: str = ""  # of the main workflow, given by the name pass
