"""Plays a journal through a conductor: the state of the execution again, and for listeners all that happened.

The conductor is pure, so equal events give equal states (decision JOURNAL-1). A journal that does not fit its
workflow file is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from embank.clock import Clock
from embank.conductor import protocol
from embank.conductor.conductor import Conductor
from embank.conductor.protocol import Begun, Due, Effect, Event, Resumed, Succeeded, Timer
from embank.conductor.resuming import Outstanding, outstanding
from embank.conductor.states import DELAYED, PAUSED, READY, RUNNING, FlowState, TaskState
from embank.document import Document
from embank.errors import ExitCode
from embank.journal import entries
from embank.journal.closers_again import closers_alone
from embank.journal.file import JournalDamaged
from embank.model import Json
from embank.reporting.events import ExecutionFinished, Listener
from embank.reporting.reporter import Reporter
from embank.task_parameters import BEGIN

Entry = Mapping[str, Json]


class JournalMisfit(JournalDamaged):
    """A line of a journal does not fit the workflow, or the lines before it. `number` counts from 1."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


@dataclass
class Replayed:
    """An execution as its journal leaves it. Times are on the clock of whoever replays, in seconds."""

    conductor: Conductor
    reporter: Reporter
    zero: float  # when it started
    started: datetime
    end: datetime  # of the last line of the journal
    codes: dict[int, ExitCode] = field(default_factory=dict)
    interrupted_by: str = ""
    finished: FlowState | None = None
    waits: dict[tuple[int, Timer], float] = field(default_factory=dict)
    timed_out: dict[int, str] = field(default_factory=dict)
    before: Replayed | None = None  # this part is the closers, run again; what was before it
    assumed: list[Event] = field(default_factory=list)  # what no journal says

    def left(self, now: float) -> Outstanding:
        """What a runner that takes it up has to do."""
        return outstanding(self.conductor.execution, self.waits, self.timed_out, now, self.interrupted_by)


class ReplayClock:
    """Shows the times of the journal, as another clock would have shown them."""

    def __init__(self, clock: Clock, last: datetime) -> None:
        now = clock.now()
        self._anchor = clock.monotonic(), now + max(last - now, timedelta())  # that clock may have gone back since
        self._shown = last

    def show(self, moment: datetime) -> None:
        """Show another time."""
        self._shown = moment

    def now(self) -> datetime:
        """The time of day."""
        return self._shown

    def monotonic(self) -> float:
        """Seconds on the other clock; before its start they are negative."""
        seconds, moment = self._anchor
        return seconds - (moment - self._shown).total_seconds()


def replay(
    document: Document,
    journal: Sequence[Entry],
    clock: Clock,
    listeners: Sequence[Listener] = (),
    *,
    assume_begun: bool = False,
) -> Replayed:
    """Play the lines of a journal; then, if so told, that the checkpoint was opened, whether or not they say so: only
    then closers are called for. Raises JournalMisfit when the lines do not fit the document or each other.
    """
    head = journal[0]
    try:
        times = [datetime.fromisoformat(entry["at"]) for entry in journal]
        shown = ReplayClock(clock, max(times))
        shown.show(times[0])
        entry, player = head, _Player(document, head, shown, listeners)
        for moment, entry in zip(times[1:], journal[1:], strict=True):
            shown.show(moment)
            if entry["event"] == entries.CLOSERS:
                player = _Player(closers_alone(document), head, shown, listeners, player.replayed)
            else:
                player.play(entry)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        number = entry.get("n", 1)
        raise JournalMisfit(
            f"line {number} of the journal does not fit the workflow: {error}; "
            "was it written by another version of Embank?",
            number,
        ) from error
    if assume_begun:
        player.assume_begun()
    player.replayed.end = times[-1]
    return player.replayed


class _Player:
    """One line of the journal at a time. `_LINES` says what each kind does."""

    def __init__(
        self,
        document: Document,
        head: Entry,
        clock: ReplayClock,
        listeners: Sequence[Listener],
        before: Replayed | None = None,
    ) -> None:
        self._conductor = Conductor(document, head["execution"], fail_fast=head["fail_fast"])
        self._report = Reporter(self._conductor.execution, listeners, clock)
        self._clock = clock
        now = clock.now()
        self.replayed = Replayed(self._conductor, self._report, clock.monotonic(), now, now, before=before)
        self._report.opened()
        self._apply(self._conductor.start())

    def play(self, entry: Entry) -> None:
        if line := _LINES.get(entry["event"]):
            line(self, entry)
        event = entries.event_of(entry)
        if event is not None:
            self._apply(self._conductor.advance(event))

    def assume_begun(self) -> None:
        """Let every task that opens the checkpoint succeed, unless it has ended."""
        state, specs = self._conductor.state, self._conductor.execution.specs
        while (
            row := next((n for n, task in enumerate(state.task) if specs[n].action == BEGIN and task in _ON), -1)
        ) >= 0:
            event = _ON[state.task[row]](row, state.attempt[row])
            self.replayed.assumed.append(event)
            self._apply(self._conductor.advance(event))

    def _apply(self, new: Sequence[Effect]) -> None:
        for effect in new:
            if isinstance(effect, protocol.Changed):
                self._report.changed(effect.row, effect.state)
            elif isinstance(effect, protocol.Wait):
                self.replayed.waits[effect.row, effect.timer] = self._clock.monotonic() + effect.seconds
            elif isinstance(effect, protocol.TimeOut):
                timeout = self._conductor.execution.specs[effect.row].timeout
                self.replayed.timed_out[effect.row] = f"timed out after {timeout} s"
            elif isinstance(effect, protocol.Pause):
                self._report.paused(effect.row)
            elif isinstance(effect, protocol.Finished):
                self.replayed.finished = effect.state

    def _begun(self, entry: Entry) -> None:
        path = self._conductor.execution.path(entry["row"])
        if path != entry["task"]:
            raise ValueError(f"task {entry['row']} is {path!r}, not {entry['task']!r}")
        self.replayed.timed_out.pop(entry["row"], None)
        self._report.started(entry["row"])

    def _failed(self, entry: Entry) -> None:
        self.replayed.codes[entry["row"]] = entries.code_in(entry)

    def _cancelled(self, entry: Entry) -> None:
        self.replayed.interrupted_by = entry["by"]
        rows, specs = self._conductor.state.task, self._conductor.execution.specs
        running = sum(task is RUNNING and bool(specs[row].action) for row, task in enumerate(rows))
        self._report.interrupted(entry["by"], running, entry["grace"])

    def _message(self, entry: Entry) -> None:
        self._report.message(entry["row"], entry["text"])

    def _timed_out(self, entry: Entry) -> None:
        timeout = self._conductor.execution.specs[entry["row"]].timeout or 0
        self._report.timed_out(entry["row"], timeout, stuck=entry["stuck"])

    def _confirmed(self, entry: Entry) -> None:
        self._report.resumed(entry["row"])

    def _resumed(self, entry: Entry) -> None:
        self._report.taken_up(entry["repeated"])

    def _repeated(self, entry: Entry) -> None:
        self._report.repeated(entry["row"])

    def _warning(self, entry: Entry) -> None:
        self._report.warn(entry["text"])

    def _finished(self, entry: Entry) -> None:
        self.replayed.finished = FlowState(entry["state"])  # an engine may have left tasks behind
        self._report.tell(ExecutionFinished(self._clock.now(), entry["state"], entry["exit_code"]))


# What brings a task nearer to its success.
_ON: Mapping[TaskState, Callable[[int, int], Event]] = {
    PAUSED: lambda row, attempt: Resumed(row),
    DELAYED: lambda row, attempt: Due(row, attempt, Timer.RETRY),
    READY: lambda row, attempt: Begun(row),
    RUNNING: lambda row, attempt: Succeeded(row),
}
_LINES: Mapping[str, Callable[[_Player, Entry], None]] = {
    "begun": _Player._begun,
    "failed": _Player._failed,
    "cancelled": _Player._cancelled,
    "confirmed": _Player._confirmed,
    entries.MESSAGE: _Player._message,
    entries.TIMED_OUT: _Player._timed_out,
    entries.WARNING: _Player._warning,
    entries.RESUMED: _Player._resumed,
    entries.REPEATED: _Player._repeated,
    entries.FINISHED: _Player._finished,
}
