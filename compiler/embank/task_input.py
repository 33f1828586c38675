"""The value that the input of a task says: the one place that decodes it (decision INPUT-5).

    decode             for the reader of files: the value, or all that is wrong, each with the way to its place
    run_of, value_of   for an action, which an engine may call with anything: they refuse the first that is wrong

Both go by the table of `embank.task_parameters`: what a file may not say no action takes. `run` alone differs: a file
hands it down as an expression, an action gets what that stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from embank.document import Activity, Begin, Closer, Complete, Does, Echo
from embank.errors import EmbankError, ExitCode
from embank.model import EMPTY, Json, Operation, Parameters, Phase, Resource
from embank.task_parameters import (
    ACTIONS,
    ACTIVITY,
    BEGIN,
    CLEANUP,
    COMPLETE,
    COMPLETED,
    ECHO,
    FAILED,
    OURS,
    PHASES,
    RUN,
    Found,
    Wrong,
    anything,
    check_subject,
    unknown_name,
)


class BadInput(EmbankError):
    """The input of an action is not what a workflow file of Embank gives it."""

    exit_code = ExitCode.FAILED


@dataclass(frozen=True, slots=True)
class Run:
    """The `run` variable of a workflow."""

    provider: str
    plan: str
    operation: Operation
    checkpoint: str
    execution: str


def decode(
    action: str, given: Parameters, check_run: Callable[[Json], Found] = anything
) -> tuple[Does | None, Sequence[Wrong]]:
    """The value that the input of an action says, or all that is wrong with it. Of what does nothing there is none.
    `check_run` says what is wrong with `run`.
    """
    table = ACTIONS[action]
    found = [
        Wrong((), f"{action} needs the input {name}", f"add `{name}:`", parameter.refusal)
        for name, parameter in table.items()
        if parameter.needed and name not in given
    ]
    for name, value in given.items():
        if name not in table:
            found.append(unknown_name(action, name))
            continue
        check = check_run if name == "run" else table[name].check
        for path, message, hint, refusal, odd, _ in check(value):
            path, said = (name, *path), f"{name} {message}"
            found.append(Wrong(path, said, hint, refusal or table[name].refusal, odd if refusal else value))
    if "resource" in table:
        found += check_subject(given)
    return (None if found else _value(action, given)), found


def run_of(action: str, given: Parameters) -> Run:
    """The `run` that an action is called with. Raises BadInput, also when there is no such action, or it does not
    take all that is given.
    """
    if action not in OURS:
        raise BadInput(f"there is no action {action!r:.100} here: there are {', '.join(OURS)}")
    if unknown := sorted(set(given) - set(OURS[action])):
        raise BadInput(f"{action} takes no input {unknown[0]!r:.100}")
    return parse_run(given.get("run"))


def provider_of(given: Parameters) -> str | None:
    """The id of the provider that an action is called with, if it says one."""
    run = given.get("run")
    reference = run.get("provider") if isinstance(run, Mapping) else None
    return reference if isinstance(reference, str) else None


def parse_run(value: Json) -> Run:
    """What the variable `run` says. Raises BadInput."""
    if not isinstance(value, Mapping) or not all(isinstance(value.get(name), str) for name in RUN):
        raise BadInput(OURS[BEGIN]["run"].refusal)
    try:
        operation = Operation(value["operation"])
    except ValueError:
        raise BadInput(f"`run` names an unknown operation {value['operation']!r:.60}") from None
    return Run(value["provider"], value["plan"], operation, value["checkpoint"], value["execution"])


def value_of(action: str, given: Parameters, run: Run) -> Does:
    """What an action of ours is to do. Raises BadInput."""
    does, found = decode(action, given)
    if does is None:
        raise BadInput(found[0].refused(run.operation))
    if isinstance(does, Complete) and does.status not in (FAILED, COMPLETED[run.operation]):
        wrong = Wrong(("status",), "", "", OURS[COMPLETE]["status"].refusal, does.status)
        raise BadInput(wrong.refused(run.operation))
    return does


def said_of(resource: Resource) -> dict[str, Json]:
    """A resource as files say it; `decode` reads it back."""
    return {"type": resource.type, "id": resource.id, "name": resource.name}


def _value(action: str, given: Parameters) -> Does | None:
    """What an input says in which nothing is wrong."""
    if action == ACTIVITY:
        return Activity(*_work(given))
    if action == CLEANUP:
        return Closer(*_work(given), PHASES[given["closes"]])
    if action == BEGIN:
        return Begin(given.get("graph"), given.get("chunk", 1), given.get("chunks", 1))
    if action == COMPLETE:
        return Complete(given["status"])
    return Echo(given["output"]) if action == ECHO else None


_NONE: tuple[Parameters, ...] = (EMPTY,)  # one for the many that have no parameters


def _work(given: Parameters) -> tuple[Phase, tuple[Resource, ...], tuple[Parameters, ...], bool, float | None]:
    phase, interval = PHASES[given["activity"]], given.get("poll_interval")
    if "resources" in given:
        members = given["resources"]
        parameters = tuple(member.get("parameters", EMPTY) for member in members)
        return phase, tuple(map(_resource_of, members)), parameters, True, interval
    parameters = (given["parameters"],) if "parameters" in given else _NONE
    return phase, (_resource_of(given["resource"]),), parameters, False, interval


def _resource_of(said: Mapping[str, Json]) -> Resource:
    """One that has no name is called by its id."""
    return Resource(said["type"], said["id"], said.get("name", said["id"]))
