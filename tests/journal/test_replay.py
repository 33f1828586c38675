"""A journal, cut anywhere, gives exactly the state that the conductor had, and what the runner had in hand.

Random documents (sub-workflows, retries, delays, timeouts, pauses, closers), and the events of their executions in
random order.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embank.clock import SystemClock
from embank.conductor import protocol
from embank.conductor.conductor import INTERNAL, Conductor
from embank.conductor.protocol import Begun, Cancelled, Due, Effect, Event, Failed, Resumed, Succeeded, Timer
from embank.conductor.resuming import Outstanding
from embank.conductor.state import State
from embank.conductor.states import PAUSED, READY, RUNNING, FlowState
from embank.document import Document, Retry
from embank.journal.file import Journal, read_journal
from embank.journal.recorder import Recorder
from embank.journal.replay import replay
from kit import documents as make
from kit.examples import examples

SETTINGS = examples(60)
PARTS = 3  # sub-workflows at most
Plan = Mapping[str, int]  # how often each task fails before it succeeds


@dataclass(frozen=True)
class Case:
    """A document as numbers: what each task requires, its policies, and the sub-workflow that it is in (0: none)."""

    requires: tuple[tuple[int, ...], ...]
    policies: tuple[dict[str, int], ...]
    fails: tuple[int, ...]
    hangs: tuple[bool, ...]
    part: tuple[int, ...]
    closers: int
    seed: int

    def document(self, *, pauses: bool) -> Document:
        """Tasks of a part are what the body requires as one; so they require only each other."""
        tasks: list[list[Any]] = [[] for _ in range(PARTS)]
        for n, requires in enumerate(self.requires):
            given = dict(self.policies[n])
            retry, pause = given.pop("retry", 0), given.pop("pause_before", 0)
            more = {"retry": Retry(retry, 1)} if retry else {}
            more |= {"pause_before": True} if pause and pauses else {}
            inside = [f"t{m}" for m in requires if self.part[m] == self.part[n]]
            tasks[self.part[n]].append(make.task(f"t{n}", requires=tuple(inside), **more, **given))
        body, extra = tasks[0], []
        for number in range(1, PARTS):
            if tasks[number]:
                first = (body[0].name,) if body and number == 1 else ()
                timeout = 9 if number == 2 else None
                call = {"workflow": f"part{number}", "input": {"task_name": "done"}, "timeout": timeout}
                body.append(make.task(f"p{number}", requires=first, **call))
                extra.append(make.reverse(f"part{number}", *tasks[number]))
        document = make.bracketed(body, [make.task(f"thaw{n}") for n in range(self.closers)])
        return make.document(*document.workflows.values(), *extra)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    size = draw(st.integers(1, 8))
    few = st.integers(0, 2)
    policy = st.fixed_dictionaries(
        {},
        optional={
            "retry": few,
            "timeout": st.just(5),
            "wait_before": st.just(2),
            "wait_after": st.just(3),
            "pause_before": st.integers(0, 1),
        },
    )

    def each(values: st.SearchStrategy[Any]) -> tuple[Any, ...]:
        return tuple(draw(st.lists(values, min_size=size, max_size=size)))

    return Case(
        requires=tuple(
            tuple(sorted(draw(st.sets(st.integers(0, n - 1), max_size=2)))) if n else () for n in range(size)
        ),
        policies=each(policy),
        fails=each(st.integers(0, 3)),
        hangs=each(st.booleans()),
        part=each(st.sampled_from((0, 0, 1, 2))),
        closers=draw(few),
        seed=draw(st.integers(0, 1 << 16)),
    )


@dataclass
class Live:
    """What a runner has in hand: it takes effects in, and says which events could come next."""

    conductor: Conductor
    ready: set[int] = field(default_factory=set)
    timers: set[Due] = field(default_factory=set)
    timed_out: set[int] = field(default_factory=set)
    finished: FlowState | None = None

    def take(self, new: list[Effect]) -> None:
        for effect in new:
            if isinstance(effect, protocol.Start):
                self.ready.add(effect.row)
            elif isinstance(effect, protocol.Wait):
                self.timers.add(Due(effect.row, effect.attempt, effect.timer))
            elif isinstance(effect, protocol.TimeOut):
                self.timed_out.add(effect.row)
            elif isinstance(effect, protocol.Finished):
                self.finished = effect.state

    def tell(self, event: Event) -> None:
        if isinstance(event, Begun):
            self.ready.discard(event.row)
            self.timed_out.discard(event.row)
        elif isinstance(event, Due):
            self.timers.discard(event)
        self.take(self.conductor.advance(event))

    def pending(self) -> list[int]:
        """What is ready and not withdrawn."""
        return sorted(row for row in self.ready if self.conductor.state.task[row] is READY)

    def running(self) -> list[int]:
        specs = self.conductor.execution.specs
        acting = (row for row, spec in enumerate(specs) if spec.action and spec.action not in INTERNAL)
        return [row for row in acting if self.conductor.state.task[row] is RUNNING]

    def ticking(self) -> list[Due]:
        return sorted(due for due in self.timers if self.conductor.heeds(due))

    def asked(self) -> list[int]:
        return [row for row in self.conductor.state.paused if self.conductor.state.task[row] is PAUSED]


class Outcomes:
    """What becomes of each attempt, whoever runs it: it follows from the task and the attempt alone."""

    def __init__(self, case: Case) -> None:
        self.case = case

    def of(self, live: Live, row: int) -> Event | None:
        """None: it hangs."""
        name = live.conductor.execution.specs[row].name
        if row in live.timed_out:
            return Failed(row, "timed out")
        if not name.startswith("t") or name.startswith("thaw"):
            return Succeeded(row)
        number = int(name[1:])
        if self.case.hangs[number] and "timeout" in self.case.policies[number]:
            return None
        if live.conductor.state.attempt[row] <= self.case.fails[number]:
            return Failed(row, "told to fail")
        return Succeeded(row)

    def next(self, live: Live) -> list[Event]:
        """What can happen. Time passes only when nothing else can: then timeouts are those of what hangs."""
        events: list[Event] = [Begun(row) for row in live.pending()]
        events += [event for row in live.running() if (event := self.of(live, row))]
        events += [due for due in live.ticking() if due.timer is not Timer.TIMEOUT]
        if not events:
            calls = live.conductor.execution.specs
            # the inner ones first: what is in a sub-workflow hangs shorter than the whole of it may take
            timeouts = [due for due in live.ticking() if not calls[due.row].workflow] or live.ticking()
            events = [*timeouts[:1]]
        return events + [Resumed(row) for row in live.asked()]


@dataclass
class Run:
    """An execution with its journal, and the state that it had after every line."""

    path: Path
    states: list[State] = field(default_factory=list)
    lives: list[tuple[list[int], list[int], set[Due], list[int], set[int]]] = field(default_factory=list)
    finished: list[FlowState | None] = field(default_factory=list)

    def play(self, document: Document, case: Case, *, cancel: bool, fail_fast: bool, anyhow: bool) -> Live:
        """Play it in random order; `anyhow`: attempts end in any way, timers fire at any time."""
        choice = random.Random(case.seed)
        conductor = Conductor(document, "e", fail_fast=fail_fast)
        journal = Journal(self.path)
        recorder = Recorder(conductor.execution, journal, SystemClock())
        recorder.line("execution", execution="e", fail_fast=fail_fast)
        live, outcomes = Live(conductor), Outcomes(case)
        live.take(conductor.start())
        self.remember(live)
        while live.finished is None:
            events = outcomes.next(live)
            if anyhow:
                events += [*live.ticking(), *(Failed(row, "any") for row in live.running())]
            if cancel and choice.random() < 0.1 and conductor.state.stopped is None:
                events = [Cancelled()]
            event = choice.choice(events)
            if isinstance(event, Cancelled):
                recorder.event(event, by="SIGINT", grace=30)
            else:
                recorder.event(event)
            live.tell(event)
            self.remember(live)
            if choice.random() < 0.1 and live.running():
                recorder.message(live.running()[0], "still here")
                self.remember(live)
        recorder.commit()
        journal.close()
        return live

    def remember(self, live: Live) -> None:
        self.states.append(live.conductor.state.copy())
        timers = {due for due in live.ticking() if due.timer is not Timer.TIMEOUT}
        gone = {row for row in live.timed_out if row in live.running()}
        self.lives.append((live.pending(), live.running(), timers, live.asked(), gone))
        self.finished.append(live.finished)


@pytest.fixture
def run() -> Iterator[type[Run]]:
    return Run


@SETTINGS
@given(case=cases(), cancel=st.booleans(), fail_fast=st.booleans(), anyhow=st.booleans())
def test_every_beginning_of_a_journal_gives_the_state_of_that_moment(
    case: Case, cancel: bool, fail_fast: bool, anyhow: bool
) -> None:
    document = case.document(pauses=True)
    with TemporaryDirectory() as directory:
        run = Run(Path(directory) / "journal")
        run.play(document, case, cancel=cancel, fail_fast=fail_fast, anyhow=anyhow)
        entries = read_journal(run.path).entries
    assert len(entries) == len(run.states)
    clock = SystemClock()
    for count in range(1, len(entries) + 1):
        again = replay(document, entries[:count], clock)
        assert again.conductor.state == run.states[count - 1]
        assert again.finished == run.finished[count - 1]
        left = again.left(clock.monotonic())
        timers = {due for _, due in left.timers if due.timer is not Timer.TIMEOUT}
        ready, running, ticking, asked, timed_out = run.lives[count - 1]
        assert (sorted(left.ready), list(left.running), timers) == (ready, running, ticking)
        assert (list(left.asked), set(left.timed_out)) == (asked, timed_out)


@SETTINGS
@given(case=cases())
def test_whoever_takes_it_up_anywhere_ends_as_the_undisturbed_execution(case: Case) -> None:
    document = case.document(pauses=False)
    with TemporaryDirectory() as directory:
        run = Run(Path(directory) / "journal")
        undisturbed = run.play(document, case, cancel=False, fail_fast=False, anyhow=False)
        entries = read_journal(run.path).entries
    clock = SystemClock()
    for count in range(1, len(entries)):
        again = replay(document, entries[:count], clock)
        if again.finished is not None:
            continue
        resumed = take_up(again.conductor, again.left(clock.monotonic()), case)
        assert resumed.finished == undisturbed.finished
        assert ends(resumed) == ends(undisturbed), f"taken up after line {count}"


def take_up(conductor: Conductor, left: Outstanding, case: Case) -> Live:
    """Go on with what is left, the first thing first."""
    live, outcomes = Live(conductor), Outcomes(case)
    live.ready.update(left.ready)
    live.timers.update(due for _, due in left.timers)
    for row in left.running:
        if reason := left.verdict(row, conductor.state):
            live.tell(Failed(row, reason))
    while live.finished is None:
        live.tell(outcomes.next(live)[0])
    return live


def ends(live: Live) -> dict[str, str]:
    """How every task ended, by its path and the run of the workflow that it is in."""
    execution = live.conductor.execution
    return {
        f"{execution.path(row)} {execution.state.frames[execution.state.frame[row]].attempt}": str(task)
        for row, task in enumerate(execution.state.task)
    }
