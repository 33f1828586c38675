"""Every single fault at every task of an execution, on a virtual clock, and what follows from it.

The undisturbed execution is played once. At each of its moments it is copied, the fault is put into the copy, and
only what follows is played. Crash and cancel hit the runner, not a task: all tasks that begin (or end) at the same
moment share one play of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from embank.conductor.admission import Admission
from embank.conductor.conductor import Conductor
from embank.conductor.states import FlowState
from embank.document import Document, TaskSpec
from embank.errors import ExitCode, UsageError
from embank.rehearsal.endings import Closer, Finish, Finisher, finish_of
from embank.rehearsal.processes import in_shares
from embank.rehearsal.simulation import Simulation
from embank.rehearsal.world import Bracket, Cast, Role
from embank.reporting.summary import Summary

OUTAGE = 60.0  # s between a crash and the resume, unless somebody says otherwise


class Kind(StrEnum):
    """What happens to a task. A crash is one of the runner, before the action had any effect or after it had all."""

    FAIL = "fail"
    TIME_OUT = "time-out"
    HANG = "hang"  # and no timeout ends it: what is open counts as frozen (decision REHEARSE-1)
    CRASH_BEFORE = "crash-before"
    CRASH_AFTER = "crash-after"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a disturbed execution ends; see Finish.

    `longest`: the bracket that was open longest, of those that were closed, and for how many seconds. `frozen`: what
    stays open, for ever or (`stuck`: something hangs) until a person cancels; everything else is then said of the
    execution that somebody did cancel.
    """

    state: str
    status: str
    recorded: str
    exit_code: ExitCode
    closers: tuple[Closer, ...]
    longest: tuple[Bracket, float] | None
    frozen: tuple[Bracket, ...]
    stuck: bool


@dataclass(frozen=True, slots=True)
class Consequence:
    """What one fault at one task leads to."""

    kind: Kind
    task: str
    role: Role
    ending: Ending


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What came of a document: its undisturbed execution, and what each fault at each task of that leads to."""

    document: Document
    undisturbed: Summary
    status: str
    recorded: str
    consequences: tuple[Consequence, ...]

    @property
    def frozen(self) -> tuple[Consequence, ...]:
        """Those that leave something frozen."""
        return tuple(each for each in self.consequences if each.ending.frozen)


class Moment(NamedTuple):
    """Rows whose actions begin, or end, at one moment of an execution."""

    begun: Sequence[int]
    ending: Sequence[int]


def rehearse(
    document: Document,
    seconds: Callable[[TaskSpec], float],
    *,
    limits: Mapping[str, int],
    parallel: int = 4,
    fail_fast: bool = False,
    outage: float = OUTAGE,
    processes: int = 1,
) -> Rehearsal:
    """Rehearse a document. `seconds` says how long the action of a task takes; `limits` how many activities of
    each type may be active at once. The result does not depend on the number of processes.

    Raises UsageError for a document that cannot be run.
    """
    try:
        conductor = Conductor(document, "rehearsal", fail_fast=fail_fast)
        start = Simulation(conductor, Admission(limits), Cast(document, seconds, limits), parallel)
        start.start()
    except ValueError as error:
        raise UsageError(f"{document.file}: {error}") from error
    rehearsing = _Rehearsing(start, outage)
    found = in_shares(rehearsing.faults, processes) if processes > 1 else rehearsing.faults(0, 1)
    kinds, order = list(Kind), conductor.execution.order
    found.sort(key=lambda each: (kinds.index(each[1].kind), order(each[0])))
    consequences = tuple(consequence for _, consequence in found)
    world = start.world
    return Rehearsal(document, start.summary(), world.status, world.recorded, consequences)


class _Rehearsing:
    """Plays the undisturbed execution, then once more with a copy for every fault."""

    def __init__(self, start: Simulation, outage: float) -> None:
        self._course = start.copy()
        self._cast = start.cast
        self._outage = outage
        self._finisher = Finisher()
        start.play()
        self._undisturbed = start
        timed = any(spec.workflow and spec.timeout for spec in start.conductor.execution.specs)
        self._is_steady = start.state is FlowState.SUCCESS and not timed

    def faults(self, share: int, shares: int) -> list[tuple[int, Consequence]]:
        """What every fault leads to, by row; or one share of them."""
        moments = enumerate(_moments(self._course))
        mine = (moment for number, moment in moments if number // 2 % shares == share)
        return [each for moment in mine for each in self._faults_of(moment)]

    def _faults_of(self, moment: Moment) -> Iterator[tuple[int, Consequence]]:
        """A task that a failure called for is not disturbed: that would be a second fault."""
        rescue = self._course.conductor.state.rescue
        begun = [row for row in moment.begun if not rescue[row]]
        ending = [row for row in moment.ending if not rescue[row]]
        if begun:
            crashed, cancelled = self._course.copy(), self._course.copy()
            crashed.crash(self._outage, undone=moment.begun)
            yield from self._crashed(crashed, Kind.CRASH_BEFORE, begun)
            cancelled.cancel()
            yield from self._played(cancelled, Kind.CANCEL, begun)
        for row in ending:
            for kind in (Kind.FAIL, Kind.TIME_OUT):
                disturbed = self._course.copy()
                disturbed.disturb(row, hangs=kind is Kind.TIME_OUT)
                yield from self._played(disturbed, kind, [row])
        if ending:
            crashed = self._course.copy()
            crashed.crash(self._outage, done=moment.ending)
            yield from self._crashed(crashed, Kind.CRASH_AFTER, ending)

    def _crashed(self, simulation: Simulation, kind: Kind, rows: Sequence[int]) -> Iterator[tuple[int, Consequence]]:
        """After a crash nothing else goes wrong: when all that was open is closed, the rest goes as it does in
        the undisturbed execution (unless that fails, or its times decide about something).
        """
        if not self._is_steady:
            yield from self._played(simulation, kind, rows)
            return
        was_open = frozenset(simulation.world.open)
        if was_open:
            simulation.play(until=lambda played: was_open.isdisjoint(played.world.open))
        undisturbed = finish_of(self._undisturbed)
        closed = (*undisturbed.closed, *simulation.world.closed)
        yield from self._consequences(rows, kind, replace(undisturbed, closed=closed))

    def _played(self, simulation: Simulation, kind: Kind, rows: Sequence[int]) -> Iterator[tuple[int, Consequence]]:
        """Play to the end; what comes of it is the same for all of the rows."""
        finish, frozen = self._finisher.play(simulation), None
        if finish is None:
            frozen = tuple(simulation.world.open)
            simulation.cancel()  # sooner or later somebody will
            finish = self._finisher.play(simulation)
            assert finish is not None, "what is cancelled comes to an end"
        yield from self._consequences(rows, kind, finish, frozen)

    def _consequences(
        self, rows: Sequence[int], kind: Kind, finish: Finish, stuck_with: Sequence[int] | None = None
    ) -> Iterator[tuple[int, Consequence]]:
        execution, brackets = self._course.conductor.execution, self._cast.brackets
        stuck = stuck_with is not None
        frozen = finish.open if stuck_with is None else stuck_with
        lengths = ((each.until - each.since, each.bracket) for each in finish.closed if each.bracket not in frozen)
        longest = max(lengths, key=lambda each: each[0], default=None)
        ending = Ending(
            state=finish.state,
            status=finish.status,
            recorded=finish.recorded,
            exit_code=finish.exit_code,
            closers=finish.closers,
            longest=None if longest is None else (brackets[longest[1]], round(longest[0], 6)),
            frozen=tuple(brackets[bracket] for bracket in frozen),
            stuck=stuck,
        )
        for row in rows:
            role = self._cast.parts[id(execution.specs[row])].role
            yield row, Consequence(Kind.HANG if stuck else kind, execution.path(row), role, ending)


def _moments(simulation: Simulation) -> Iterator[Moment]:
    """Play an execution to its end, and stop at every moment."""
    while True:
        yield Moment(simulation.dispatch(), ())
        if simulation.is_over or simulation.is_stuck:
            return
        yield Moment((), simulation.ending())
        simulation.pass_time()
