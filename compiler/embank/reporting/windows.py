"""Freeze windows: from the start of what a closer closes to the end of the closer, with the resource named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from embank.conductor.execution import Execution
from embank.conductor.state import State
from embank.conductor.states import SUCCEEDED
from embank.document import Activity, Closer, Document, PluginWork
from embank.model import ResourceKey


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
        does = execution.specs[row].does
        if not isinstance(does, PluginWork):
            continue
        for resource in does.resources:
            for phase, closer in closers.get(resource.key, ()):
                bracket = brackets[resource.key, phase, closer]
                if isinstance(does, Activity) and does.phase == phase:
                    bracket.name = resource.name
                    bracket.starts.append(starts[row])
                elif does.phase == closer and _succeeded(execution.state, row):
                    bracket.ends.append(ends[row])
    found = []
    for (key, phase, closer), bracket in brackets.items():
        if bracket.starts:
            start = min(bracket.starts)
            end = min((end for end in bracket.ends if end >= start), default=None)
            closed = None if end is None else round(end - zero, 6)
            found.append(Window(str(key), bracket.name, phase, closer, round(start - zero, 6), closed))
    return sorted(found, key=lambda window: (window.start, window.resource, window.phase))


def closers_of(document: Document) -> dict[ResourceKey, list[tuple[str, str]]]:
    """For each resource, the phases that are closed and by which: the cleanup tasks of the document say so."""
    found: dict[ResourceKey, dict[tuple[str, str], None]] = defaultdict(dict)
    for workflow in document.workflows.values():
        for spec in workflow.tasks.values():
            if isinstance(spec.does, Closer):
                for resource in spec.resources:
                    found[resource.key][spec.does.closes, spec.does.phase] = None
    return {key: list(pairs) for key, pairs in found.items()}


def _succeeded(state: State, row: int) -> bool:
    return state.task[row] is SUCCEEDED
