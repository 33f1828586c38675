"""Freeze windows: from the start of what a closer closes to the end of the closer, with the resource named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from embank.conductor.execution import Execution
from embank.conductor.state import State
from embank.conductor.states import SUCCEEDED
from embank.document import Document, TaskSpec
from embank.model import ResourceKey

ACTIVITY, CLEANUP = "embank.activity", "embank.cleanup"


@dataclass(frozen=True, slots=True)
class Window:
    """`phase` of a resource opened something that `closer`, another phase, closes. Seconds from the start of
    the execution; `end` is None when it stayed open.
    """

    resource: str
    name: str
    phase: str
    closer: str
    start: float
    end: float | None


@dataclass(slots=True)
class _Bracket:
    name: str
    starts: list[float]
    ends: list[float]


def windows(
    execution: Execution, starts: Mapping[int, float], ends: Mapping[int, float], zero: float
) -> list[Window]:
    """Every window that was opened, in order of its start. `starts` and `ends` are by row, on one clock."""
    closers = closers_of(execution.program.document)
    brackets: dict[tuple[ResourceKey, str, str], _Bracket] = defaultdict(lambda: _Bracket("", [], []))
    for row in sorted(starts):
        spec = execution.specs[row]
        for key, name in resources_of(spec):
            for phase, closer in closers.get(key, ()):
                bracket = brackets[key, phase, closer]
                if spec.action == ACTIVITY and spec.input.get("activity") == phase:
                    bracket.name = name
                    bracket.starts.append(starts[row])
                elif spec.input.get("activity") == closer and _succeeded(execution.state, row):
                    bracket.ends.append(ends[row])
    found = []
    for (key, phase, closer), bracket in brackets.items():
        if bracket.starts:
            start = min(bracket.starts)
            end = min((end for end in bracket.ends if end >= start), default=None)
            closed = None if end is None else round(end - zero, 6)
            found.append(Window(str(key), bracket.name, phase, closer, round(start - zero, 6), closed))
    return sorted(found, key=lambda window: (window.start, window.resource, window.phase))


def resources_of(spec: TaskSpec) -> Iterator[tuple[ResourceKey, str]]:
    """The resources of an activity or closer, with their names, as the workflow file gives them."""
    if spec.action not in (ACTIVITY, CLEANUP):
        return
    members = spec.input.get("resources", [spec.input.get("resource")])
    for member in members if isinstance(members, list | tuple) else ():
        if isinstance(member, Mapping) and "type" in member and "id" in member:
            yield ResourceKey(str(member["type"]), str(member["id"])), str(member.get("name", ""))


def closers_of(document: Document) -> dict[ResourceKey, list[tuple[str, str]]]:
    """For each resource, the phases that are closed and by which: the cleanup tasks of the document say so."""
    found: dict[ResourceKey, dict[tuple[str, str], None]] = defaultdict(dict)
    for workflow in document.workflows.values():
        for spec in workflow.tasks.values():
            if spec.action == CLEANUP:
                for key, _ in resources_of(spec):
                    found[key][str(spec.input.get("closes")), str(spec.input.get("activity"))] = None
    return {key: list(pairs) for key, pairs in found.items()}


def _succeeded(state: State, row: int) -> bool:
    return state.task[row] is SUCCEEDED
