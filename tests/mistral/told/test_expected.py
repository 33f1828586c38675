"""Which tasks a SUCCESS must have run."""

from __future__ import annotations

import pytest

from embank.conductor.program import expected_tasks
from embank.document import Document
from embank.inputs.workflow import parse_workflow
from embank.mistral.overview import expected_paths, missing
from kit import engine
from kit.told import tell

PATHS = [
    "begin",
    "activities",
    "activities/freeze",
    "activities/copy",
    "activities/thaw",
    "activities/done",
    "complete",
]


def test_all_that_runs_when_all_is_well(shop: Document) -> None:
    assert list(expected_paths(shop)) == PATHS
    assert expected_tasks(shop) == 5, "the runner counts those that have actions of Embank"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("state", ["", "SKIPPED", "ERROR", "RUNNING", "CANCELLED", "WAITING"])
def test_each_of_them_can_be_missing(shop: Document, path: str, state: str) -> None:
    lines = [f"{each} {state if each == path else 'SUCCESS'} 1-2" for each in PATHS if state or each != path]
    assert missing(shop, engine.look("\n".join(lines), "SUCCESS", 3)) == (path,)


def test_nothing_is_missing(shop: Document) -> None:
    table = "\n".join(f"{path} SUCCESS 1-2" for path in PATHS)
    assert missing(shop, engine.look(table, "SUCCESS", 3)) == ()
    assert missing(shop, engine.look(f"{table} \n cleanup/thaw ERROR 1-2", "SUCCESS", 3)) == ()


def test_a_workflow_that_is_called_twice() -> None:
    given = {"run": engine.RUN, "task_name": "done"}
    calls = [engine.task(name, workflow="part1", input=given) for name in ("one", "two")]
    document = engine.bracketed([calls, [engine.task("a")]], [engine.task("close", "embank.cleanup")])
    inner = [path for path in expected_paths(document) if path.startswith("activities/")]
    assert inner == [
        "activities/one",
        "activities/one/a",
        "activities/one/done",
        "activities/two",
        "activities/two/a",
        "activities/two/done",
        "activities/done",
    ]


def test_workflows_that_call_each_other_deeply() -> None:
    given = {"run": engine.RUN, "task_name": "done"}
    parts = [[engine.task("t", workflow=f"part{number + 1}", input=given)] for number in range(2000)]
    document = engine.bracketed([*parts, [engine.task("t")]], [engine.task("close", "embank.cleanup")])
    assert sum(1 for _ in expected_paths(document)) == 4005


@pytest.mark.parametrize("lower", ["reverse", "direct"])
def test_both_ways_to_write_the_order(lower: str) -> None:
    """A direct workflow with joins runs the same tasks, up to the sink."""
    body = engine.SHOP.decode()
    if lower == "direct":
        head, _, _ = body.partition("body:")
        _, _, closers = body.partition("closers:\n")
        body = f"{head}{DIRECT}closers:\n{closers}".replace(", task_name: done", "")
    checked = parse_workflow(body.encode(), "shop.yaml")
    assert checked.value is not None, checked.diagnostics
    assert [path for path in expected_paths(checked.value) if not path.endswith("done")] == [
        path for path in PATHS if not path.endswith("done")
    ]


DIRECT = """body:
  type: direct
  input: [run]
  tasks:
    freeze:
      action: embank.activity
      input: {run: <% $.run %>, activity: pre, resource: {type: T::App, id: web, name: Web}}
      on-success: [copy]
    copy:
      action: embank.activity
      input: {run: <% $.run %>, activity: parallel, resource: {type: T::Disk, id: disk, name: Disk}}
      on-success: [thaw]
    thaw:
      action: embank.activity
      input: {run: <% $.run %>, activity: post, resource: {type: T::App, id: web, name: Web}}
"""


def test_expected_and_conductor_agree(shop: Document) -> None:
    """When all expected tasks have succeeded, so has the conductor, by itself."""
    table = "\n".join(f"{path} SUCCESS 1-2" for path in expected_paths(shop))
    told = tell(shop, engine.look(table))
    assert told.replayed.finished == "SUCCESS"
    assert sorted(told.states) == sorted(PATHS)
