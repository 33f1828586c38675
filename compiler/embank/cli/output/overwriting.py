"""Where a command writes, nothing is lost: neither one of its inputs, nor a file of another kind."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from embank.errors import UsageError

if TYPE_CHECKING:
    from embank.inputs.kinds import Kind

LONGEST = 2**20  # bytes of a line of events; what is longer is none
INSTEAD = "name another file, or remove this one first"

Input = tuple[str, str | Path]  # what it is, such as "the plan", and the file


def refuse_overwriting(target: str, kind: Kind, inputs: Iterable[Input]) -> None:
    """Raise UsageError when `-o TARGET` would overwrite an input, or what is not of the kind that is written."""
    from embank.inputs.kinds import kind_of_file

    _refuse_input("-o", target, inputs)
    if _holds_something(target):
        try:
            found = kind_of_file(Path(target))
        except OSError as error:
            raise UsageError(f"{target} cannot be read ({error.strerror or error}): {INSTEAD}") from error
        if found is not kind:
            looks = f"looks like {found}, not like {kind}" if found else f"does not look like {kind}"
            raise UsageError(f"-o would overwrite {target}, which {looks}: {INSTEAD}")


def refuse_overwriting_by_events(target: str | None, workflow: str = "-") -> None:
    """Raise UsageError when `--events TARGET` would overwrite the workflow, or what holds no events."""
    if target is None:
        return
    _refuse_input("--events", target, [("the workflow", workflow)])
    if _holds_something(target):
        try:
            with Path(target).open("rb") as stream:
                line = stream.readline(LONGEST)
        except OSError as error:
            raise UsageError(f"{target} cannot be read ({error.strerror or error}): {INSTEAD}") from error
        if not _is_event(line):
            raise UsageError(f"--events would overwrite {target}, which does not hold events: {INSTEAD}")


def provider_inputs(directory: str | None) -> list[Input]:
    """The files that any provider is read from. Raises InputUnreadable."""
    from embank.inputs.provider.find import provider_paths

    return [("the provider's file", path) for path in provider_paths(directory)]


def _refuse_input(option: str, target: str, inputs: Iterable[Input]) -> None:
    for what, file in inputs:
        if _is_same(target, file):
            raise UsageError(f"{option} would overwrite {what} {file}: name another file")


def _is_same(target: str, file: str | Path) -> bool:
    """Whether both are one regular file, under whatever names; "-" is none."""
    try:
        return target != "-" and file != "-" and Path(target).is_file() and Path(target).samefile(file)
    except (OSError, ValueError):  # not there, or no name of a file: who reads or writes it says so
        return False


def _holds_something(target: str) -> bool:
    """Whether a regular file is there, and not empty: a device or a pipe loses nothing."""
    try:
        return target != "-" and Path(target).is_file() and Path(target).stat().st_size > 0
    except (OSError, ValueError):
        return False


def _is_event(line: bytes) -> bool:
    """An event is an object with `event` and `time`; the lines of a journal have no `time`."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and {"event", "time"} <= found.keys()
