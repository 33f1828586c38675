"""What can be wrong with a protection plugin, found before anything is protected with it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from embank.diagnostics import Diagnostic, Place, did_you_mean
from embank.model import ActivitySpec, Json, Operation, Phase
from embank.plugins.contract import ProtectionPlugin

ORDER = tuple(Phase)  # pre, ready, parallel, post: as they run
ACTIVITIES = {f"activity_{operation}_{phase}": (operation, phase) for operation in Operation for phase in Phase}
ARGUMENTS = ("checkpoint", "context", "resource", "parameters")
Activities = Mapping[Operation, Mapping[Phase, ActivitySpec]]


def activities(plugin: type[ProtectionPlugin]) -> Activities:
    """The activities that a plugin implements, in the order of the phases."""
    found: dict[Operation, dict[Phase, ActivitySpec]] = {operation: {} for operation in Operation}
    for name, (operation, phase) in ACTIVITIES.items():
        method = getattr(plugin, name, None)
        if method is not None:
            lines = (inspect.getdoc(method) or "").strip().splitlines()
            description = lines[0].strip() if lines else ""
            closed = getattr(method, "embank_closes", None)
            found[operation][phase] = ActivitySpec(description or f"{phase} of {operation}", closed)
    return found


def check_class(plugin: type[ProtectionPlugin], path: str, place: Place | None) -> Iterator[Diagnostic]:
    """Everything that is wrong with a plugin and can be seen without an instance of it."""
    for code, message, hint in (*_types(plugin), *_names(plugin), *_methods(plugin), *_closers(plugin)):
        yield Diagnostic(code, f"{path}: {message}", place, hint)


def _types(plugin: type[ProtectionPlugin]) -> Iterator[tuple[str, str, str]]:
    types: object = plugin.resource_types
    example = f'for example resource_types = ("{plugin.__name__}::Thing",)'
    if not isinstance(types, tuple | list) or not types:
        yield "EMB205", "it names no resource types", example
        return
    for index, name in enumerate(types):
        if not isinstance(name, str) or not name or "#" in name or not name.isprintable() or " " in name:
            yield "EMB205", f"{name!r} cannot be a resource type", "a type is text without spaces and '#'"
        elif name in types[:index]:
            yield "EMB205", f"it names the resource type {name} twice", ""


def _names(plugin: type[ProtectionPlugin]) -> Iterator[tuple[str, str, str]]:
    """A misspelt activity would be a silent no-op."""
    for name in dir(plugin):
        if name in ACTIVITIES or name.startswith("__"):
            continue
        if name.startswith("activity_"):
            yield "EMB206", f"the method {name} is no activity, and would never run", _meant(name)
        elif _resembles_an_activity(name):
            yield "EMB206", f"the method {name} would never run", did_you_mean(name, ACTIVITIES)


def _meant(name: str) -> str:
    """The activity that a misspelt name resembles, not counting the beginning that all have."""
    tails = [known.removeprefix("activity_") for known in ACTIVITIES]
    if did_you_mean(name.removeprefix("activity_"), tails):
        return did_you_mean(name, ACTIVITIES)
    return f"operations: {_listed(Operation)}; phases: {_listed(Phase)}"


def _resembles_an_activity(name: str) -> bool:
    """`acitvity_protect_pre`, and not `_activity_protect` or `protect_pre`."""
    words = name.split("_")
    return bool(len(words) == 3 and words[1] in tuple(Operation) and did_you_mean(words[0], ["activity"]))


def _methods(plugin: type[ProtectionPlugin]) -> Iterator[tuple[str, str, str]]:
    for name in ACTIVITIES:
        method = getattr(plugin, name, None)
        if method is None:
            continue
        if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
            yield "EMB207", f"{name} is asynchronous", "use a plain method or a generator"
        elif not _takes_arguments(method):
            expected = f"{name}(self, {', '.join(ARGUMENTS)})"
            yield "EMB207", f"{name} cannot be called with {len(ARGUMENTS)} arguments", f"write {expected}"


def _takes_arguments(method: Callable[..., Any]) -> bool:
    if not callable(method):
        return False
    try:
        inspect.signature(method).bind(None, *ARGUMENTS)
    except (TypeError, ValueError):  # ValueError: something without a signature
        return False
    return True


def _closers(plugin: type[ProtectionPlugin]) -> Iterator[tuple[str, str, str]]:
    for operation, specs in activities(plugin).items():
        for phase, spec in specs.items():
            name = f"activity_{operation}_{phase}"
            if spec.closes is None:
                continue
            if spec.closes not in specs:
                hint = f"implement activity_{operation}_{spec.closes}, or remove @closes"
                yield "EMB208", f"{name} closes {spec.closes}, which is not implemented for {operation}", hint
            elif ORDER.index(phase) <= ORDER.index(spec.closes):
                hint = f"the phases run in this order: {_listed(ORDER)}"
                yield "EMB208", f"{name} closes {spec.closes}, which does not run before it", hint


def check_schemas(schemas: Mapping[str, Json], path: str, place: Place | None) -> Iterator[Diagnostic]:
    """Schemas that are not JSON Schema draft 2020-12, or that would need the network. Keys say whose."""
    for whose, schema in schemas.items():
        try:
            text = json.dumps(schema, sort_keys=True, default=dict)
        except (TypeError, ValueError) as error:
            yield Diagnostic("EMB209", f"{path}: the schema of {whose} is not JSON: {error}", place)
            continue
        problem = _schema_problem(text)
        if problem:
            yield Diagnostic("EMB209", f"{path}: the schema of {whose} is not valid: {problem}", place)


@lru_cache(maxsize=256)
def _schema_problem(text: str) -> str:
    import jsonschema

    schema = json.loads(text)
    if not isinstance(schema, dict):
        return "it is not an object"
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        at = "/".join(str(step) for step in error.absolute_path)
        return f"{error.message} (at {at})" if at else str(error.message)
    foreign = next(_foreign_references(schema), None)
    return f"it refers to {foreign}, outside itself" if foreign else ""


def _foreign_references(schema: Json) -> Iterator[str]:
    stack = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            yield from (
                value
                for key, value in part.items()
                if key in ("$ref", "$dynamicRef") and isinstance(value, str) and not value.startswith("#")
            )
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)


def _listed(words: type[Operation] | type[Phase] | tuple[Phase, ...]) -> str:
    return ", ".join(str(word) for word in words)
