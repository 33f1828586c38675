"""The action of a task, and its input: what `embank.task_input` finds wrong with it gets its place here."""

from __future__ import annotations

from embank.diagnostics import Place, did_you_mean
from embank.document import Does, Expression
from embank.expressions import Form
from embank.inputs.shape import Shape, quoted
from embank.model import Json, Parameters
from embank.task_input import decode
from embank.task_parameters import ACTIONS, RIGHT, Found, Wrong

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


def check_run(value: Json) -> Found:
    """Whether this hands the variable `run` down, as it is."""
    if isinstance(value, Expression) and value.kind == Form.VARIABLE and value.name == "run":
        return RIGHT
    return (Wrong((), "must be <% $.run %>", "the facts of the execution are handed down from the main workflow"),)


def read_input(shape: Shape, mapping: dict[str, Json], given: Parameters, task: str) -> Does | None:
    """What `given`, read from the `input` of the task `mapping`, says; what is wrong with it goes to `shape`."""
    does, found = decode(mapping["action"], given, check_run)
    for wrong in found:
        shape.problem("EMB616", f"{task}: {wrong.message}", _place(shape, mapping, wrong), wrong.hint)
    return does


def _place(shape: Shape, mapping: dict[str, Json], wrong: Wrong) -> Place:
    """Where the value at the end of the path begins; what is only a part of it when there is no more."""
    container: Json = mapping.get("input")
    if not wrong.path:
        return shape.located.place(mapping, "input") if container else shape.located.place(mapping)
    for key in wrong.path[:-1]:
        container = container[key]
    if wrong.of_key:
        return shape.located.key_place(container, str(wrong.path[-1]))
    return shape.located.place(container, wrong.path[-1])
