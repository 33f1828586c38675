"""A listener in a thread of its own: whoever watches must not hold up what is watched.

A terminal can stop taking output for minutes (Ctrl-S, a connection that hangs), and so can the reader of a pipe.
Closers have to run meanwhile (decision REPORT-1).
"""

from __future__ import annotations

import threading
from queue import SimpleQueue

from embank.reporting.events import Event, Listener, TaskPolled, when_lost

MANY = 10_000  # events that wait; from there on polls, which follow each other for ever, are left out


class Detached:
    """Takes every event at once, and gives it to the listener when that takes it. Raises what the listener has raised
    on an earlier event.
    """

    def __init__(self, listener: Listener) -> None:
        self.when_lost = when_lost(listener)
        self._listener = listener
        self._queue: SimpleQueue[Event | threading.Event | None] = SimpleQueue()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="embank-listener", daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if self._error:
            raise self._error
        if not (isinstance(event, TaskPolled) and self._queue.qsize() > MANY):
            self._queue.put(event)

    def catch_up(self, seconds: float) -> None:
        """Wait until the listener has been told everything until now, so many seconds at most."""
        reached = threading.Event()
        self._queue.put(reached)
        reached.wait(seconds)

    def close(self, seconds: float | None = None) -> bool:
        """Wait until it has been told everything, so many seconds at most: False when that was not enough."""
        self._queue.put(None)
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (event := self._queue.get()) is not None:
            if isinstance(event, threading.Event):
                event.set()
            elif not self._error:
                try:
                    self._listener(event)
                except Exception as error:
                    self._error = error
