"""One execution on a virtual clock: the conductor and the admission of the runner, and nothing else that is real.

Whatever is begun takes the time that its part says, and ends well unless a fault is put in. A simulation can be
copied at any moment, so that the ways on from there need not be played from the start. What the runner does with
threads is said here in a few lines; `tests/run/rehearse` runs the runner beside it and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import NamedTuple

from embank.conductor import protocol
from embank.conductor.admission import Admission
from embank.conductor.conductor import Conductor
from embank.conductor.protocol import Due, Timer
from embank.conductor.resuming import outstanding
from embank.conductor.states import READY, RUNNING, FlowState
from embank.document import TaskSpec
from embank.errors import ExitCode
from embank.rehearsal.world import Cast, Part, World
from embank.reporting.reporter import Reporter
from embank.reporting.summary import Summary, Times, exit_code, summarise
from embank.runner.options import GRACE

# Something that is to happen: when, one of these, a number that counts up, and the row, with the number of its
# attempt or the timer. At one moment things happen in this order: what ends just in time has not timed out.
END, TIMER, OVERDUE = range(3)
Happening = tuple[float, int, int, int, int, Due | None]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Fault(NamedTuple):
    """Every attempt of the task of this path fails, or never ends."""

    spec: TaskSpec
    path: str
    hangs: bool


class VirtualClock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.time = 0.0

    def monotonic(self) -> float:
        """Seconds since the execution started."""
        return self.time

    def now(self) -> datetime:
        """As if it had started when time began."""
        return EPOCH + timedelta(seconds=self.time)


class Simulation:
    """`start`, then `dispatch` and `pass_time` in turns until `is_over`; or `play` on from anywhere."""

    def __init__(self, conductor: Conductor, admission: Admission, cast: Cast, parallel: int) -> None:
        self.conductor = conductor
        self.world = World(cast.operation)
        self.fault: Fault | None = None
        self.state: FlowState | None = None  # of the main workflow, when all has ended
        self.cancelled = False
        self.rescuing = False  # something has become ready that only a failure calls for
        self.clock = VirtualClock()
        self._report: Reporter | None = Reporter(conductor.execution, (), self.clock)
        self.cast = cast
        self._admission = admission
        self._free = parallel
        self._running: dict[int, int] = {}  # row: the number of its attempt
        self._heap: list[Happening] = []
        self._count = 0

    def copy(self) -> Simulation:
        """The same execution, which goes on by itself from here. It has no summary: nobody keeps its times."""
        other = copy(self)
        other.conductor = self.conductor.copy()
        other._admission = self._admission.copy()
        other.world = self.world.copy()
        other._running, other._heap = dict(self._running), self._heap[:]
        other.clock = VirtualClock()
        other.clock.time = self.clock.time
        other._report = None
        return other

    # The course of an execution.

    def start(self) -> None:
        """Begin. Raises ValueError for a document that cannot be started."""
        self._apply(self.conductor.start())

    def play(self, until: Callable[[Simulation], bool] | None = None) -> None:
        """Go on until all has ended, or nothing will happen any more, or there is no need to go on."""
        while True:
            self.dispatch()
            if self.state is not None or not self._heap:
                return
            self.pass_time()
            if until is not None and until(self):
                return

    @property
    def is_over(self) -> bool:
        """All has ended."""
        return self.state is not None

    @property
    def is_calm(self) -> bool:
        """No action is under way."""
        return not self._running

    @property
    def is_stuck(self) -> bool:
        """Nothing will happen any more, but not all has ended: something hangs."""
        return self.state is None and not self._heap

    def dispatch(self) -> list[int]:
        """Begin what is ready while there is room. The rows that were begun."""
        begun = []
        while self._free and (row := self._admission.take()) is not None:
            if self.conductor.state.task[row] is not READY:
                self._admission.end(row)  # withdrawn meanwhile
                continue
            self._advance(protocol.Begun(row))
            part = self._part(row)
            if part.cleanup and self.world.has_nothing_for(part):
                self._admission.end(row)
                self._advance(protocol.Succeeded(row))
            else:
                self._free -= 1
                self._begin(row, part)
                begun.append(row)
        return begun

    def ending(self) -> list[int]:
        """The rows whose actions end at the next moment at which anything happens, in order."""
        if not self._heap:
            return []
        when = self._heap[0][0]
        ends = sorted(each for each in self._heap if each[0] == when and each[1] == END)
        return [row for _, _, _, row, attempt, _ in ends if self._running.get(row) == attempt]

    def pass_time(self) -> None:
        """Go on to the next moment at which anything happens, and let all of it happen."""
        heap = self._heap
        self.clock.time = now = heap[0][0]
        while heap and heap[0][0] == now:
            _, kind, _, row, attempt, due = heappop(heap)
            if due is not None:
                self._advance(due)
            elif self._running.get(row) == attempt:
                if kind == END:
                    self._end(row)
                else:
                    self._fail(row, "interrupted")

    # What people and accidents do to it.

    def disturb(self, row: int, *, hangs: bool) -> None:
        """Every attempt of a task fails, from this one on, which is under way; or it never ends."""
        execution = self.conductor.execution
        spec = execution.specs[row]
        self.fault = Fault(spec, execution.path(row), hangs)
        if spec.timeout is not None:
            ends = next(when for when, kind, _, each, _, _ in self._heap if kind == END and each == row)
            due = Due(row, execution.state.attempt[row], Timer.TIMEOUT)
            self._add(ends - self._part(row).seconds + spec.timeout, TIMER, row, 0, due)

    def cancel(self) -> None:
        """As Ctrl-C or `embank cancel` do."""
        self.cancelled = True
        self._advance(protocol.Cancelled())

    def crash(self, outage: float, *, undone: Iterable[int] = (), done: Iterable[int] = ()) -> None:
        """The runner dies and is resumed after an outage. `undone` rows had begun this very moment, without any
        effect yet; `done` ones had all of their effect, and nothing says that they ended.
        """
        for row in undone:
            self.world.forget(self._part(row), self.clock.time)
        for row in done:
            self.world.succeed(self._part(row), row, self.clock.time)
        waits = {(due.row, due.timer): when for when, _, _, _, _, due in self._heap if due is not None}
        self.clock.time += outage
        left = outstanding(self.conductor.execution, waits, {}, self.clock.time, "")
        self._heap = []
        self._admission = Admission(self._admission.limits)
        for row in left.ready:
            self._admission.offer(self.conductor.execution.order(row), row, self._part(row).types)
        for when, due in left.timers:
            self._add(max(when, self.clock.time), TIMER, due.row, 0, due)
        for row in left.running:
            self._admission.occupy(row, self._part(row).types)
            self._begin(row, self._part(row))

    def exit_code(self) -> ExitCode:
        """That of `embank run`."""
        execution, state = self.conductor.execution, str(self.state)
        return exit_code(execution, state, {}, self.cancelled, bool(self.world.open))

    def summary(self) -> Summary:
        """What is to be said of it. Only of a simulation that was played from the start."""
        if self._report is None:
            raise ValueError("a copy of a simulation has no summary")
        times = Times(0.0, self.clock.time, self._report.first_start, self._report.last_start, self._report.end)
        return summarise(
            self.conductor.execution,
            times,
            state=str(self.state),
            started=self.clock.now(),
            codes={},
            interrupted=self.cancelled,
            warnings=(),
        )

    # One action.

    def _begin(self, row: int, part: Part) -> None:
        if self._report:
            self._report.started(row)
        if part.opens:
            self.world.begin(part, self.clock.time)
        self._count = count = self._count + 1
        self._running[row] = count
        heappush(self._heap, (self.clock.time + part.seconds, END, count, row, count, None))

    def _end(self, row: int) -> None:
        if self.fault is not None and self._is_hit(self.fault, row):
            if not self.fault.hangs:
                self._fail(row, "it failed")
            return
        self._stop(row)
        self.world.succeed(self._part(row), row, self.clock.time)
        self._advance(protocol.Succeeded(row))

    def _fail(self, row: int, reason: str) -> None:
        self._stop(row)
        self._advance(protocol.Failed(row, reason))

    def _stop(self, row: int) -> None:
        del self._running[row]
        self._free += 1
        self._admission.end(row)

    def _is_hit(self, fault: Fault, row: int) -> bool:
        execution = self.conductor.execution
        return execution.specs[row] is fault.spec and execution.path(row) == fault.path

    def _part(self, row: int) -> Part:
        return self.cast.parts[id(self.conductor.execution.specs[row])]

    # Events into the conductor, effects out of it.

    def _advance(self, event: protocol.Event) -> None:
        self._apply(self.conductor.advance(event))

    def _apply(self, new: Sequence[protocol.Effect]) -> None:
        for effect in new:
            if isinstance(effect, protocol.Changed):
                if self._report:
                    self._report.changed(effect.row, effect.state)
            elif isinstance(effect, protocol.Start):
                self._admission.offer(effect.order, effect.row, self._part(effect.row).types)
                self.rescuing = self.rescuing or self.conductor.state.rescue[effect.row]
            elif isinstance(effect, protocol.Wait):
                self._wait(effect)
            elif isinstance(effect, protocol.Abandon):
                self._abandon(effect.row)
            elif isinstance(effect, protocol.Interrupt):
                if effect.row in self._running:
                    self._add(self.clock.time + GRACE, OVERDUE, effect.row, self._running[effect.row])
            elif isinstance(effect, protocol.Pause):
                self._advance(protocol.Resumed(effect.row))  # a person says yes, at once
            else:
                self.state = effect.state

    def _wait(self, wait: protocol.Wait) -> None:
        row, spec = wait.row, self.conductor.execution.specs[wait.row]
        in_time = spec.action and self._part(row).seconds <= wait.seconds
        if wait.timer is Timer.TIMEOUT and in_time and not (self.fault and self._is_hit(self.fault, row)):
            return  # it will have ended by then
        self._add(self.clock.time + wait.seconds, TIMER, row, 0, Due(row, wait.attempt, wait.timer))

    def _abandon(self, row: int) -> None:
        """It took too long, or what it belongs to did."""
        if row not in self._running:
            return
        if self.conductor.state.task[row] is RUNNING:
            self._fail(row, "timed out")
        else:
            self._stop(row)

    def _add(self, when: float, kind: int, row: int, attempt: int, due: Due | None = None) -> None:
        self._count += 1
        heappush(self._heap, (when, kind, self._count, row, attempt, due))
