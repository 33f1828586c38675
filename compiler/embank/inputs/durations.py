"""How long the actions of a workflow take, for a rehearsal: a file that people write, or measure and write.

version: 1
default: 2                                    # seconds of everything that is not named here
activities:
  Local::SQLite: 30                           # every activity of a type …
  Local::Directory: {ready: 20, parallel: 600}    # … or by phase
  Local::Directory#shop-files: {parallel: 1200}   # one resource; over those of its type
tasks:
  begin: 0.5                                  # one task, by its path; over everything else
  activities/part_1/sqlite_orders_parallel: 90

Closers are activities of their phase, wherever they stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from embank.diagnostics import Checked, Place
from embank.inputs.plan.settings import LARGEST
from embank.inputs.shape import Shape, named, quoted, read_shaped
from embank.model import Json, Phase

KEYS = ("version", "default", "activities", "tasks")
DEFAULT = 1.0


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds. `activities` are by what stands in the file, TYPE or TYPE#ID, then by phase ("": all others); `tasks`
    by path. `places` has those of the keys of both.
    """

    default: float = DEFAULT
    activities: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    tasks: Mapping[str, float] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)

    def of_activity(self, type_: str, id_: str, phase: str) -> float:
        """How long an activity of a resource takes."""
        for key in (f"{type_}#{id_}", type_):
            phases = self.activities.get(key, {})
            for name in (phase, ""):
                if name in phases:
                    return phases[name]
        return self.default


def read_durations(file: str) -> Checked[Durations]:
    """Read a durations file; `-` is stdin. Raises InputUnreadable."""
    return read_shaped(file, _read)


def _read(shape: Shape) -> Durations:
    located, document = shape.located, shape.located.value
    shape.keys(document, KEYS, "a durations file")
    shape.version()
    default = _seconds(shape, document, "default", "the file") if "default" in document else None
    activities: dict[str, Json] = shape.value(document, "activities", dict, "the file", needed=False) or {}
    tasks: dict[str, Json] = shape.value(document, "tasks", dict, "the file", needed=False) or {}
    return Durations(
        DEFAULT if default is None else default,
        {key: dict(_phases(shape, activities, key)) for key in activities},
        {path: seconds for path in tasks if (seconds := _seconds(shape, tasks, path, "tasks")) is not None},
        {key: located.key_place(mapping, key) for mapping in (activities, tasks) for key in mapping},
    )


def _phases(shape: Shape, activities: dict[str, Json], key: str) -> Iterator[tuple[str, float]]:
    kind, sharp, id_ = key.partition("#")
    if not kind or (sharp and not id_):
        place = shape.located.key_place(activities, key)
        shape.problem("EMB303", f"{quoted(key)} is neither TYPE nor TYPE#ID", place)
    value = activities[key]
    if not isinstance(value, dict):
        seconds = _seconds(shape, activities, key, "activities", " or such a number for each phase")
        if seconds is not None:
            yield "", seconds
        return
    shape.keys(value, tuple(Phase), quoted(key))
    for phase in value:
        seconds = _seconds(shape, value, phase, quoted(key))
        if seconds is not None:
            yield phase, seconds


def _seconds(shape: Shape, mapping: dict[str, Json], key: str, what: str, more: str = "") -> float | None:
    value = mapping[key]
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LARGEST:
        return float(value)
    message = f"{quoted(key)} of {what} should be a number of seconds from 0 to {LARGEST}{more}, not {named(value)}"
    shape.problem("EMB303", message, shape.located.place(mapping, key))
    return None
