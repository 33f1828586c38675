"""What is installed: the entry points that provider files name, and the classes behind them."""

from __future__ import annotations

import difflib
import importlib.metadata
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint
from types import MappingProxyType
from typing import Any

from embank.diagnostics import Checked, Diagnostic, Place

PROTECTIONS = "karbor.protections"
PROTECTABLES = "karbor.protectables"


@dataclass(frozen=True, slots=True)
class Found:
    """A class that an entry point names: `path` is `<group>.<entry name>`, `version` its distribution's."""

    name: str
    path: str
    version: str
    loaded: type[Any]


def entry_points(group: str) -> Mapping[str, tuple[EntryPoint, ...]]:
    """The entry points of a group by name, sorted. More than one: several distributions claim the name."""
    return _scan(group, tuple(sys.path))


@lru_cache(maxsize=8)
def _scan(group: str, path: tuple[str, ...]) -> Mapping[str, tuple[EntryPoint, ...]]:
    by_name: dict[str, list[EntryPoint]] = {}
    for entry in importlib.metadata.entry_points(group=group):
        by_name.setdefault(entry.name, []).append(entry)
    return MappingProxyType({name: tuple(by_name[name]) for name in sorted(by_name)})


def find(path: str, kind: str, base: type[Any], place: Place | None) -> Checked[Found]:
    """The class at a path in `karbor.protections`. `kind` says in messages what it should be ("bank")."""
    group, dot, name = path[: len(PROTECTIONS)], path[len(PROTECTIONS) :][:1], path[len(PROTECTIONS) + 1 :]
    if (group, dot) != (PROTECTIONS, "."):
        return Checked(None, (_missing(path, kind, PROTECTIONS, f"paths begin with {PROTECTIONS}.", place),))
    return find_entry(PROTECTIONS, name, kind, base, place)


def find_entry(group: str, name: str, kind: str, base: type[Any], place: Place | None) -> Checked[Found]:
    """The class behind one entry point: installed once, importable and derived from `base`."""
    path = f"{group}.{name}"
    entries = entry_points(group).get(name, ())
    if not entries:
        return Checked(None, (_missing(path, kind, group, "install the package that it comes with", place),))
    if len(entries) > 1:
        message = f"the {kind} {path} is installed {len(entries)} times: by {_distributions(entries)}"
        hint = "uninstall all but one: which of them would be used is chance"
        return Checked(None, (Diagnostic("EMB203", message, place, hint),))
    return _load(entries[0], path, kind, base, place)


def _missing(path: str, kind: str, group: str, otherwise: str, place: Place | None) -> Diagnostic:
    known = [f"{group}.{name}" for name in entry_points(group)]
    # Paths have most of their letters in common: only one that is nearly equal can be meant.
    close = difflib.get_close_matches(path[:200], known, n=1, cutoff=0.9)
    hint = f"did you mean {close[0]!r}?" if close else otherwise
    return Diagnostic("EMB201", f"the {kind} {path} is not installed", place, hint)


def _load(entry: EntryPoint, path: str, kind: str, base: type[Any], place: Place | None) -> Checked[Found]:
    try:
        loaded = entry.load()
    except (Exception, SystemExit) as error:  # whatever somebody else's module does while it is imported
        message = f"the {kind} {path} cannot be imported: {summary(error)}"
        hint = f"it is {entry.value}, of {_distributions((entry,))}; is everything installed that it needs?"
        return Checked(None, (Diagnostic("EMB202", message, place, hint),))
    if not isinstance(loaded, type) or not issubclass(loaded, base):
        message = f"{path} ({entry.value}) is not a {kind}: it does not derive from embank.plugins.{base.__name__}"
        return Checked(None, (Diagnostic("EMB204", message, place),))
    return Checked(Found(entry.name, path, entry.dist.version if entry.dist else "", loaded))


def summary(error: BaseException) -> str:
    """An exception in one line, without a traceback."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _distributions(entries: tuple[EntryPoint, ...]) -> str:
    names = sorted(f"{entry.dist.name} {entry.dist.version}" if entry.dist else "?" for entry in entries)
    return " and ".join(names)
