"""What the trials' plugin writes down: a file for each execution, a line for each thing that happened in it."""

from __future__ import annotations

import fcntl
import json
import time
from dataclasses import dataclass
from pathlib import Path

LONGEST = 60  # s that is waited for something to be written


@dataclass(frozen=True)
class Line:
    """What happened to a resource."""

    resource: str
    phase: str
    attempt: int
    what: str


@dataclass(frozen=True)
class Log:
    """A directory of them."""

    directory: Path

    def so_far(self, execution: str) -> tuple[Line, ...]:
        """What has happened until now."""
        try:
            with (self.directory / execution).open() as file:
                fcntl.flock(file, fcntl.LOCK_SH)  # those who write hold it until their lines are whole
                return tuple(Line(**json.loads(line)) for line in file)
        except FileNotFoundError:
            return ()

    def wait_for(self, execution: str, phase: str) -> None:
        """Until an activity of this phase has begun."""
        for _ in range(LONGEST * 20):
            if any(line.phase == phase for line in self.so_far(execution)):
                return
            time.sleep(0.05)
        raise AssertionError(f"{phase} never began")

    def let_go(self, execution: str) -> None:
        """Let what hangs in it come to its end."""
        (self.directory / f"{execution}.over").touch()

    def whole(self, execution: str) -> tuple[Line, ...]:
        """All of it, when nothing goes on any more. The execution is over."""
        self.let_go(execution)
        for _ in range(LONGEST * 20):
            lines = self.so_far(execution)
            if 2 * sum(line.what == "begin" for line in lines) == len(lines):
                return lines
            time.sleep(0.05)
        raise AssertionError(f"some activities never end: {lines}")
