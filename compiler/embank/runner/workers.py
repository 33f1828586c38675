"""The worker threads. They step activities, one step at a time, and put what came of it into an inbox.

The inbox belongs to the runner's thread. What else is to wake that thread comes in there too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from queue import SimpleQueue
from typing import NamedTuple

from embank.actions.context import Control
from embank.conductor.execution import Job
from embank.plugins import Poll
from embank.runner.attempt import Attempt, Work

# An action: each step yields a Poll with the seconds to wait, or ends it. It fails by raising.
Perform = Callable[[Job, Control], Iterator[Poll]]


class Stepped(NamedTuple):
    """A step ended: `outcome` is a Poll, None (the action has ended well, or is closed) or what was raised."""

    attempt: Attempt
    outcome: Poll | BaseException | None


class Told(NamedTuple):
    """The action of a task says something."""

    row: int
    text: str


class Interruption(NamedTuple):
    """Something from outside wants the execution to stop."""

    by: str


class Answered(NamedTuple):
    """A person has answered whether a paused task may go on."""

    row: int
    go_on: bool


Message = Stepped | Told | Interruption | Answered | int  # a number is that of a signal


class Pool:
    """Daemon threads that take attempts from one queue. A stuck one is abandoned, and replaced."""

    def __init__(self, size: int, perform: Perform, inbox: SimpleQueue[Message]) -> None:
        self.size = size
        self.under_way = 0  # submitted and not come back; only the runner's thread touches it
        self._perform = perform
        self.inbox = inbox
        self._queue: SimpleQueue[Attempt | None] = SimpleQueue()
        self._lock = threading.Lock()
        for _ in range(size):
            self._spawn()

    def submit(self, attempt: Attempt) -> None:
        """Have the next step of an attempt done: it comes back as Stepped."""
        self.under_way += 1
        self._queue.put(attempt)

    def came_back(self) -> None:
        """The runner has taken a Stepped from the inbox."""
        self.under_way -= 1

    def close(self, attempt: Attempt) -> bool:
        """Let the next step of an attempt be to close it. False when a worker is in the middle of a step: then the
        worker is abandoned. It is replaced, and will end when it returns, if ever; nothing comes back.
        """
        work = attempt.work
        with self._lock:
            work.closing = True
            work.abandoned = work.at_work
        if work.abandoned:
            self.under_way -= 1
            self._spawn()
        return not work.abandoned

    def shut(self) -> None:
        """Let the workers end when they are idle. Stuck ones are daemons: they do not keep the process alive."""
        for _ in range(self.size):
            self._queue.put(None)

    def _spawn(self) -> None:
        threading.Thread(target=self._work, name="embank-worker", daemon=True).start()

    def _work(self) -> None:
        while (attempt := self._queue.get()) is not None:
            work = attempt.work
            with self._lock:
                work.at_work = True
                closing = work.closing
            outcome = _close(work) if closing else self._step(work)
            with self._lock:
                work.at_work = False
                if work.abandoned:
                    break
            self.inbox.put(Stepped(attempt, outcome))
        else:
            return
        _close(work)

    def _step(self, work: Work) -> Poll | BaseException | None:
        try:
            if work.steps is None:
                work.steps = self._perform(work.job, work)
            for poll in work.steps:
                return poll
        except BaseException as error:  # also SystemExit: no activity may end a worker
            return error
        return None


def _close(work: Work) -> BaseException | None:
    """Close the generator of an action, so that its `finally` runs."""
    steps, work.steps = work.steps, None
    try:
        if isinstance(steps, Generator):
            steps.close()
    except BaseException as error:
        return error
    return None
