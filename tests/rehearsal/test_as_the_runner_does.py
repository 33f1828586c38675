"""What a rehearsal says is what the runner does: every task fails, and is cancelled, on both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from embank.conductor.admission import Admission
from embank.conductor.conductor import Conductor
from embank.document import Document, TaskSpec
from embank.model import Operation
from embank.rehearsal.rehearse import Kind, rehearse
from embank.rehearsal.simulation import Simulation
from embank.rehearsal.world import Cast


def one_second(spec: TaskSpec) -> float:
    return 1.0


def simulated(document: Document, task: str, kind: Kind, **how: Any) -> Simulation:
    """The simulation in which this task fails, or is running when the execution is cancelled, played to its end."""
    fail_fast = how.get("fail_fast", False)
    cast = Cast(document, one_second)
    simulation = Simulation(Conductor(document, "e", fail_fast=fail_fast), Admission({}), cast, how["parallel"])
    simulation.start()
    execution = simulation.conductor.execution
    while True:
        begun = {execution.path(row): row for row in simulation.dispatch()}
        if task in begun:
            break
        simulation.pass_time()
    if kind is Kind.CANCEL:
        simulation.cancel()
    else:
        simulation.disturb(begun[task], hangs=False)
    simulation.play()
    return simulation


CASES = [
    pytest.param(Operation.PROTECT, {}, id="protect"),
    pytest.param(Operation.PROTECT, {"together": True}, id="protect-together"),
    pytest.param(Operation.PROTECT, {"max_tasks": 3}, id="protect-in-parts"),
    pytest.param(Operation.RESTORE, {}, id="restore"),
    pytest.param(Operation.DELETE, {}, id="delete"),
]


@pytest.mark.parametrize("fail_fast", [False, True], ids=["", "fail-fast"])
@pytest.mark.parametrize(("operation", "case"), CASES)
def test_every_task_fails_or_is_cancelled(
    stage: Callable[..., Any], operation: Operation, case: dict[str, Any], fail_fast: bool
) -> None:
    document = stage(case.get("together", False)).document(operation, max_tasks=case.get("max_tasks", 50))
    how = {"parallel": 1, "fail_fast": fail_fast}  # one after the other: then it is certain what runs when
    rehearsal = rehearse(document, one_second, limits={}, **how)
    specs = {spec.name: spec for flow in document.workflows.values() for spec in flow.tasks.values()
             if spec.action != "embank.cleanup"}  # fmt: skip
    compared = 0
    for each in rehearsal.consequences:
        if each.kind not in (Kind.FAIL, Kind.CANCEL):
            continue
        there = stage(case.get("together", False))
        execution = "e1"
        if operation is not Operation.PROTECT:
            assert there.run(there.document(Operation.PROTECT), "e1").state == "SUCCESS"
            execution = "e2"
        ran = there.run(document, execution, (specs[each.task.rpartition("/")[2]], each.kind.value), **how)
        expected = each.ending
        where = f"{each.kind} at {each.task}"
        assert (ran.state, ran.exit_code) == (expected.state, expected.exit_code), where
        gone = operation is Operation.DELETE and ran.status == "none"
        assert "gone" if gone else ran.status == expected.status, where
        assert gone or ran.recorded == (expected.recorded if operation is not Operation.PROTECT else ""), where
        assert sorted(ran.closers) == sorted(closer.task for closer in expected.closers), where
        assert ran.open == [str(bracket.resource) for bracket in expected.frozen] == [], where
        execution_there = simulated(document, each.task, each.kind, **how).conductor.execution
        states = {execution_there.path(row): str(state) for row, state in enumerate(execution_there.state.task)}
        assert ran.tasks == states, where
        compared += 1
    assert compared == 2 * len({each.task for each in rehearsal.consequences})
