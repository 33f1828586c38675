"""A small workflow of resources that are told what goes wrong with them.

What comes before what is said here once more, from docs/order.md, without a look at the compiler.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

PHASES = ("pre", "ready", "parallel", "post")
IMPLEMENTED: Mapping[str, Mapping[str, str]] = {  # by type: its phases, and what each of them closes
    "Guest": {"pre": "", "ready": "pre", "parallel": ""},
    "Disk": {"ready": "", "parallel": "", "post": "ready"},
    "Share": {"pre": "", "parallel": "", "post": "pre"},
    "Note": {"parallel": ""},
    "Member": {"ready": "", "parallel": "", "post": "ready"},
}
TIMEOUT = 12  # s; nothing else may take as long, on the slowest of machines
Activity = tuple[str, str]  # the id of a resource, and a phase


@dataclass(frozen=True)
class Trial:
    """Resources, the types of which are known by their ids ("guest1"), in an order in which parents come first."""

    name: str
    parents: Mapping[str, tuple[str, ...]]
    scripts: Mapping[Activity, tuple[str, ...]] = field(default_factory=dict)
    retries: Mapping[str, int] = field(default_factory=dict)  # by type
    timeouts: tuple[str, ...] = ()  # types
    lower: str = "reverse"
    max_tasks: int = 50
    operation: str = "protect"

    @property
    def takes_long(self) -> bool:
        """It waits for timeouts."""
        return any("hang" in script for script in self.scripts.values())

    @property
    def activities(self) -> Iterator[Activity]:
        return ((each, phase) for each in self.parents for phase in IMPLEMENTED[type_of(each)])

    @property
    def settings(self) -> dict[str, Any]:
        """Parameters and policies."""
        scripts: dict[str, dict[str, Any]] = {}
        for (each, phase), script in self.scripts.items():
            scripts.setdefault(f"Trial::{type_of(each)}#{each}", {"script": {}})["script"][phase] = list(script)
        policies = {f"Trial::{type_}": self.policy(type_) for type_ in sorted(set(map(type_of, self.parents)))}
        return {"parameters": scripts, "policies": policies}

    def policy(self, type_: str) -> dict[str, Any]:
        policy: dict[str, Any] = {"poll_interval": 1}
        if count := self.retries.get(type_, 0):
            policy["retry"] = {"count": count, "delay": 1}
        if type_ in self.timeouts:
            policy["timeout"] = TIMEOUT
        return policy

    @property
    def plan(self) -> str:
        """Without what is to go wrong when the operation is another one: that protects well."""
        wrong = self.settings if self.operation == "protect" else {}
        chosen = [{"type": f"Trial::{type_of(each)}", "id": each} for each in self.parents]
        return json.dumps({"version": 1, "name": self.name, "provider": "trial", "resources": chosen, **wrong})

    @property
    def resources(self) -> str:
        rows = []
        for each in self.parents:
            below = [other for other, parents in self.parents.items() if each in parents]
            dependents = [{"type": f"Trial::{type_of(other)}", "id": other} for other in below]
            row: dict[str, Any] = {"type": f"Trial::{type_of(each)}", "id": each, "name": each.upper()}
            rows.append(row | ({"dependents": dependents} if dependents else {}))
        return json.dumps({"version": 1, "resources": rows})

    @property
    def order(self) -> set[tuple[Activity, Activity]]:
        """What has to have ended before what begins: the rules, and all that follows from them."""
        after: dict[Activity, set[Activity]] = {(each, phase): set() for each in self.parents for phase in PHASES}
        for each, parents in self.parents.items():
            after[each, "pre"] |= {(each, "ready"), (each, "parallel")}
            after[each, "parallel"].add((each, "post"))
            if "ready" in IMPLEMENTED[type_of(each)]:
                after[each, "ready"].add((each, "parallel"))
            for parent in parents:
                after[parent, "pre"].add((each, "pre"))
                after[each, "ready"].add((parent, "ready"))
                after[each, "post"].add((parent, "post"))
        real = set(self.activities)
        return {(one, two) for one in real for two in _reached(after, one) & real}

    @property
    def closing_order(self) -> set[tuple[str, str]]:
        """Whose closers come before whose."""
        above: dict[str, set[str]] = {each: set(parents) for each, parents in self.parents.items()}
        return {(one, two) for one in above for two in _reached(above, one)}


def _reached(edges: Mapping[Any, set[Any]], start: Any) -> set[Any]:
    found: set[Any] = set()
    stack = [start]
    while stack:
        new = edges[stack.pop()] - found
        found |= new
        stack += new
    return found


def type_of(resource: str) -> str:
    return resource.rstrip("0123456789").capitalize()
