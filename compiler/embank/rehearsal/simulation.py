"""One execution on a virtual clock: the conductor and the admission of the runner, and nothing else that is real.

Whatever is begun takes the time that its part says, and ends well unless a fault is put in. A simulation can be
copied at any moment, so that the ways on from there need not be played from the start. What the runner does with
threads is said here in a few lines; `tests/rehearsal` runs the runner beside it and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy

from embank.conductor import protocol
from embank.conductor.admission import Admission
from embank.conductor.conductor import Conductor
from embank.conductor.protocol import Due, Timer
from embank.conductor.resuming import outstanding
from embank.conductor.states import READY, RUNNING, FlowState
from embank.errors import ExitCode
from embank.rehearsal.agenda import END, Agenda
from embank.rehearsal.world import Cast, Fault, Part, World
from embank.reporting.reporter import Reporter
from embank.reporting.summary import Summary, Times, exit_code, summarise
from embank.runner.options import GRACE


class Simulation:
    """`start`, then `dispatch` and `pass_time` in turns until `is_over`; or `play` on from anywhere."""

    def __init__(self, conductor: Conductor, admission: Admission, cast: Cast, parallel: int) -> None:
        self.conductor = conductor
        self.world = World(cast.operation)
        self.fault: Fault | None = None
        self.state: FlowState | None = None  # of the main workflow, when all has ended
        self.cancelled = False
        self.rescuing = False  # something has become ready that only a failure calls for
        self._agenda = Agenda()
        self.clock = self._agenda.clock
        self._report: Reporter | None = Reporter(conductor.execution, (), self.clock)
        self.cast = cast
        self._admission = admission
        self._free = parallel
        self._running: dict[int, int] = {}  # row: the number of its attempt

    def copy(self) -> Simulation:
        """The same execution, which goes on by itself from here. It has no summary: nobody keeps its times."""
        other = copy(self)
        other.conductor = self.conductor.copy()
        other._admission = self._admission.copy()
        other.world = self.world.copy()
        other._running, other._agenda = dict(self._running), self._agenda.copy()
        other.clock = other._agenda.clock
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
            if self.state is not None or not self._agenda:
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
        return self.state is None and not self._agenda

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
        return [each.row for each in self._agenda.ends_next() if self._running.get(each.row) == each.attempt]

    def pass_time(self) -> None:
        """Go on to the next moment at which anything happens, and let all of it happen."""
        for each in self._agenda.pass_time():
            if each.due is not None:
                self._advance(each.due)
            elif self._running.get(each.row) == each.attempt:
                if each.kind == END:
                    self._end(each.row)
                else:
                    self._fail(each.row, "interrupted")

    # What people and accidents do to it.

    def disturb(self, row: int, *, hangs: bool) -> None:
        """Every attempt of a task fails, from this one on, which is under way; or it never ends."""
        execution = self.conductor.execution
        spec = execution.specs[row]
        self.fault = Fault(spec, execution.path(row), hangs)
        if spec.timeout is not None:
            begun = self._agenda.end_of(row) - self._part(row).seconds
            self._agenda.add_timer(begun + spec.timeout, Due(row, execution.state.attempt[row], Timer.TIMEOUT))

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
        self.clock.time += outage
        left = outstanding(self.conductor.execution, self._agenda.waits(), {}, self.clock.time, "")
        self._agenda.clear()
        self._admission = Admission(self._admission.limits)
        for row in left.ready:
            self._admission.offer(self.conductor.execution.order(row), row, self._part(row).types)
        for when, due in left.timers:
            self._agenda.add_timer(max(when, self.clock.time), due)
        for row in left.running:
            self._admission.occupy(row, self._part(row).types)
            self._begin(row, self._part(row))

    def exit_code(self) -> ExitCode:
        """That of `embank run`."""
        return exit_code(self.conductor.execution, str(self.state), {}, self.cancelled, bool(self.world.open))

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
        self._running[row] = self._agenda.add_end(part.seconds, row)

    def _end(self, row: int) -> None:
        if self.fault and self._is_hit(row):
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

    def _is_hit(self, row: int) -> bool:
        return self.fault is not None and self.fault.hits(self.conductor.execution, row)

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
            elif isinstance(effect, protocol.TimeOut):
                self._time_out(effect.row)
            elif isinstance(effect, protocol.Interrupt):
                if effect.row in self._running:
                    self._agenda.add_overdue(GRACE, effect.row, self._running[effect.row])
            elif isinstance(effect, protocol.Pause):
                self._advance(protocol.Resumed(effect.row))  # a person says yes, at once
            else:
                self.state = effect.state

    def _wait(self, wait: protocol.Wait) -> None:
        row, spec = wait.row, self.conductor.execution.specs[wait.row]
        in_time = spec.action and self._part(row).seconds <= wait.seconds
        if wait.timer is Timer.TIMEOUT and in_time and not self._is_hit(row):
            return  # it will have ended by then
        self._agenda.add_timer(self.clock.time + wait.seconds, Due(row, wait.attempt, wait.timer))

    def _time_out(self, row: int) -> None:
        """It took too long, or what it belongs to did."""
        if row in self._running and self.conductor.state.task[row] is RUNNING:
            self._fail(row, "timed out")
        elif row in self._running:
            self._stop(row)
