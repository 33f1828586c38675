"""A plugin's parameters schema (JSON Schema, draft 2020-12), with violations in words.

jsonschema's own messages quote the value, which may hold a secret; these never do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from embank.diagnostics import did_you_mean
from embank.inputs.shape import quoted
from embank.model import Json
from embank.plugins.secrets import Path, secret_places

if TYPE_CHECKING:
    from jsonschema import ValidationError

REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:/[^\0]+|command:\s*\S[^\0]*")
REFERENCES = "write env:NAME, file:/absolute/path or command:…, which is resolved when the workflow runs"
TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "keys and values",
    "null": "null",
}
# Keyword → what the value should be. The keyword's value is the plugin author's, so it may be shown.
SHOULD: dict[str, Callable[[Any], str]] = {
    "type": lambda rule: " or ".join(TYPES.get(kind, kind) for kind in ([rule] if isinstance(rule, str) else rule)),
    "enum": lambda rule: f"one of {', '.join(map(_shown, rule))}",
    "const": lambda rule: _shown(rule),
    "minimum": lambda rule: f"at least {rule}",
    "maximum": lambda rule: f"at most {rule}",
    "exclusiveMinimum": lambda rule: f"more than {rule}",
    "exclusiveMaximum": lambda rule: f"less than {rule}",
    "multipleOf": lambda rule: f"a multiple of {rule}",
    "minLength": lambda rule: "longer" if rule > 1 else "not empty",
    "maxLength": lambda rule: f"at most {rule} characters long",
    "pattern": lambda rule: f"text that matches {rule}",
    "minItems": lambda rule: f"a list of at least {rule}",
    "maxItems": lambda rule: f"a list of at most {rule}",
    "uniqueItems": lambda rule: "a list without repetitions",
    "anyOf": lambda rule: "one of the forms that its schema allows",
    "oneOf": lambda rule: "exactly one of the forms that its schema allows",
}
UNKNOWN = ("additionalProperties", "unevaluatedProperties")


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong. `path` leads to the value or, with `at_key`, to its key."""

    path: Path
    message: str
    hint: str = ""
    code: str = "EMB310"
    at_key: bool = False


class Rules:
    """The schema of one type and operation."""

    def __init__(self, schema: Mapping[str, Json]) -> None:
        from jsonschema import Draft202012Validator
        from referencing import Registry

        self._schema = schema
        # An empty registry: a reference out of the schema is never fetched.
        registry: Registry[Any] = Registry()
        self._validator = Draft202012Validator(dict(schema), registry=registry)
        self.has_secrets = '"writeOnly"' in json.dumps(schema, default=dict)

    def violations(self, values: Mapping[str, Json]) -> Iterator[Violation]:
        """Everything that is wrong with these parameters."""
        from jsonschema.exceptions import best_match

        secrets = {place.path: place.container[place.key] for place in secret_places(values, self._schema)}
        for path, value in secrets.items():
            if not isinstance(value, str) or not REFERENCE.fullmatch(value):
                message = f"{_named(path)} is a secret, which should not stand in a file"
                yield Violation(path, message, REFERENCES, "EMB312")
        for error in self._validator.iter_errors(values):
            closest = best_match([error]) or error
            # A secret's other rules are about its value; here is only a reference (decision INPUT-4).
            if not any(tuple(closest.absolute_path)[: len(path)] == path for path in secrets):
                yield from _explain(closest)


def _explain(error: ValidationError) -> Iterator[Violation]:
    path = tuple(error.absolute_path)
    keyword, rule, instance = str(error.validator), cast(Json, error.validator_value), cast(Json, error.instance)
    if keyword in UNKNOWN:
        known = sorted(error.schema.get("properties", {})) if isinstance(error.schema, Mapping) else []
        for key in _unknown_keys(error):
            hint = did_you_mean(key, known) or (f"known here: {', '.join(known)}" if known else "it takes none")
            yield Violation((*path, key), f"there is no parameter {_named((*path, key))}", hint, at_key=True)
    elif keyword == "required":
        for key in rule:
            if key not in instance:
                yield Violation(path, f"the parameter {_named((*path, key))} is missing", f"add `{key}: …`")
    elif keyword in SHOULD:
        hint = did_you_mean(instance, map(str, rule)) if keyword == "enum" and isinstance(instance, str) else ""
        yield Violation(path, f"{_named(path)} should be {SHOULD[keyword](rule)}", hint)
    else:
        yield Violation(path, f"{_named(path)} does not fit the rule `{keyword}: {_shown(rule)}` of its schema")


def _unknown_keys(error: ValidationError) -> list[str]:
    """The keys that the schema at hand does not have; for `unevaluatedProperties` as far as it says them itself."""
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    named, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    free = [key for key in cast(dict[str, Json], error.instance) if key not in named]
    return [key for key in free if not any(re.search(pattern, key) for pattern in patterns)]


def _named(path: Path) -> str:
    """Such as 'retention.days' or 'paths[2]'."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return quoted(text.removeprefix(".")) if path else "the mapping of parameters"


def _shown(rule: Json) -> str:
    text = json.dumps(rule, default=dict, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:99]}…"
