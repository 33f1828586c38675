"""Documents built by hand, and a stage that plays them through the conductor without threads or time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from embank.conductor.conductor import Conductor
from embank.conductor.protocol import (
    Abandon,
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
    Timer,
    Wait,
)
from embank.diagnostics import Place
from embank.document import Document, Expression, Flow, Retry, TaskSpec, WorkflowSpec

PLACE = Place("file.yaml", 7, 3)
RUN = {"provider": "p", "plan": "shop", "operation": "protect", "checkpoint": "c", "execution": "e"}


def task(name: str, action: str = "test.do", **fields: Any) -> TaskSpec:
    """A task; `requires`, `on_success` … may be one string of names."""
    for key in ("requires", "on_success", "on_error", "on_complete"):
        if isinstance(fields.get(key), str):
            fields[key] = tuple(fields[key].split())
    return TaskSpec(name, PLACE, action="" if fields.get("workflow") else action, **fields)


def workflow(name: str, flow: Flow, tasks: Iterable[TaskSpec], **fields: Any) -> WorkflowSpec:
    return WorkflowSpec(name, flow, PLACE, tasks={each.name: each for each in tasks}, **fields)


def reverse(name: str, *tasks: TaskSpec, **fields: Any) -> WorkflowSpec:
    """A reverse workflow with a sink `done`, unless the tasks have one."""
    required = {name for each in tasks for name in each.requires}
    if not any(each.name == "done" for each in tasks):
        last = tuple(each.name for each in tasks if each.name not in required)
        tasks = (*tasks, task("done", "std.noop", requires=last))
    return workflow(name, Flow.REVERSE, tasks, **fields)


def direct(name: str, *tasks: TaskSpec, **fields: Any) -> WorkflowSpec:
    return workflow(name, Flow.DIRECT, tasks, **fields)


def document(*workflows: WorkflowSpec) -> Document:
    """The first workflow is the main one."""
    return Document("file.yaml", "0" * 64, workflows[0].name, {each.name: each for each in workflows})


def calling(*tasks: TaskSpec, **fields: Any) -> Document:
    """A main workflow that does nothing but run these tasks as a reverse workflow."""
    main = direct("main", task("all", workflow="body", input={"task_name": "done"}), **fields)
    return document(main, reverse("body", *tasks))


def bracketed(body: Iterable[TaskSpec], closers: Iterable[TaskSpec] = ()) -> Document:
    """The shape of a compiled file: begin, activities, complete; cleanup and abandon when anything fails."""
    run = Expression("variable", "run", PLACE)
    given = {"run": run, "task_name": "done"}
    closers = tuple(closers)
    error = "cleanup" if closers else "abandon"
    main = [
        task("begin", "embank.begin", input={"run": run}, on_success="activities", on_error="abandon"),
        task("activities", workflow="body", input=given, on_success="complete", on_error=error),
        task("complete", "embank.complete", input={"run": run, "status": "available"}, on_error=error),
        *([task("cleanup", workflow="closers", input=given, on_complete="abandon")] if closers else []),
        task("abandon", "embank.complete", input={"run": run, "status": "error"}, on_complete="fail"),
    ]
    parts = [direct("main", *main, vars={"run": RUN}), reverse("body", *body, input=("run",))]
    return document(*parts, *([reverse("closers", *closers, input=("run",))] if closers else []))


def activity(name: str, phase: str, resource: str, **fields: Any) -> TaskSpec:
    """An activity of a resource "TYPE#ID"."""
    return _about("embank.activity", name, phase, resource, **fields)


def closer(name: str, phase: str, closes: str, resource: str, **fields: Any) -> TaskSpec:
    """A cleanup task."""
    return _about("embank.cleanup", name, phase, resource, closes=closes, **fields)


def _about(action: str, name: str, phase: str, resource: str, **fields: Any) -> TaskSpec:
    kind, _, id_ = resource.partition("#")
    more = {key: fields.pop(key) for key in list(fields) if key not in TaskSpec.__dataclass_fields__}
    run = Expression("variable", "run", PLACE)
    resources = {"resource": {"type": kind, "id": id_, "name": id_}}
    return task(name, action, input={"run": run, "activity": phase, **resources, **more}, **fields)


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
        elif isinstance(effect, Abandon) and self.conductor.state.task[effect.row] == "running":
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


@pytest.fixture
def make() -> SimpleNamespace:
    """The builders above."""
    return SimpleNamespace(
        activity=activity,
        bracketed=bracketed,
        calling=calling,
        closer=closer,
        direct=direct,
        document=document,
        place=PLACE,
        retry=Retry,
        reverse=reverse,
        run=RUN,
        task=task,
        timer=Timer,
        abandon=Abandon,
    )


@pytest.fixture(name="play")
def _play() -> Callable[..., Played]:
    return play
