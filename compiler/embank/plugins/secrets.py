"""Where parameters hold secrets: the properties that a plugin's schema marks `writeOnly`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from embank.model import Json

SAME_PLACE = ("if", "then", "else")
SAME_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
Path = tuple[str | int, ...]


class SecretPlace(NamedTuple):
    """`container[key]` should be a reference to a secret; `path` leads there from the parameters."""

    container: Json
    key: str | int
    path: Path


def secret_places(value: Json, schema: Mapping[str, Json]) -> Iterator[SecretPlace]:
    """Every place in `value` that the schema (draft 2020-12) marks `writeOnly`, once, in the value's order.

    Along properties, items, combined and conditional schemas, and references within the schema.
    """
    found: dict[Path, SecretPlace] = {}
    stack: list[tuple[Path, Json, Json, Json]] = [((), None, value, schema)]
    seen: set[tuple[Path, int]] = set()
    while stack:
        path, container, here, rules = stack.pop()
        if not isinstance(rules, Mapping) or (path, id(rules)) in seen:
            continue
        seen.add((path, id(rules)))
        if path and rules.get("writeOnly") is True:
            found[path] = SecretPlace(container, path[-1], path)
            continue
        stack.extend((path, container, here, rule) for rule in _at_the_same_place(rules, schema))
        for key, rule in _below(here, rules):
            stack.append(((*path, key), here, here[key], rule))
    return iter([found[path] for path in _in_order(value, found)])


def _at_the_same_place(rules: Mapping[str, Json], schema: Mapping[str, Json]) -> Iterator[Json]:
    yield from (rules[name] for name in SAME_PLACE if name in rules)
    for name in SAME_PLACE_LISTS:
        yield from rules.get(name, ())
    yield from rules.get("dependentSchemas", {}).values()
    for name in ("$ref", "$dynamicRef"):
        if name in rules:
            yield _referred(rules[name], schema)


def _below(here: Json, rules: Mapping[str, Json]) -> Iterator[tuple[str | int, Json]]:
    if isinstance(here, dict):
        named, patterns = rules.get("properties", {}), rules.get("patternProperties", {})
        for key in here:
            matching = [rule for pattern, rule in patterns.items() if re.search(pattern, key)]
            if key in named:
                matching.append(named[key])
            yield from ((key, rule) for rule in matching or [rules.get("additionalProperties")])
            yield key, rules.get("unevaluatedProperties")
    elif isinstance(here, list):
        first = rules.get("prefixItems", [])
        for index in range(len(here)):
            yield index, first[index] if index < len(first) else rules.get("items")
            yield index, rules.get("contains")
            yield index, rules.get("unevaluatedItems")


def _referred(reference: str, schema: Mapping[str, Json]) -> Json:
    """The part of the schema that `#/a/b` or `#anchor` means; None when there is none."""
    fragment = reference.removeprefix("#")
    if fragment and not fragment.startswith("/"):
        return _anchored(fragment, schema)
    part: Json = schema
    for step in fragment.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if isinstance(part, list) and step.isdecimal() and int(step) < len(part):
            part = part[int(step)]
        elif isinstance(part, Mapping) and step in part:
            part = part[step]
        else:
            return None
    return part


def _anchored(name: str, schema: Json) -> Json:
    stack = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, Mapping):
            if name in (part.get("$anchor"), part.get("$dynamicAnchor")):
                return part
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)
    return None


def _in_order(value: Json, paths: Mapping[Path, SecretPlace]) -> list[Path]:
    """Paths in the order in which a reader meets them."""

    def position(path: Path) -> list[int]:
        steps, here = [], value
        for key in path:
            steps.append(list(here).index(key) if isinstance(here, dict) else int(key))
            here = here[key]
        return steps

    return sorted(paths, key=position)
