"""Tests of several processes take turns: many at a time, or one alone."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def turn(directory: Path, *, alone: bool) -> Iterator[None]:
    """Within the block nobody who names the same directory is alone, or nobody else is there.

    Whoever waits to be alone is next: those who come later wait at the gate. Who is killed lets go of both.
    """
    with (directory / "gate.lock").open("w") as gate, (directory / "place.lock").open("w") as place:
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(place, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield
