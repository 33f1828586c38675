"""How a simulation ends; what follows the last activity is played once for all that left the same things open.

When nothing is under way any more and all that is still to come was called for by a failure, what follows depends on
a few things: the tasks that have not ended, the workflows that these are in, and what they find open. `_outlook`
names all of them. Where more could matter (a pause, a delay, a timeout that is running) it gives none, and nothing
is shared.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import NamedTuple

from embank.conductor.state import MAIN
from embank.conductor.states import ENDED, IDLE, READY, RUNNING
from embank.errors import ExitCode
from embank.rehearsal.simulation import Simulation
from embank.rehearsal.world import Opening, Role
from embank.task_parameters import CLEANUP


class Closer(NamedTuple):
    """A task of the cleanup, by its path, that had something to close."""

    task: str
    role: Role


@dataclass(frozen=True, slots=True)
class Finish:
    """How an execution ended: the state of its main workflow, the status of the checkpoint and what is recorded there
    of a restore, delete or verify. `closed` says what was open, and when; `open` what still is.
    """

    state: str
    status: str
    recorded: str
    exit_code: ExitCode
    closers: tuple[Closer, ...]
    closed: tuple[Opening, ...]
    open: tuple[int, ...]


class Finisher:
    """Plays simulations to their end, and remembers how what follows a failure went on."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Finish] = {}

    def play(self, simulation: Simulation) -> Finish | None:
        """Go on to the end; None when it gets stuck. How a remembered one ended is known without playing it: the
        simulation is then left where it is.
        """
        simulation.play(until=_only_rescue_is_left)
        outlook = None if simulation.is_over or simulation.is_stuck else _outlook(simulation)
        if outlook is None:
            simulation.play()
            return None if simulation.is_stuck else finish_of(simulation)
        if outlook not in self._known:
            ahead = simulation.copy()
            ahead.world.closed.clear()
            ahead.play()
            self._known[outlook] = _moved(finish_of(ahead), -simulation.clock.time)
        rest = _moved(self._known[outlook], simulation.clock.time)
        world = simulation.world
        later = (each._replace(since=world.open.get(each.bracket, each.since)) for each in rest.closed)
        return replace(rest, closed=(*world.closed, *later))


def _only_rescue_is_left(simulation: Simulation) -> bool:
    return simulation.rescuing and simulation.is_calm


def finish_of(simulation: Simulation) -> Finish:
    """How a simulation ended that was played to its end."""
    execution, world = simulation.conductor.execution, simulation.world
    closers = ((execution.path(row), simulation.cast.parts[id(execution.specs[row])].role) for row in world.closed_by)
    return Finish(
        state=str(simulation.state),
        status=world.status,
        recorded=world.recorded,
        exit_code=simulation.exit_code(),
        closers=tuple(Closer(*each) for each in closers),
        closed=tuple(world.closed),
        open=tuple(world.open),
    )


def _moved(finish: Finish, seconds: float) -> Finish:
    closed = (Opening(bracket, since + seconds, until + seconds) for bracket, since, until in finish.closed)
    return replace(finish, closed=tuple(closed))


def _outlook(simulation: Simulation) -> Hashable:
    """All that the rest of an execution depends on; None when that is more than is looked at here."""
    execution, world = simulation.conductor.execution, simulation.world
    state = execution.state
    rows = []
    for row, task in enumerate(state.task):
        spec = execution.specs[row]
        if task in ENDED and spec.action != CLEANUP:
            continue
        timed = task is RUNNING and spec.timeout is not None
        if not state.rescue[row] or timed or task not in (IDLE, READY, RUNNING):
            return None
        rows.append((execution.path(row), task, state.attempt[row], state.unmet[row]))
    if state.paused or state.waiting:
        return None
    frames = tuple(
        (
            "" if frame.caller == MAIN else execution.path(frame.caller),
            frame.state,
            frame.cause is None,
            frame.unhandled,
            tuple(sorted(frame.arrived.items())),
        )
        for frame in state.frames
        if frame.open
    )
    return tuple(rows), frames, frozenset(world.open), world.status, world.recorded, simulation.cancelled
