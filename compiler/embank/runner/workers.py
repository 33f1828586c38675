"""The worker threads. They step activities, one step at a time, and put what came of it into an inbox."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from queue import SimpleQueue

from embank.actions.context import Control
from embank.conductor.execution import Job
from embank.plugins import Poll
from embank.runner.messages import Attempt, Message, Stepped

# An action: each step yields a Poll with the seconds to wait, or ends it. It fails by raising.
Perform = Callable[[Job, Control], Iterator[Poll]]


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

    def abandon(self, attempt: Attempt) -> bool:
        """Want no more of an attempt but that it is closed. True when a worker is in the middle of a step of
        it: the worker is replaced, and will end when it returns, if ever; nothing comes back.
        """
        with self._lock:
            attempt.closing = True
            attempt.given_up = attempt.worker is not None
        if attempt.given_up:
            self.under_way -= 1
            self._spawn()
        return attempt.given_up

    def shut(self) -> None:
        """Let the workers end when they are idle. Stuck ones are daemons: they do not keep the process alive."""
        for _ in range(self.size):
            self._queue.put(None)

    def _spawn(self) -> None:
        threading.Thread(target=self._work, name="embank-worker", daemon=True).start()

    def _work(self) -> None:
        while (attempt := self._queue.get()) is not None:
            with self._lock:
                attempt.worker = threading.current_thread()
                closing = attempt.closing
            outcome = _close(attempt) if closing else self._step(attempt)
            with self._lock:
                attempt.worker = None
                if attempt.given_up:
                    break
            self.inbox.put(Stepped(attempt, outcome))
        else:
            return
        _close(attempt)

    def _step(self, attempt: Attempt) -> Poll | BaseException | None:
        try:
            if attempt.steps is None:
                attempt.steps = self._perform(attempt.job, attempt)
            for poll in attempt.steps:
                return poll
        except BaseException as error:  # also SystemExit: no activity may end a worker
            return error
        return None


def _close(attempt: Attempt) -> BaseException | None:
    """Close the generator of an attempt, so that its `finally` runs."""
    steps, attempt.steps = attempt.steps, None
    try:
        if isinstance(steps, Generator):
            steps.close()
    except BaseException as error:
        return error
    return None
