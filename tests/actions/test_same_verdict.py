"""What each action takes, as a table; and that the reader of a file and the action itself judge every input alike."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, product
from pathlib import Path
from typing import Any

import pytest

from embank.conductor.execution import Job
from embank.document import Activity, Begin, Closer, Complete, Does
from embank.inputs.workflow import parse_workflow
from embank.model import Phase, Resource
from embank.reasons import ActionFailed
from embank.task_input import BadInput, decode, parse_run, value_of
from embank.task_parameters import ACTIONS, OURS

ROOT = Path(__file__).resolve().parents[2]
RUN = {"provider": "p-id", "plan": "shop", "operation": "protect", "checkpoint": "c1", "execution": "e1"}
APP = {"type": "Test::App", "id": "a", "name": "shop"}
UNNAMED = {"type": "Test::App", "id": "c"}
NEEDED = {
    "embank.begin": {"run"},
    "embank.activity": {"run", "activity"},
    "embank.cleanup": {"run", "activity", "closes"},
    "embank.complete": {"run", "status"},
    "std.noop": set(),
    "std.echo": {"output"},
    "std.fail": set(),
}
OPTIONAL = {
    "embank.begin": {"graph", "chunk", "chunks"},
    "embank.activity": {"resource", "resources", "parameters", "poll_interval"},
    "embank.cleanup": {"resource", "resources", "parameters", "poll_interval"},
}
# One right input of each action.
RIGHT: dict[str, dict[str, Any]] = {
    "embank.begin": {"graph": {"tree": [[0, "Test::App", "a", "shop"]]}},
    "embank.activity": {"activity": "post", "resource": APP},
    "embank.cleanup": {"activity": "ready", "closes": "pre", "resource": APP},
    "embank.complete": {"status": "available"},
}
# Everything that JSON can say of which no parameter takes all.
ODD: list[Any] = [None, True, False, 0, -1, 0.0, 1.5, "", "word", "pre", "error", [], [1], {}, {"a": 1}, [{}], [APP]]
ODD_RESOURCES: list[Any] = [
    {"type": "Test::App"},
    {"id": "a"},
    {**APP, "id": 5},
    {**APP, "type": ""},
    {**APP, "name": 5},
    {**APP, "nam": "x"},
    {**APP, "parameters": {}},
    {**APP, "parameters": 5},
    {"type": "Test::App", "id": "a"},
    {**APP, "name": ""},
]


def changed() -> Iterator[tuple[str, dict[str, Any]]]:
    """Right inputs with one parameter left out, or set to something else; and some with two."""
    for action, right in RIGHT.items():
        yield action, right
        for left_out in right:
            yield action, {name: value for name, value in right.items() if name != left_out}
        for name, value in product((*OURS[action], "other"), ODD):
            if name != "run":
                yield action, {**right, name: value}
    for action in ("embank.activity", "embank.cleanup"):
        alone = {name: value for name, value in RIGHT[action].items() if name != "resource"}
        for odd in ODD_RESOURCES:
            yield action, {**alone, "resource": odd}
            yield action, {**alone, "resources": [odd]}
            yield action, {**alone, "resources": [APP, odd], "poll_interval": 2}
        for value in ODD:
            yield action, {**alone, "resources": value}
        yield action, {**alone, "resources": [APP], "parameters": {"a": 1}}


def said_by_the_reader(action: str, given: dict[str, Any]) -> tuple[Does | None, list[str]]:
    """What a file with this task says, and what is wrong with the task."""
    task = {"action": action, "input": {"run": "<% $.run %>", **given}}
    run = {**RUN, "checkpoint": "<% execution().id %>", "execution": "<% execution().id %>"}
    main = {"type": "direct", "vars": {"run": run}, "tasks": {"one": task}}
    read = parse_workflow(json.dumps({"version": "2.0", "main": main}).encode(), "file")
    found = [problem.message for problem in read.diagnostics if problem.message.startswith("task 'one': ")]
    return read.value.workflows["main"].tasks["one"].does if read.value else None, found


def said_by_the_action(action: str, given: dict[str, Any]) -> tuple[Does | None, str]:
    try:
        return value_of(action, {"run": RUN, **given}, parse_run(RUN)), ""
    except BadInput as error:
        return None, str(error)


def test_the_table() -> None:
    assert {action: {name for name in table if table[name].needed} for action, table in ACTIONS.items()} == NEEDED
    optional = {action: {name for name in table if not table[name].needed} for action, table in ACTIONS.items()}
    assert {action: names for action, names in optional.items() if names} == OPTIONAL


@pytest.mark.parametrize("action", OURS)
def test_both_judge_alike_whatever_is_given(action: str) -> None:
    judged = {True: 0, False: 0}
    for _, given in (each for each in changed() if each[0] == action):
        in_file, problems = said_by_the_reader(action, given)
        does, refusal = said_by_the_action(action, given)
        if action == "embank.complete" and "does not end as" in refusal and not problems:
            assert given["status"] in ("restored", "deleted", "verified")  # the reader does not ask which operation
            continue
        assert bool(problems) == bool(refusal), (given, problems, refusal)
        assert in_file is None or in_file == does
        judged[not problems] += 1
    assert judged[True] >= 2, "something was right"
    assert judged[False] >= 20, "and much was not"


@pytest.mark.parametrize(("action", "given"), [(action, {**RIGHT[action], "other": 1}) for action in OURS])
def test_a_name_that_is_not_in_the_table(action: str, given: dict[str, Any]) -> None:
    _, found = decode(action, {"run": RUN, **given})
    assert [wrong.message for wrong in found] == [f"{action} has no input 'other'"]
    assert found[0].refused(parse_run(RUN).operation) == f"{action} takes no input 'other'"


def test_a_refused_input_touches_nothing(failure: Callable[[Callable[[], object]], ActionFailed], site: Any) -> None:
    """Through the action itself, as an engine calls it."""
    refused = [(action, given) for action, given in changed() if said_by_the_action(action, given)[1]]
    for action, given in refused:
        job = Job(action, {"run": RUN, **given})
        error = failure(partial(list, site.actions.perform(job, site)))
        assert str(error) == said_by_the_action(action, given)[1]
    assert len(refused) > 100
    assert site.plugin.did == []
    assert not site.path.exists() or not list(site.path.rglob("*.json"))


def test_what_the_values_hold() -> None:
    app, other, unnamed = (Resource("Test::App", *how) for how in [("a", "shop"), ("b", "shop"), ("c", "c")])
    three = [APP, {**APP, "id": "b"}, UNNAMED]
    does: list[Does | None] = [
        said_by_the_action("embank.begin", {"graph": {"tree": []}, "chunk": 2, "chunks": 3})[0],
        said_by_the_action("embank.activity", {**RIGHT["embank.activity"], "parameters": {"a": 1}})[0],
        said_by_the_action("embank.activity", {"activity": "pre", "resources": three})[0],
        said_by_the_action("embank.cleanup", {**RIGHT["embank.cleanup"], "poll_interval": 0.5})[0],
        said_by_the_action("embank.complete", {"status": "error"})[0],
    ]
    assert does == [
        Begin({"tree": []}, 2, 3),
        Activity(Phase.POST, (app,), ({"a": 1},), aggregated=False, poll_interval=None),
        Activity(Phase.PRE, (app, other, unnamed), ({}, {}, {}), aggregated=True, poll_interval=None),
        Closer(Phase.READY, (app,), ({},), aggregated=False, poll_interval=0.5, closes=Phase.PRE),
        Complete("error"),
    ]


def test_the_actions_of_mistral_take_what_the_table_says() -> None:
    """Mistral checks inputs by the signatures of these classes, so they are written out."""
    module = ast.parse((ROOT / "compiler" / "embank" / "mistral" / "actions.py").read_text())
    found = {}
    for node in module.body:
        if isinstance(node, ast.ClassDef) and node.name != "EmbankAction":
            named = [each.value.value for each in node.body if isinstance(each, ast.Assign) and _is_name(each)]
            (init,) = [each for each in node.body if isinstance(each, ast.FunctionDef)]
            names = [argument.arg for argument in init.args.args][1:]
            found[named[0]] = (set(names[: len(names) - len(init.args.defaults)]), set(names))
    assert found == {action: (NEEDED[action], set(OURS[action])) for action in OURS}


def _is_name(node: ast.Assign) -> bool:
    return [target.id for target in node.targets if isinstance(target, ast.Name)] == ["_name"]


def test_the_writer_writes_every_input_of_the_table() -> None:
    """Round trips say that it writes no other; so neither of the two can grow alone."""
    texts = [(ROOT / "templates" / name).read_text() for name in ("workflow.yaml.j2", "workflow_tasks.yaml.j2")]
    lines = {line.strip().partition(":")[0] for line in chain.from_iterable(text.splitlines() for text in texts)}
    assert {name for table in OURS.values() for name in table} <= lines
