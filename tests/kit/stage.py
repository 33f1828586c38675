"""A stage that plays documents through the conductor, without threads or time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from embank.conductor.conductor import Conductor
from embank.conductor.protocol import (
    Begun,
    Cancelled,
    Due,
    Effect,
    Failed,
    Finished,
    Interrupt,
    Pause,
    Resumed,
    Start,
    Succeeded,
    TimeOut,
    Wait,
)
from embank.document import Document


@dataclass
class Played:
    """What came of a document: the last state of every task by path, and what was begun in which order."""

    conductor: Conductor
    state: str = ""
    begun: list[str] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    @property
    def states(self) -> dict[str, str]:
        execution = self.conductor.execution
        rows = enumerate(execution.state.task)
        return {execution.path(row): str(state) for row, state in rows if execution.specs[row].action[:3] != "std"}

    @property
    def causes(self) -> dict[str, str]:
        execution = self.conductor.execution
        return {
            execution.path(row): "cancelled" if cause == -1 else execution.path(cause)
            for row, cause in enumerate(execution.state.cause)
            if cause is not None and execution.specs[row].action[:3] != "std"
        }


class Stage:
    """Everything that starts ends at once, in file order, and time passes when nothing else can happen."""

    def __init__(self, played: Played, fails: Mapping[str, int], hangs: Iterable[str], cancel_at: str, resume: bool):
        self.played = played
        self.conductor = played.conductor
        self.fails = dict(fails)
        self.hangs = set(hangs)
        self.cancel_at = cancel_at
        self.resume = resume
        self.todo: list[Effect] = []
        self.ready: list[Start] = []
        self.waits: list[tuple[int, int, Wait]] = []
        self.clock = 0

    def play(self) -> None:
        self.todo = list(self.conductor.start())
        while not self.played.state:
            while self.todo:
                self.react(self.todo.pop(0))
            starts, self.ready = sorted(self.ready), []
            for start in starts:
                self.begin(start.row)
            if not self.todo and not self.pass_time():
                return  # paused, or hanging for ever

    def feed(self, event: Any) -> None:
        self.todo.extend(self.conductor.advance(event))

    def react(self, effect: Effect) -> None:
        self.played.effects.append(effect)
        if isinstance(effect, Start):
            self.ready.append(effect)
        elif isinstance(effect, Wait):
            self.waits.append((self.clock + effect.seconds, len(self.played.effects), effect))
        elif isinstance(effect, Pause) and self.resume:
            self.feed(Resumed(effect.row))
        elif isinstance(effect, Interrupt):
            self.feed(Failed(effect.row, "interrupted"))
        elif isinstance(effect, TimeOut) and self.conductor.state.task[effect.row] == "running":
            self.feed(Failed(effect.row, "timed out"))
        elif isinstance(effect, Finished):
            self.played.state = str(effect.state)

    def begin(self, row: int) -> None:
        path = self.conductor.execution.path(row)
        if self.conductor.state.task[row] != "ready":
            return
        self.played.begun.append(path)
        self.feed(Begun(row))
        if path == self.cancel_at:
            self.cancel_at = ""
            self.feed(Cancelled())
        elif self.fails.get(path, 0) > 0:
            self.fails[path] -= 1
            self.feed(Failed(row, "told to fail"))
        elif path not in self.hangs:
            self.feed(Succeeded(row))

    def pass_time(self) -> bool:
        if not self.waits or self.played.state:
            return False
        self.waits.sort()
        self.clock, _, wait = self.waits.pop(0)
        self.feed(Due(wait.row, wait.attempt, wait.timer))
        return True


def play(
    doc: Document,
    *,
    fails: Mapping[str, int] | Iterable[str] = (),
    hangs: Iterable[str] = (),
    cancel_at: str = "",
    fail_fast: bool = False,
    resume: bool = True,
) -> Played:
    """Play a document. `fails` says which tasks fail (and how often), `hangs` which never end, `cancel_at` at
    the begin of which task the execution is cancelled: an interrupted task then fails. Tasks are paths.
    """
    played = Played(Conductor(doc, "execution-id", fail_fast=fail_fast))
    failing = fails if isinstance(fails, Mapping) else dict.fromkeys(fails, 1_000_000)
    Stage(played, failing, hangs, cancel_at, resume).play()
    return played
