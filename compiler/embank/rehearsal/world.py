"""What a simulated execution does to the world: what it opens and closes, and what becomes of its checkpoint.

And what the world does to it: one fault.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from copy import copy
from dataclasses import dataclass
from typing import NamedTuple

from embank.checkpoint.records.status import Status
from embank.conductor.admission import types_of
from embank.conductor.execution import Execution
from embank.document import Activity, Begin, Closer, Complete, Document, PluginWork, TaskSpec
from embank.model import Operation, ResourceKey
from embank.reporting.windows import closers_of

NONE = "none"  # the status of a checkpoint that is not there yet
STARTED, ENDED_BADLY = "started", "error"  # what is recorded of a restore or verify


class Bracket(NamedTuple):
    """A phase of a resource that opens something, and the phases that close it."""

    resource: ResourceKey
    name: str
    phase: str
    closers: tuple[str, ...]


class Opening(NamedTuple):
    """A bracket, by its number, and the time that it was open; seconds from the start of the execution."""

    bracket: int
    since: float
    until: float


class Role(NamedTuple):
    """What kind of task it is: the resource types, and the phase; or "" and what its action is called."""

    types: str
    does: str

    def __str__(self) -> str:
        return f"{self.types} {self.does}".lstrip()


@dataclass(frozen=True, slots=True)
class Part:
    """What a task does in the world. Brackets are numbers; `closes` of a cleanup task is also what it looks for."""

    role: Role
    seconds: float
    types: tuple[str, ...]  # of resources, for the limits of concurrency
    opens: tuple[int, ...]
    closes: tuple[int, ...]
    cleanup: bool
    begins: bool  # it is a `begin`
    completes: str  # the status that a `complete` writes, or ""


class Fault(NamedTuple):
    """Every attempt of the task of this path fails, or never ends."""

    spec: TaskSpec
    path: str
    hangs: bool

    def hits(self, execution: Execution, row: int) -> bool:
        """Whether it is this task of this execution that goes wrong."""
        return execution.specs[row] is self.spec and execution.path(row) == self.path


class Cast:
    """The part of every task of a document, by the identity of its TaskSpec. `seconds` says how long an action takes;
    `limited` are the types that have a limit.
    """

    def __init__(
        self, document: Document, seconds: Callable[[TaskSpec], float], limited: Collection[str] = ()
    ) -> None:
        self._limited = limited
        self.operation = Operation(document.run["operation"])
        self.brackets: list[Bracket] = []
        self._numbers: dict[tuple[ResourceKey, str], int] = {}
        self._pairs = closers_of(document)
        specs = [spec for workflow in document.workflows.values() for spec in workflow.tasks.values()]
        for spec in specs:
            self._find_brackets(spec)
        self.parts = {id(spec): self._part(spec, seconds(spec)) for spec in specs}

    def _find_brackets(self, spec: TaskSpec) -> None:
        if not isinstance(spec.does, Activity):
            return
        phase = spec.does.phase
        for resource in spec.resources:
            key = resource.key
            closers = tuple(closer for opened, closer in self._pairs.get(key, ()) if opened == phase)
            if closers and (key, phase) not in self._numbers:
                self._numbers[key, phase] = len(self.brackets)
                self.brackets.append(Bracket(key, resource.name, phase, closers))

    def _part(self, spec: TaskSpec, seconds: float) -> Part:
        does, numbers = spec.does, self._numbers
        phase = does.phase if isinstance(does, PluginWork) else ""
        keys = [resource.key for resource in spec.resources]
        opened = [(key, phase) for key in keys] if isinstance(does, Activity) else []
        closed = [(key, before) for key in keys for before, closer in self._pairs.get(key, ()) if closer == phase]
        kinds = ", ".join(dict.fromkeys(key.type for key in keys))
        return Part(
            role=Role(kinds, phase or spec.action.removeprefix("embank.")),
            seconds=seconds,
            types=tuple(name for name in types_of(spec) if name in self._limited),
            opens=tuple(numbers[bracket] for bracket in opened if bracket in numbers),
            closes=tuple(numbers[bracket] for bracket in closed if bracket in numbers),
            cleanup=isinstance(does, Closer),
            begins=isinstance(does, Begin),
            completes=does.status if isinstance(does, Complete) else "",
        )


class World:
    """What is open since when, which closers of the cleanup had something to close, and the checkpoint."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.open: dict[int, float] = {}
        self.closed_by: list[int] = []  # rows
        self.closed: list[Opening] = []
        self.status: str = NONE if operation is Operation.PROTECT else Status.AVAILABLE
        self.recorded = ""  # of a restore or verify

    def copy(self) -> World:
        """The same world, in which something else happens from here on."""
        other = copy(self)
        other.open, other.closed_by, other.closed = dict(self.open), self.closed_by[:], self.closed[:]
        return other

    def begin(self, part: Part, now: float) -> None:
        """An action begins: what it opens is open at once, even if it fails half-way."""
        for bracket in part.opens:
            self.open.setdefault(bracket, now)

    def has_nothing_for(self, part: Part) -> bool:
        """Whether a task of the cleanup that looks into the checkpoint finds nothing to close: it takes no time."""
        return self.open.keys().isdisjoint(part.closes)

    def forget(self, part: Part, now: float) -> None:
        """It did not begin after all: what was opened this very moment was not."""
        for bracket in part.opens:
            if self.open.get(bracket) == now:
                del self.open[bracket]

    def succeed(self, part: Part, row: int, now: float) -> None:
        """An action has its effect."""
        if part.closes:
            self._close(part, row, now)
        elif part.begins:
            self._begin_checkpoint()
        elif part.completes:
            self._complete(part.completes)

    def _close(self, part: Part, row: int, now: float) -> None:
        was_open = [bracket for bracket in part.closes if bracket in self.open]
        self.closed.extend(Opening(bracket, self.open.pop(bracket), now) for bracket in was_open)
        if was_open and part.cleanup:
            self.closed_by.append(row)

    def _begin_checkpoint(self) -> None:
        if self.operation is Operation.DELETE:
            self.status = Status.DELETING  # which says it all: nothing else is recorded
        elif self.operation is not Operation.PROTECT:
            self.recorded = STARTED
        elif self.status == NONE:
            self.status = Status.PROTECTING

    def _complete(self, status: str) -> None:
        if status == "error":
            if self.operation is Operation.PROTECT and self.status == Status.PROTECTING:
                self.status = Status.ERROR
            elif self.recorded == STARTED:
                self.recorded = ENDED_BADLY
        elif self.operation is Operation.PROTECT:
            self.status = Status.AVAILABLE
        elif self.operation is Operation.DELETE:
            self.status = Status.GONE
        else:
            self.recorded = status
