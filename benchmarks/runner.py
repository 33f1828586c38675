"""What the reference runner costs: tasks per second against a baseline measured in the same run, and polls.

    python benchmarks/runner.py [--tasks N]

Baseline: indegree counters and one queue, workers that do the counting themselves; no states, no retries, no
events. Absolute times vary from machine to machine: ratios and growth are what counts.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from queue import SimpleQueue
from typing import Any

from embank.conductor.conductor import Conductor
from embank.conductor.protocol import Begun, Start, Succeeded
from embank.diagnostics import Place
from embank.document import Document, Flow, TaskSpec, WorkflowSpec
from embank.plugins import Poll
from embank.runner.local import execute
from embank.runner.options import Options

WORKERS = 8
PLACE = Place("benchmark", 1, 1)


def edges(size: int) -> list[tuple[int, ...]]:
    """What each task requires: groups of three in a row, as pre, ready and parallel of a resource are."""
    return [(number - 1,) if number % 3 else () for number in range(size)]


def document(size: int, requires: list[tuple[int, ...]], **given: Any) -> Document:
    """The tasks as the reverse workflow of a main one."""
    body = [
        TaskSpec(
            f"t{number}", PLACE, action="a.b", input=given, requires=tuple(f"t{other}" for other in requires[number])
        )
        for number in range(size)
    ]
    needed = {other for each in requires for other in each}
    last = tuple(task.name for number, task in enumerate(body) if number not in needed)
    body.append(TaskSpec("done", PLACE, action="std.noop", requires=last))
    call = TaskSpec("all", PLACE, workflow="body", input={"task_name": "done"})
    return Document(
        "benchmark",
        "",
        "main",
        {
            "main": WorkflowSpec("main", Flow.DIRECT, PLACE, tasks={"all": call}),
            "body": WorkflowSpec("body", Flow.REVERSE, PLACE, tasks={task.name: task for task in body}),
        },
    )


def perform(job: Any, control: Any) -> Iterator[Poll]:
    """Poll as often as the input says, then end."""
    for _ in range(job.input.get("polls", 0)):
        yield Poll(1.0)


class Baseline:
    """The least that running tasks in order on threads can cost."""

    def __init__(self, requires: list[tuple[int, ...]]) -> None:
        self.dependents: list[list[int]] = [[] for _ in requires]
        self.waiting = [len(each) for each in requires]
        self.left = len(requires)
        self.lock = threading.Lock()
        self.ready: SimpleQueue[int | None] = SimpleQueue()
        for number, required in enumerate(requires):
            for other in required:
                self.dependents[other].append(number)

    def run(self) -> None:
        """Run everything."""
        for number, count in enumerate(self.waiting):
            if not count:
                self.ready.put(number)
        workers = [threading.Thread(target=self.work) for _ in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def work(self) -> None:
        """One worker."""
        while (number := self.ready.get()) is not None:
            with self.lock:
                for dependent in self.dependents[number]:
                    self.waiting[dependent] -= 1
                    if not self.waiting[dependent]:
                        self.ready.put(dependent)
                self.left -= 1
                if not self.left:
                    for _ in range(WORKERS):
                        self.ready.put(None)


def baseline(requires: list[tuple[int, ...]]) -> None:
    """The baseline, set-up included."""
    Baseline(requires).run()


def run(doc: Document) -> None:
    """The runner."""
    execute(doc, perform, execution="e", options=Options(parallel=WORKERS))


def conduct(doc: Document) -> None:
    """The conductor alone, without threads."""
    conductor = Conductor(doc, "e")
    todo = conductor.start()
    while todo:
        following = []
        for effect in todo:
            if isinstance(effect, Start):
                following += conductor.advance(Begun(effect.row))
                following += conductor.advance(Succeeded(effect.row))
        todo = following


def cpu(action: Callable[[], object]) -> float:
    """Seconds of CPU."""
    before = time.process_time()
    action()
    return time.process_time() - before


def best(rounds: int, *actions: Callable[[], object]) -> list[float]:
    """The least CPU that each action took, measured in turns."""
    taken = [[cpu(action) for action in actions] for _ in range(rounds)]
    return [min(column) for column in zip(*taken, strict=True)]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=100_000, help="the largest number of tasks")
    largest = parser.parse_args().tasks

    print(f"no-op tasks, {WORKERS} workers; µs of CPU a task, and times the baseline\n")
    print(f"{'tasks':>8}  {'baseline':>8}  {'conductor alone':>15}  {'runner':>14}")
    size = 1_000
    while size <= largest:
        requires = edges(size)
        doc = document(size, requires)
        base, pure, whole = best(
            3 if size < 100_000 else 1,
            partial(baseline, requires),
            partial(conduct, doc),
            partial(run, doc),
        )
        each = [seconds / size * 1e6 for seconds in (base, pure, whole)]
        print(f"{size:8}  {each[0]:8.1f}  {each[1]:8.1f} {pure / base:4.1f} ×  {each[2]:8.1f} {whole / base:4.1f} ×")
        size *= 10

    polls, pending = 10, 10_000
    without, polled = document(pending, [()] * pending), document(pending, [()] * pending, polls=polls)
    alone, polling = best(1, partial(run, without), partial(run, polled))
    share = (polling - alone) / polls
    print(f"\n{pending} pending activities, polled every second: {share:.1%} of a core")
    print(f"({share / pending * 1e6:.0f} µs of CPU a poll)")


if __name__ == "__main__":
    main()
