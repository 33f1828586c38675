"""What each action takes: one table, a check for each kind of value, and what is said when something is wrong.

`embank.task_input` decodes by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from embank.diagnostics import did_you_mean
from embank.model import Json, Operation, Parameters, Phase
from embank.plaintext import plain

BEGIN, ACTIVITY, CLEANUP, COMPLETE = "embank.begin", "embank.activity", "embank.cleanup", "embank.complete"
ECHO = "std.echo"
RUN = ("provider", "plan", "operation", "checkpoint", "execution")
# How an operation ends that goes well; else it ends as FAILED.
COMPLETED: Mapping[Operation, str] = {
    Operation.PROTECT: "available",
    Operation.RESTORE: "restored",
    Operation.DELETE: "deleted",
    Operation.VERIFY: "verified",
}
FAILED = "error"
STATUSES = ("available", "error", "restored", "deleted", "verified")
PHASES: Mapping[Json, Phase] = {str(phase): phase for phase in Phase}
RESOURCE = ("type", "id", "name")  # what is said of a resource

# What an action says when it refuses an input. {value}: what was given; {operation}: of the execution.
_NO_PHASE = f"{{value}} is no phase: there are {', '.join(Phase)}"
_NO_RESOURCE = "a resource must give `type` and `id`, each as text"
_NO_PARAMETERS = "`parameters` must be a mapping"
NO_GRAPH = "`graph` must be a mapping, `chunk` and `chunks` whole numbers"
_NO_INTERVAL = "`poll_interval` must be a number of seconds above 0, not {value}"


class Wrong(NamedTuple):
    """One thing that is wrong. `path`: keys and indices from the input down to it, of which the last one is meant
    itself when it is `of_key`; () for the input as a whole. `message` and `hint` are for people who edit a file,
    `refusal` what an action says is made of.
    """

    path: tuple[str | int, ...]
    message: str
    hint: str = ""
    refusal: str = ""
    value: Json = None
    of_key: bool = False

    def refused(self, operation: Operation) -> str:
        """What the action says."""
        return self.refusal.format(value=f"{self.value!r:.60}", operation=operation)


Found = Sequence[Wrong]  # the paths begin below the value, and the messages behind the name of the input
RIGHT: Found = ()


class Parameter(NamedTuple):
    """One parameter of an action."""

    check: Callable[[Json], Found]
    refusal: str = ""
    needed: bool = False


def anything(value: Json) -> Found:
    """Every value is right."""
    return RIGHT


def _phase(value: Json) -> Found:
    return RIGHT if isinstance(value, str) and value in PHASES else _not_one_of(tuple(map(str, Phase)), value)


def _status(value: Json) -> Found:
    return RIGHT if value in STATUSES else _not_one_of(STATUSES, value)


def _not_one_of(words: tuple[str, ...], value: Json) -> Found:
    hint = did_you_mean(value, words) if isinstance(value, str) else ""
    return (Wrong((), f"must be one of {', '.join(words)}", hint),)


def _number(value: Json) -> Found:
    return RIGHT if type(value) is int and value >= 1 else (Wrong((), "must be a whole number from 1"),)


def _seconds(value: Json) -> Found:
    right = type(value) in (int, float) and value > 0
    return RIGHT if right else (Wrong((), "must be a number of seconds above 0"),)


def _mapping(value: Json) -> Found:
    return RIGHT if isinstance(value, Mapping) else (Wrong((), "must be keys and values"),)


def _resource(value: Json, known: tuple[str, ...] = RESOURCE) -> Found:
    if not isinstance(value, Mapping):
        return (Wrong((), "must say type, id and name"),)
    found = [Wrong((), f"has no {key}") for key in ("type", "id") if key not in value]
    for key, item in value.items():
        if key not in known:
            refusal = "a resource has no {value}"
            found.append(Wrong((key,), f"has no key '{plain(key, 80)}'", did_you_mean(key, known), refusal, key))
        elif key == "parameters":
            found += [Wrong((key,), f"has {key} that {each.message}", "", _NO_PARAMETERS) for each in _mapping(item)]
        elif not isinstance(item, str) or (key != "name" and not item):
            hint = "put it between quotes" if type(item) is int else ""
            refusal = "the `name` of a resource must be text" if key == "name" else ""
            found.append(Wrong((key,), f"must have a {key} that is text", hint, refusal))
    return found


def _resources(value: Json) -> Found:
    if not isinstance(value, list | tuple) or not value:
        refusal = "`resources` must list at least one resource"
        return (Wrong((), "must list at least one resource", "", refusal),)
    known = (*RESOURCE, "parameters")
    each = ((index, wrong) for index, item in enumerate(value) for wrong in _resource(item, known))
    return [wrong._replace(path=(index, *wrong.path)) for index, wrong in each]


_RUN = {"run": Parameter(anything, f"`run` must give {', '.join(RUN)}, each as text", needed=True)}
_ABOUT_RESOURCES = {
    **_RUN,
    "activity": Parameter(_phase, _NO_PHASE, needed=True),
    "resource": Parameter(_resource, _NO_RESOURCE),
    "resources": Parameter(_resources, _NO_RESOURCE),
    "parameters": Parameter(_mapping, _NO_PARAMETERS),
    "poll_interval": Parameter(_seconds, _NO_INTERVAL),
}
OURS: Mapping[str, Mapping[str, Parameter]] = {
    BEGIN: {
        **_RUN,
        "graph": Parameter(_mapping, NO_GRAPH),
        "chunk": Parameter(_number, NO_GRAPH),
        "chunks": Parameter(_number, NO_GRAPH),
    },
    ACTIVITY: _ABOUT_RESOURCES,
    CLEANUP: {**_ABOUT_RESOURCES, "closes": Parameter(_phase, _NO_PHASE, needed=True)},
    COMPLETE: {**_RUN, "status": Parameter(_status, "{operation} does not end as {value}", needed=True)},
}
ACTIONS: Mapping[str, Mapping[str, Parameter]] = {
    **OURS,
    "std.noop": {},
    ECHO: {"output": Parameter(anything, needed=True)},
    "std.fail": {},
}


def unknown_name(action: str, name: str) -> Wrong:
    """That an action has no such input."""
    table = ACTIONS[action]
    hint = did_you_mean(name, table) or (f"it takes {', '.join(table)}" if table else "it takes none")
    message = f"{action} has no input '{plain(name, 80)}'"
    return Wrong((name,), message, hint, f"{action} takes no input {{value}}", name, of_key=True)


def check_subject(given: Parameters) -> Found:
    """An activity is about one resource, or several together, each with its parameters."""
    if ("resource" in given) == ("resources" in given):
        both = "resource" in given
        message = "says both resource and resources" if both else "says no resource"
        refusal = "say `resource` or `resources`, not both" if both else _NO_RESOURCE
        return (Wrong((), message, "say `resource`, or for an aggregated one `resources`", refusal),)
    if "resources" in given and "parameters" in given:
        refusal = "`parameters` of which resource? Give each of the `resources` its own"
        hint = "give each of the resources its own `parameters`"
        return (Wrong(("parameters",), "parameters of which resource?", hint, refusal),)
    return RIGHT
