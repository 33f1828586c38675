"""Parameters and policies as a file gives them: in a plan, or in a parameters file for the other operations.

version: 1
parameters:
  Local::Directory: {compress: true}                # every resource of a type
  Local::Directory#shop-files: {compress: false}    # one resource; over those of its type, key by key
policies:
  Local::Directory:
    retry: {count: 3, delay: 5}    # tries again, and after how many seconds
    timeout: 600                   # seconds that an activity may take
    poll_interval: 10              # seconds between two polls
    concurrency: 2                 # activities of this type at once
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from embank.diagnostics import Checked, Diagnostic, Place, Severity
from embank.inputs import yaml
from embank.inputs.resources import similar_type
from embank.inputs.shape import Shape, quoted, read_shaped
from embank.model import Json, Policy, ResourceGraph

KEYS = ("parameters", "policies")
POLICY_KEYS = ("retry", "timeout", "poll_interval", "concurrency")
LARGEST = 31_536_000  # a year in seconds; nobody means more, and engines count in 32 bits


@dataclass(frozen=True, slots=True)
class Given:
    """The parameters under one `TYPE` or `TYPE#id` (`id` is "" for a whole type). They may hold secrets."""

    type: str
    id: str
    values: dict[str, Json] = field(repr=False)
    place: Place

    def __str__(self) -> str:
        return f"{self.type}#{self.id}" if self.id else self.type


@dataclass(frozen=True, slots=True)
class Policies:
    """How the tasks of each type are run, and how many of a type at once; only the types that were given."""

    by_type: Mapping[str, Policy] = field(default_factory=dict)
    concurrency: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a file says of parameters and policies. `place` is where something missing should be added."""

    located: yaml.Located = field(repr=False, compare=False)
    place: Place
    parameters: tuple[Given, ...] = ()
    policies: Policies = Policies()
    policy_places: Mapping[str, Place] = field(default_factory=dict)


def read_parameters(file: str) -> Checked[Settings]:
    """Read a parameters file: `version`, `parameters` and `policies`. `-` is stdin. Raises InputUnreadable."""
    return read_shaped(file, _read)


def _read(shape: Shape) -> Settings:
    shape.keys(shape.located.value, ("version", *KEYS), "a parameters file")
    shape.version()
    return read_settings(shape)


def no_settings() -> Settings:
    """What there is when no file was given."""
    located = yaml.parse(b"{version: 1}", "(no parameters file)").value
    assert located is not None
    return Settings(located, located.place(located.value))


def read_settings(shape: Shape) -> Settings:
    """The `parameters` and `policies` of a document. Problems go to `shape`. Raises TooManyProblems."""
    located, document = shape.located, shape.located.value
    parameters = shape.value(document, "parameters", dict, "the file", needed=False) or {}
    policies = shape.value(document, "policies", dict, "the file", needed=False) or {}
    given = [_given(shape, parameters, key) for key in parameters]
    read = {kind: _policy(shape, policies, kind) for kind in policies}
    return Settings(
        located,
        located.key_place(document, "parameters") if "parameters" in document else located.place(document),
        tuple(filter(None, given)),
        Policies(
            {kind: policy for kind, (policy, _) in read.items()},
            {kind: limit for kind, (_, limit) in read.items() if limit},
        ),
        {kind: located.key_place(policies, kind) for kind in policies},
    )


def resolve_policies(settings: Settings, graph: ResourceGraph) -> Checked[Policies]:
    """The policies of the types in the graph, and a warning for each that is of no use."""
    types = {resource.type for resource in graph.resources}
    unused = [kind for kind in settings.policy_places if kind not in types]
    problems = tuple(
        Diagnostic(
            "EMB311",
            f"nothing of the type {quoted(kind)} is selected: its policy has no effect",
            settings.policy_places[kind],
            similar_type(kind, sorted(types)),
            severity=Severity.WARNING,
        )
        for kind in unused
    )
    found = settings.policies
    return Checked(
        Policies(
            {kind: policy for kind, policy in found.by_type.items() if kind in types},
            {kind: limit for kind, limit in found.concurrency.items() if kind in types},
        ),
        problems,
    )


def _given(shape: Shape, parameters: dict[str, Json], key: str) -> Given | None:
    place = shape.located.key_place(parameters, key)
    kind, sharp, id_ = key.partition("#")
    if not kind or (sharp and not id_):
        shape.problem("EMB303", f"{quoted(key)} is neither TYPE nor TYPE#ID", place)
        return None
    values = shape.value(parameters, key, dict, "the parameters")
    return None if values is None else Given(kind, id_, values, place)


def _policy(shape: Shape, policies: dict[str, Json], kind: str) -> tuple[Policy, int | None]:
    if "#" in kind or not kind:
        hint = "policies are by type; parameters can be for one resource"
        shape.problem("EMB303", f"{quoted(kind)} is not a type", shape.located.key_place(policies, kind), hint)
    what = f"the policy of {kind}"
    values = shape.value(policies, kind, dict, "the policies") or {}
    shape.keys(values, POLICY_KEYS, what)
    retry: dict[str, Json] | None = shape.value(values, "retry", dict, what, needed=False)
    count = delay = None
    if retry is not None:
        shape.keys(retry, ("count", "delay"), f"retry in {what}")
        count = _number(shape, retry, "count", f"retry in {what}", needed=True)
        delay = _number(shape, retry, "delay", f"retry in {what}")
    policy = Policy(
        retry_count=count or 0,
        retry_delay=delay or 1,
        timeout=_number(shape, values, "timeout", what),
        poll_interval=_number(shape, values, "poll_interval", what),
    )
    return policy, _number(shape, values, "concurrency", what)


def _number(shape: Shape, mapping: dict[str, Json], key: str, what: str, *, needed: bool = False) -> int | None:
    number = shape.value(mapping, key, int, what, needed=needed)
    if number is not None and not 1 <= number <= LARGEST:
        place = shape.located.place(mapping, key)
        shape.problem("EMB303", f"{key} of {what} should be a whole number from 1 to {LARGEST}", place)
        return None
    return number
