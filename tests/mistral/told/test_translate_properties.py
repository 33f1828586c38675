"""What holds for every execution: a Mistral in small, whose clocks differ, is looked at in the middle of its work."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from embank.conductor import protocol, states
from embank.conductor.conductor import Conductor
from embank.conductor.protocol import Due, Timer
from embank.document import Document, Retry
from embank.mistral.api.seen import Seen, SeenAttempt, SeenTask
from kit import engine
from kit.examples import examples
from kit.told import tell

SETTINGS = examples(250, suppress_health_check=[HealthCheck.too_slow])
OVER = ("SUCCESS", "ERROR", "CANCELLED")
NAMES = "abcdefgh"


@dataclass
class Attempt:
    """One run of an action. `clock` is that of the machine that says so."""

    started: float
    clock: float
    state: str = "RUNNING"
    ended: float | None = None


@dataclass
class Behaviour:
    """What Mistral, the actions and people do; consumed as it goes on."""

    draw: st.DataObject
    skewed: bool
    pauses: bool

    def seconds(self, most: int) -> float:
        return self.draw.draw(st.integers(0, 10 * most)) / 10

    def succeeds(self) -> bool:
        return self.draw.draw(st.integers(0, 3)) > 0

    def clock(self) -> float:
        return self.draw.draw(st.sampled_from((-3.0, -0.4, 0.0, 2.5))) if self.skewed else 0.0


@dataclass
class SmallMistral:
    """Executes a document as Mistral does: a task that timed out fails, and what it runs goes on; cancelling stops
    what has not begun. `cut` is when it is looked at, `cancel` when it is cancelled.
    """

    document: Document
    behaviour: Behaviour
    cut: float
    cancel: float | None
    closes: bool  # whether the closers are run after it was cancelled
    now: float = 0.0
    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)
    attempts: dict[int, list[Attempt]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.conductor = Conductor(self.document, "e")
        self.queue: list[tuple[float, int, Any]] = []
        self.number = count()
        self.cancelled: float | None = None
        self.finished = ""
        self.running_when_cancelled: dict[int, float] = {}

    def run(self) -> None:
        self.apply(self.conductor.start())
        if self.cancel is not None:
            self.at(self.cancel, protocol.Cancelled())
        while self.queue and self.queue[0][0] <= self.cut:
            self.now, _, event = heapq.heappop(self.queue)
            if isinstance(event, tuple) and not isinstance(event, protocol.Event):
                self.end(*event)
            elif self.fits(event):
                self.take(event)

    def fits(self, event: Any) -> bool:
        state = self.conductor.state
        if isinstance(event, protocol.Cancelled):
            return not self.finished
        if isinstance(event, Due):
            return self.conductor.heeds(event)
        if isinstance(event, protocol.Resumed):
            return event.row in state.paused
        return state.task[event.row] is states.READY and (self.cancelled is None or self.closes)

    def take(self, event: Any) -> None:
        if isinstance(event, protocol.Cancelled):
            self.cancelled = self.now
            self.running_when_cancelled = {
                row: self.now
                for row, task in enumerate(self.conductor.state.task)
                if task is states.RUNNING
                and self.spec(row).workflow
                and not (self.closes and self.conductor.state.rescue[row])
            }
        if isinstance(event, Due) and event.timer is Timer.TIMEOUT:
            if event.row in self.running_when_cancelled:
                return
            self.apply(self.conductor.advance(protocol.Failed(event.row, "Task timed out")))
            self.tasks[event.row]["info"] = f"Task timed out [timeout(s)={self.spec(event.row).timeout}]."
            return
        if isinstance(event, protocol.Resumed):
            self.tasks[event.row]["started"] = self.now
        if isinstance(event, protocol.Begun):
            mine = Attempt(self.now, self.behaviour.clock())
            self.attempts.setdefault(event.row, []).append(mine)
            self.note(event.row)
            self.at(self.now + self.behaviour.seconds(6), (event.row, mine, self.behaviour.succeeds()))
        self.apply(self.conductor.advance(event))

    def end(self, row: int, attempt: Attempt, well: bool) -> None:
        attempt.state, attempt.ended = "SUCCESS" if well else "ERROR", self.now
        if self.conductor.state.task[row] is states.RUNNING and self.attempts[row][-1] is attempt:
            self.apply(self.conductor.advance(protocol.Succeeded(row) if well else protocol.Failed(row, "no")))

    def apply(self, new: list[protocol.Effect]) -> None:
        for effect in new:
            if isinstance(effect, protocol.Start):
                self.at(self.now + self.behaviour.seconds(1), protocol.Begun(effect.row))
            elif isinstance(effect, protocol.Wait):
                self.note(effect.row)
                self.at(self.now + effect.seconds, Due(effect.row, effect.attempt, effect.timer))
            elif isinstance(effect, protocol.Pause):
                self.note(effect.row)
                if self.behaviour.pauses:
                    self.at(self.now + self.behaviour.seconds(5), protocol.Resumed(effect.row))
            elif isinstance(effect, protocol.Changed):
                self.changed(effect.row, effect.state)
            elif isinstance(effect, protocol.Finished):
                self.finished = str(effect.state)

    def changed(self, row: int, to: states.TaskState) -> None:
        if to is not states.SKIPPED:
            self.note(row)
            self.tasks[row]["ended"] = self.now if to in states.ENDED else None

    def note(self, row: int) -> None:
        self.tasks.setdefault(row, {"started": self.now, "ended": None, "info": ""})

    def at(self, moment: float, event: Any) -> None:
        number = next(self.number)  # no two at once, if clocks are exact
        heapq.heappush(self.queue, (moment + number / 1e6, number, event))

    def policy(self, row: int) -> str:
        state = self.conductor.state
        if state.task[row] is states.ENDING:
            return "wait-after"
        return "retry" if state.attempt[row] > 1 else "wait-before"

    def spec(self, row: int) -> Any:
        return self.conductor.execution.specs[row]

    def seen(self, start: datetime, *, whole: bool, details: bool) -> Seen:
        """What is seen of it. `whole`: whole seconds only."""

        def shown(moment: float, clock: float = 0.0) -> datetime:
            late = moment + clock
            return start + timedelta(seconds=int(late) if whole else late)

        tasks = {}
        for row, task in self.tasks.items():
            state = states.MISTRAL[self.conductor.state.task[row]] or "DELAYED"  # withdrawn while it waited
            ended = task["ended"]
            if row in self.running_when_cancelled:
                state, ended = "CANCELLED", self.running_when_cancelled[row]
            path = self.conductor.execution.path(row)
            tasks[path] = SeenTask(
                path,
                state,
                shown(task["started"]),
                None if ended is None else shown(ended),
                task["info"] if state != "DELAYED" else f"Delayed by '{self.policy(row)}' policy [delay=2]",
                tuple(
                    SeenAttempt(
                        each.state,
                        shown(each.started, each.clock),
                        None if each.ended is None else shown(each.ended, each.clock),
                    )
                    for each in self.attempts.get(row, ())
                    if details or self.spec(row).retry or state == "ERROR" or self.spec(row).wait_after
                ),
            )
        state = "CANCELLED" if self.cancelled is not None else self.finished or "RUNNING"
        ended = shown(self.now if self.cancelled is None else self.cancelled) if state in OVER else None
        return Seen("e", "main", state, start, ended, "", tasks)


@st.composite
def tasks(draw: st.DrawFn, parts: int, *, pauses: bool) -> list[Any]:
    """The tasks of a reverse workflow, some of which run one of the parts that come next."""
    found: list[Any] = []
    for number in range(draw(st.integers(1, 5))):
        requires = draw(st.sets(st.sampled_from([each.name for each in found]), max_size=2)) if found else set()
        common = {"requires": tuple(sorted(requires)), "pause_before": pauses and draw(st.integers(0, 5)) == 0}
        if parts and draw(st.booleans()):
            parts -= 1
            given = {"run": engine.RUN, "task_name": "done"}
            found.append(engine.task(NAMES[number], workflow=f"part{parts + 1}", input=given, **common))
            continue
        retry = Retry(draw(st.integers(1, 2)), draw(st.integers(0, 3))) if draw(st.booleans()) else None
        found.append(
            engine.task(
                NAMES[number],
                retry=retry,
                timeout=draw(st.sampled_from((None, None, 3))),
                wait_before=draw(st.sampled_from((0, 0, 0, 2))),
                wait_after=draw(st.sampled_from((0, 0, 0, 2))),
                **common,
            )
        )
    return found


@st.composite
def documents(draw: st.DrawFn, *, pauses: bool) -> Document:
    """Bracketed, with a body that has parts, in one level."""
    body = draw(tasks(2, pauses=pauses))
    parts = [body, *(draw(tasks(0, pauses=pauses)) for _ in range(2))]
    closers = [engine.task(name, "embank.cleanup", retry=Retry(1, 1)) for name in NAMES[: draw(st.integers(1, 2))]]
    document: Document = engine.bracketed(parts, closers, timeout=draw(st.sampled_from((None, None, 8))))
    return document


def found(told: Any, seen: Seen) -> Iterator[tuple[str, str]]:
    """The states of the tasks that have appeared, in Mistral's words."""
    execution = told.replayed.conductor.execution
    rows = {execution.path(row): state for row, state in enumerate(execution.state.task)}
    for path, task in seen.tasks.items():
        state = rows.get(path)
        if task.state == "CANCELLED" and state in (states.FAILED, states.SKIPPED):
            yield path, "CANCELLED"
        elif state is states.SKIPPED and seen.state == "CANCELLED" and task.state == "DELAYED":
            yield path, "DELAYED"
        else:
            yield path, (states.MISTRAL[state] or str(state)) if state else "absent"


def begun(told: Any) -> set[str]:
    return {values["task"] for _, name, values in told.lines if name == "begun"}


@pytest.mark.parametrize("mode", ["skewed", "pausing", "cancelled"])
@SETTINGS
@given(data=st.data())
def test_the_journal_says_the_same_of_every_task(mode: str, data: Any) -> None:
    """`skewed`: every action has another clock. What pauses or is cancelled depends on the order of everything: there
    clocks are exact, up to whole seconds for the latter.
    """
    document = data.draw(documents(pauses=mode == "pausing"))
    small = SmallMistral(
        document,
        Behaviour(data, skewed=mode == "skewed", pauses=data.draw(st.booleans())),
        cut=data.draw(st.sampled_from((1000.0, 1000.0, 30.0)) | st.floats(0, 30)),
        cancel=data.draw(st.floats(0, 20)) if mode == "cancelled" else None,
        closes=data.draw(st.booleans()),
    )
    small.run()
    whole, details = mode != "pausing" and data.draw(st.booleans()), data.draw(st.booleans())
    seen = small.seen(engine.START, whole=whole, details=details)
    told = tell(document, seen)
    assert dict(found(told, seen)) == {path: task.state for path, task in seen.tasks.items()}
    assert begun(told) <= set(seen.tasks), "what never began is not begun"
    assert (told.end is not None) == (seen.state in OVER)
    if seen.state == "SUCCESS":
        assert told.end == ("SUCCESS", 0)
    elif told.end:
        assert told.end[0] == "ERROR"
        assert told.end[1] in (4, 5, 130)


def random_tasks(document: Document) -> st.SearchStrategy[SeenTask]:
    """Tasks at places that the document has, or does not have, of which anything is said."""
    names = [name for flow in document.workflows.values() for name in flow.tasks]
    moments = st.integers(-5, 30).map(engine.at)
    words = st.sampled_from((*OVER, "RUNNING", "PAUSED", "DELAYED", "IDLE", "WAITING", "SKIPPED", "odd"))
    attempts = st.builds(
        SeenAttempt,
        words,
        moments,
        st.none() | moments,
        st.text(max_size=3),
        st.sampled_from((0, 4, 7, 99)),
        st.just(("m",)),
    )
    return st.builds(
        SeenTask,
        st.lists(st.sampled_from(names), min_size=1, max_size=4).map("/".join),
        words,
        moments,
        st.none() | moments,
        st.sampled_from(
            ("", "Task timed out [timeout(s)=3].", "by 'wait-before'", "by 'wait-after'", "by 'retry'", "\x1b")
        ),
        st.lists(attempts, max_size=3).map(tuple),
    )


@SETTINGS
@given(data=st.data())
def test_whatever_an_engine_says_becomes_a_journal(data: Any) -> None:
    document = data.draw(documents(pauses=True))
    listed = data.draw(st.lists(random_tasks(document), max_size=12))
    state = data.draw(st.sampled_from((*OVER, "RUNNING", "PAUSED", "odd")))
    ended = data.draw(st.none() | st.integers(-5, 30).map(engine.at))
    seen = Seen("e", "main", state, engine.START, ended, "", {task.path: task for task in listed})
    told = tell(document, seen)
    assert (told.end is not None) == (state in OVER)
    assert begun(told) <= set(seen.tasks)
    assert told.end != ("SUCCESS", 0), "so few tasks cannot be all"
