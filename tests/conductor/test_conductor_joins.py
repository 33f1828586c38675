"""Direct workflows whose tasks wait for several others: the cleanup, where a failure holds nobody back."""

from __future__ import annotations

from embank.conductor.conductor import Conductor
from embank.conductor.protocol import Begun, Failed, Finished, Start, Succeeded
from embank.conductor.states import FlowState
from embank.inputs.workflow import parse_workflow

DOCUMENT = """
version: '2.0'
x_protect:
  type: direct
  vars: {run: {provider: p, plan: x, operation: protect, checkpoint: c, execution: <% execution().id %>}}
  tasks:
    volume_1: {action: embank.complete, input: {run: <% $.run %>, status: error}, on-complete: [server]}
    volume_2: {action: embank.complete, input: {run: <% $.run %>, status: error}, on-complete: [server]}
    server: {action: embank.complete, input: {run: <% $.run %>, status: error}, join: all, on-complete: [project]}
    project: {action: embank.complete, input: {run: <% $.run %>, status: error}}
"""


def run(*failing: str) -> tuple[list[str], FlowState]:
    """Run all tasks in the order in which they are offered; those named fail."""
    document = parse_workflow(DOCUMENT.encode(), "x.yaml")
    assert document.value, document.diagnostics
    conductor = Conductor(document.value, "e")
    effects, began = conductor.start(), []
    while True:
        waiting = [effect.row for effect in effects if isinstance(effect, Start)]
        if ends := [effect.state for effect in effects if isinstance(effect, Finished)]:
            return began, ends[0]
        effects = []
        for row in waiting:
            name = conductor.execution.specs[row].name
            began.append(name)
            effects += conductor.advance(Begun(row))
            event = Failed(row, "no") if name in failing else Succeeded(row)
            effects += conductor.advance(event)


def test_a_join_starts_once_after_all() -> None:
    assert run() == (["volume_1", "volume_2", "server", "project"], FlowState.SUCCESS)


def test_a_failure_before_a_join_holds_nobody_back_and_fails_the_workflow() -> None:
    for failing in (["volume_1"], ["volume_2"], ["volume_1", "volume_2"], ["server"], ["volume_2", "server"]):
        assert run(*failing) == (["volume_1", "volume_2", "server", "project"], FlowState.ERROR)


def test_a_join_that_may_never_start_is_refused() -> None:
    text = DOCUMENT.replace("on-complete: [server]", "on-success: [server]", 1)
    (problem,) = parse_workflow(text.encode(), "x.yaml").diagnostics
    assert problem.code == "EMB604"
    assert "use `on-complete`" in problem.hint
    assert problem.place is not None
    assert problem.place.line == 7


def test_only_joins_that_wait_for_all_are_supported() -> None:
    (problem,) = parse_workflow(DOCUMENT.replace("join: all", "join: one").encode(), "x.yaml").diagnostics
    assert "`all`" in problem.message
