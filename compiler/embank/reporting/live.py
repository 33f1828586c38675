"""Progress on a terminal: a tree of what is running, with counts; what matters later scrolls by above it.

For thousands of tasks it shows what is running and what failed, as much as fits, and counts the rest. Labels
are rich Text, never markup, and control characters are escapes: names come from tenants.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

from embank.plaintext import plain
from embank.reporting import events
from embank.reporting.progress import PROGRESS_LOST, PlainProgress, Tally, line_of
from embank.reporting.summary_text import duration

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live
    from rich.tree import Tree

SCROLLED = (  # kinds of events that leave a line behind
    events.ExecutionStarted,
    events.ExecutionResumed,
    events.ExecutionInterrupted,
    events.TaskFailed,
    events.TaskRetried,
    events.TaskTimedOut,
    events.Message,
)
SHOWN = (events.ExecutionStarted, events.ExecutionResumed, events.TaskResumed, events.ExecutionInterrupted)
REFRESHES = 8  # per second
MARGIN = 5  # lines of the terminal that the tree leaves free


def progress_on(stream: TextIO) -> events.Listener:
    """The right progress for a stream: live on a terminal that can do it, plain lines elsewhere."""
    if stream.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", ""):
        return LiveProgress(stream)
    return PlainProgress(stream)


class LiveProgress:
    """A listener that keeps a live display from ExecutionStarted to ExecutionFinished, NO_COLOR respected.

    While any task is paused the display is away, so that questions can be asked.
    """

    when_lost = PROGRESS_LOST

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console

        self._console = Console(file=stream, highlight=False)
        self._tally = Tally()
        self._polls: dict[str, events.TaskPolled] = {}
        self._failed: list[str] = []
        self._title = ""
        self._lock = threading.Lock()
        # rich measures what it will erase before it waits for its turn to write: one writer at a time
        self._screen = threading.Lock()
        self._paused: set[str] = set()
        self._live: Live | None = None
        self._gone = threading.Event()

    def __call__(self, event: events.Event) -> None:
        """Take in an event; the display follows at its own pace."""
        from rich.text import Text

        with self._lock:
            self._take(event)
        line = line_of(event) if isinstance(event, SCROLLED) else ""
        if line:
            style = "bold red" if isinstance(event, events.TaskFailed | events.TaskTimedOut) else ""
            with self._screen:
                self._console.print(Text(line, style=style))
        if isinstance(event, SHOWN) and not self._paused:
            self._show()
        elif isinstance(event, events.ExecutionFinished | events.TaskPaused):
            self._hide()

    def _take(self, event: events.Event) -> None:
        self._tally(event)
        if isinstance(event, events.TaskPaused):
            self._paused.add(event.task)
        elif isinstance(event, events.TaskResumed):
            self._paused.discard(event.task)
        elif isinstance(event, events.ExecutionInterrupted):
            self._paused.clear()  # nobody is asked any more
        if isinstance(event, events.ExecutionStarted | events.ExecutionResumed):
            self._title = plain(event.workflow)
        elif isinstance(event, events.TaskPolled):
            self._polls[event.task] = event
        elif isinstance(event, events.TaskSucceeded | events.TaskFailed | events.TaskRetried):
            self._polls.pop(event.task, None)
            if isinstance(event, events.TaskFailed) and not event.cause:
                self._failed.append(event.task)

    def _show(self) -> None:
        from rich.live import Live

        if self._live is None:
            self._gone = threading.Event()
            self._live = Live(console=self._console, get_renderable=self._render, auto_refresh=False, transient=True)
            with self._screen:
                self._live.start()
            threading.Thread(target=self._refresh, args=(self._live, self._gone), daemon=True).start()

    def _hide(self) -> None:
        if self._live is not None:
            self._gone.set()
            with self._screen:
                self._live.stop()
            self._live = None

    def _refresh(self, live: Live, gone: threading.Event) -> None:
        with suppress(OSError):  # the terminal went away
            while not gone.wait(1 / REFRESHES):
                with self._screen:
                    if not gone.is_set():
                        live.refresh()

    def _render(self) -> RenderableType:
        from rich.text import Text
        from rich.tree import Tree

        with self._lock:
            tree = Tree(Text(f"{self._title}: {self._tally}", style="bold"))
            room = max(1, self._console.height - MARGIN)
            failed = self._failed[-(room // 3) :] if room >= 3 else []
            running = list(self._tally.running)
            _grow(tree, [(path, self._label(path)) for path in running[: room - len(failed)]])
            if len(running) > room - len(failed):
                tree.add(Text(f"… and {len(running) - room + len(failed)} more running", style="dim"))
            for path in failed:
                tree.add(Text(f"✗ {plain(path)}", style="red"))
            return tree

    def _label(self, path: str) -> str:
        poll = self._polls.get(path)
        label = plain(path.rsplit("/", 1)[-1])
        if poll and poll.progress is not None:
            label += f" {poll.progress:4.0%}"
        elapsed = (datetime.now(UTC) - self._tally.running[path].time).total_seconds()
        label += f" ({duration(max(0.0, elapsed))})"
        return f"{label} {plain(poll.message, 60)}" if poll and poll.message else label


def _grow(tree: Tree, leaves: list[tuple[str, str]]) -> None:
    """Add running tasks under the sub-workflows that they are part of."""
    from rich.text import Text

    branches: dict[str, Tree] = {"": tree}
    for path, label in leaves:
        for above, name in _above(path):
            if above + name not in branches:
                branches[above + name] = branches[above].add(Text(plain(name), style="cyan"))
        branches[path.rpartition("/")[0]].add(Text(f"▶ {label}"))


def _above(path: str) -> Iterator[tuple[str, str]]:
    """The names on the way to a task, each with the path before it."""
    before = ""
    for name in path.split("/")[:-1]:
        yield before, f"/{name}" if before else name
        before = f"{before}/{name}" if before else name
