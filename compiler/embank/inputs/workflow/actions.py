"""The actions that a task may run, and what their input must look like: one table, a check for each kind of value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from embank.diagnostics import Place, did_you_mean
from embank.document import Expression
from embank.expressions import Form
from embank.inputs.shape import Shape, is_kind, quoted
from embank.model import Json, Phase

# What is wrong: where below the value (keys and indices), what, and what to do.
Found = Iterator[tuple[tuple[str | int, ...], str, str]]
STATUSES = ("available", "error", "restored", "deleted", "verified")


class Parameter(NamedTuple):
    """One parameter of an action."""

    check: Callable[[Json], Found]
    needed: bool = False


def _anything(value: Json) -> Found:
    return iter(())


def check_run(value: Json) -> Found:
    """Whether this hands the variable `run` down, as it is."""
    if not (isinstance(value, Expression) and value.kind == Form.VARIABLE and value.name == "run"):
        yield (), "must be <% $.run %>", "the facts of the execution are handed down from the main workflow"


def _one_of(words: tuple[str, ...]) -> Callable[[Json], Found]:
    def check(value: Json) -> Found:
        if value not in words:
            hint = did_you_mean(value, words) if isinstance(value, str) else ""
            yield (), f"must be one of {', '.join(words)}", hint

    return check


def _number(value: Json) -> Found:
    if not is_kind(value, int) or value < 1:
        yield (), "must be a whole number from 1", ""


def _seconds(value: Json) -> Found:
    if not (is_kind(value, int) or isinstance(value, float)) or not value > 0:
        yield (), "must be a number of seconds above 0", ""


def _mapping(value: Json) -> Found:
    if not isinstance(value, dict):
        yield (), "must be keys and values", ""


def _resource(value: Json, more: tuple[str, ...] = ()) -> Found:
    known = ("type", "id", "name", *more)
    if not isinstance(value, dict):
        yield (), "must say type, id and name", ""
        return
    for key in ("type", "id"):
        if key not in value:
            yield (), f"has no {key}", ""
    for key, item in value.items():
        if key not in known:
            yield (key,), f"has no key {quoted(key)}", did_you_mean(key, known)
        elif key == "parameters":
            yield from (((key, *path), f"has {key} that {message}", hint) for path, message, hint in _mapping(item))
        elif not isinstance(item, str) or (key != "name" and not item):
            yield (key,), f"must have a {key} that is text", "put it between quotes" if is_kind(item, int) else ""


def _resources(value: Json) -> Found:
    if not isinstance(value, list) or not value:
        yield (), "must list at least one resource", ""
        return
    for index, item in enumerate(value):
        yield from (((index, *path), message, hint) for path, message, hint in _resource(item, ("parameters",)))


_PHASE = _one_of(tuple(map(str, Phase)))
_ACTIVITY: Mapping[str, Parameter] = {
    "run": Parameter(check_run, needed=True),
    "activity": Parameter(_PHASE, needed=True),
    "resource": Parameter(_resource),
    "resources": Parameter(_resources),
    "parameters": Parameter(_mapping),
    "poll_interval": Parameter(_seconds),
}
ACTIONS: Mapping[str, Mapping[str, Parameter]] = {
    "embank.begin": {
        "run": Parameter(check_run, needed=True),
        "graph": Parameter(_mapping),
        "chunk": Parameter(_number),
        "chunks": Parameter(_number),
    },
    "embank.activity": _ACTIVITY,
    "embank.cleanup": {**_ACTIVITY, "closes": Parameter(_PHASE, needed=True)},
    "embank.complete": {
        "run": Parameter(check_run, needed=True),
        "status": Parameter(_one_of(STATUSES), needed=True),
    },
    "std.noop": {},
    "std.echo": {"output": Parameter(_anything, needed=True)},
    "std.fail": {},
}
# Actions of Mistral that are somebody's intention, not a misspelt one of the above.
OF_MISTRAL = frozenset(
    (
        "std.async_noop",
        "std.email",
        "std.http",
        "std.javascript",
        "std.js",
        "std.mistral_http",
        "std.sleep",
        "std.ssh",
    )
)


def check_action(shape: Shape, mapping: dict[str, Json], task: str) -> bool:
    """Whether the action of a task is one that there is."""
    action = mapping["action"]
    if action in ACTIONS:
        return True
    place = shape.located.place(mapping, "action")
    name = action.split()[0] if action.split() else action
    hint = "" if name in OF_MISTRAL else did_you_mean(action, ACTIONS)
    if name in ACTIONS:
        hint = "write its parameters as `input`"
    shape.problem(
        "EMB611",
        f"{task}: the action {quoted(action)} is not supported",
        place,
        hint or f"there are {', '.join(ACTIONS)}",
    )
    return False


def check_input(shape: Shape, mapping: dict[str, Json], given: Mapping[str, Json], task: str) -> None:
    """Whether `given`, read from the `input` of the task `mapping`, is what its action takes."""
    action = mapping["action"]
    table = ACTIONS[action]
    raw: Json = mapping.get("input")
    start = shape.located.place(mapping, "input") if raw else shape.located.place(mapping)
    for name, parameter in table.items():
        if parameter.needed and name not in given:
            shape.problem("EMB616", f"{task}: {action} needs the input {name}", start, f"add `{name}:`")
    for name, value in given.items():
        if name not in table:
            hint = did_you_mean(name, table) or (f"it takes {', '.join(table)}" if table else "it takes none")
            place = shape.located.key_place(raw, name)
            shape.problem("EMB616", f"{task}: {action} has no input {quoted(name)}", place, hint)
            continue
        for path, message, hint in table[name].check(value):
            shape.problem("EMB616", f"{task}: {name} {message}", _place(shape, raw, (name, *path)), hint)
    if "resource" in table:
        subjects = [name for name in ("resource", "resources") if name in given]
        if len(subjects) != 1:
            message = "says both resource and resources" if subjects else "says no resource"
            shape.problem(
                "EMB616", f"{task}: {message}", start, "say `resource`, or for an aggregated one `resources`"
            )
        elif subjects == ["resources"] and "parameters" in given:
            hint = "give each of the resources its own `parameters`"
            shape.problem(
                "EMB616", f"{task}: parameters of which resource?", _place(shape, raw, ("parameters",)), hint
            )


def _place(shape: Shape, container: Json, path: tuple[str | int, ...]) -> Place:
    """Where the value at the end of `path` begins; what is only a part of it when there is no more."""
    for key in path[:-1]:
        container = container[key]
    return shape.located.place(container, path[-1])
