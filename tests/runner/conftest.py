"""What the tasks of the runner's tests do, with real threads and real time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from embank.plugins import Poll
from embank.runner.local import execute
from embank.runner.options import Options
from kit import documents as make


class Acting:
    """Performs actions as their inputs say: `polls` times, `after` seconds apart, then `fail` or end well."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.release = threading.Event()  # what is stuck waits for this
        self.begun: list[str] = []
        self.closed: list[str] = []
        self.stepping = self.most_stepping = 0
        self.active: dict[str, int] = {}
        self.most_active: dict[str, int] = {}
        self.most_threads = 0
        self.left: dict[str, int] = {}

    def perform(self, job: Any, control: Any) -> Iterator[Poll]:
        given = job.input
        name, kind = str(given.get("name")), str(given.get("resource", {}).get("type", ""))
        with self.lock:
            self.begun.append(name)
            self.active[kind] = self.active.get(kind, 0) + 1
            self.most_active[kind] = max(self.most_active.get(kind, 0), self.active[kind])
            self.left.setdefault(name, int(given.get("fail", 0)))
        ended = False
        try:
            for number in range(given.get("polls", 0)):
                with self.lock:
                    self.stepping += 1
                    self.most_stepping = max(self.most_stepping, self.stepping)
                    self.most_threads = max(self.most_threads, threading.active_count())
                threading.Event().wait(given.get("step", 0.0))
                with self.lock:
                    self.stepping -= 1
                yield Poll(given.get("after", 0.01), number / given["polls"], f"poll {number}")
            while len(self.begun) < given.get("until_begun", 0):
                with self.lock:
                    self.most_threads = max(self.most_threads, threading.active_count())
                yield Poll(given.get("after", 0.01))
            if given.get("stuck"):
                self.release.wait(60)
            if given.get("say"):
                control.tell(given["say"])
            ended = True
        finally:
            with self.lock:
                self.active[kind] -= 1
                if not ended:
                    self.closed.append(name)
            if given.get("stuck_in_close") and not ended:
                self.release.wait(60)
            if given.get("close_fails") and not ended:
                raise RuntimeError("the door is jammed")
        with self.lock:
            self.left[name] -= 1
            fails = self.left[name] >= 0
        if fails:
            raise RuntimeError(f"{name} \x1b[31mfailed\nsecond line")


@pytest.fixture
def acting() -> Iterator[Acting]:
    acting = Acting()
    yield acting
    acting.release.set()


@pytest.fixture
def run(acting: Acting) -> Any:
    """Run tasks, each given as name=input, as a reverse workflow; `specs` has more of a task than its input."""

    def run(specs: Mapping[str, Mapping[str, Any]], **options: Any) -> Any:
        tasks = []
        for name, fields in specs.items():
            known = {
                key: value for key, value in fields.items() if key in ("requires", "retry", "timeout", "pause_before")
            }
            given = {key: value for key, value in fields.items() if key not in known}
            action = "embank.activity" if "resource" in given else "test.do"
            tasks.append(make.task(name, action, input={"name": name, **given}, **known))
        limits = options.pop("concurrency", {})
        doc = make.calling(*tasks, vars={"concurrency": limits} if limits else {})
        listeners = options.pop("listeners", ())
        return execute(doc, acting.perform, execution="e", options=Options(**options), listeners=listeners)

    return run
