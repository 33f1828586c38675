"""How a kept execution stands, from the first and the last line of its journal: for lists of many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from embank.journal.directory import ExecutionDirectory, ExecutionMissing
from embank.journal.entries import FINISHED, STOPPED
from embank.journal.file import sound
from embank.model import Json

TAIL = 1 << 16  # bytes in which the last line is looked for


class Standing(StrEnum):
    """How an execution stands. `in the engine`: it had not ended when the engine was last asked. `not begun`: its
    runner left off before anything was done. `left off`: no runner is at work, and it has not ended.
    """

    NOT_BEGUN = "not begun"
    RUNNING = "running"
    ELSEWHERE = "in the engine"
    LEFT_OFF = "left off"
    STOPPED = "stopped at once"
    SUCCESS = "SUCCESS"
    ERROR = "ERROR"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Glance:
    """What a list shows. `exit_code` is None until it has ended; times are RFC 3339."""

    id: str
    workflow: str
    started: str
    last: str
    state: Standing
    exit_code: int | None
    engine: str = ""  # what executes it; "": the runner here


def glance(directory: ExecutionDirectory) -> Glance:
    """Look at an execution. What cannot be read is said to be so."""
    try:
        first, last = _ends(directory.journal)
        workflow, started, ended = str(first["workflow"]), str(first["at"]), str(last["at"])
    except (OSError, ValueError, KeyError):
        return Glance(directory.id, "?", "?", "?", _without_heading(directory), None)
    engine = str(first.get("engine", ""))
    code = last.get("exit_code") if type(last.get("exit_code")) is int else None
    if last.get("event") == FINISHED:
        state = Standing.SUCCESS if last.get("state") == "SUCCESS" else Standing.ERROR
        return Glance(directory.id, workflow, started, ended, state, code, engine)
    if directory.is_locked():
        return Glance(directory.id, workflow, started, ended, Standing.RUNNING, None)
    if engine:
        return Glance(directory.id, workflow, started, ended, Standing.ELSEWHERE, None, engine)
    state = Standing.STOPPED if last.get("event") == STOPPED else Standing.LEFT_OFF
    return Glance(directory.id, workflow, started, ended, state, code)


def _without_heading(directory: ExecutionDirectory) -> Standing:
    if directory.is_locked():
        return Standing.RUNNING
    try:
        return Standing.UNREADABLE if directory.read().damage else Standing.NOT_BEGUN
    except ExecutionMissing:
        return Standing.UNREADABLE


def _ends(journal: Path) -> tuple[Mapping[str, Json], Mapping[str, Json]]:
    """The first line and the last one that is sound. Raises ValueError when the first one is not."""
    with journal.open("rb") as file:
        first = sound(file.readline().removesuffix(b"\n"))
        file.seek(0, 2)
        file.seek(max(0, file.tell() - TAIL))
        lines = file.read().splitlines()
    if first is None:
        raise ValueError("the first line is damaged")
    found = (entry for line in reversed(lines) if (entry := sound(line)) is not None)
    return first, next(found, first)
