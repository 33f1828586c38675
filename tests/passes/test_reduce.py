"""Reducing: the same order, with the fewest requires."""

from __future__ import annotations

import networkx
from hypothesis import given
from hypothesis import strategies as st

from embank.model import Body, Kind, Phase, Request, Resource, Task, Workflow
from embank.passes import PASSES
from embank.passes.reduce import reduce
from kit import graphs


def body(*requires: list[int]) -> Body:
    tasks = tuple(
        Task(Kind.ACTIVITY, Phase.PRE, (Resource("T", str(number), ""),)) for number in range(len(requires))
    )
    return Body(tasks, tuple(map(tuple, requires)))


def reduced(workflow: Workflow) -> Workflow:
    checked = reduce(workflow)
    assert checked.ok
    assert checked.value is not None
    return checked.value


def edges(body: Body) -> set[tuple[int, int]]:
    return {(task, other) for task, required in enumerate(body.requires) for other in required}


def test_an_implied_requires_goes() -> None:
    workflow = Workflow(graphs.request("T1", T="pre"), (body([], [0], [0, 1]),))
    assert reduced(workflow).bodies == (body([], [0], [1]),)


def test_a_task_may_require_one_further_down() -> None:
    workflow = Workflow(graphs.request("T1", T="pre"), (body([1, 2], [2], []),))
    assert reduced(workflow).bodies == (body([1], [2], []),)


def test_the_cleanup_is_reduced_as_well() -> None:
    workflow = Workflow(graphs.request("T1", T="pre"), (body([]),), (body([], [0], [0, 1]),))
    assert reduced(workflow).cleanup == (body([], [0], [1]),)


def test_with_nothing_to_drop_the_workflow_is_the_same_object() -> None:
    workflow = Workflow(graphs.request("T1", T="pre"), (body([], [0], [0], [1, 2]),))
    assert reduced(workflow) is workflow


@given(data=st.data())
def test_real_workflows_are_reduced_entirely(data: st.DataObject) -> None:
    request: Request = data.draw(graphs.requests(size=30, keys=3, closers=True))
    workflow = Workflow(request)
    for step in PASSES:
        checked = step(workflow)
        if checked.value is None:
            return  # merging would make a cycle
        workflow = checked.value
        if step is reduce:
            break
    for each in (*workflow.bodies, *workflow.cleanup):
        graph = networkx.DiGraph(edges(each))
        assert set(networkx.transitive_reduction(graph).edges) == edges(each)
