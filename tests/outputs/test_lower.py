"""The activities as a direct workflow (`--lower direct`): the same tasks and order, said from the other side."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from embank.document import Document, Flow, WorkflowSpec
from embank.inputs.workflow import parse_workflow
from embank.model import Lower, Operation, Resource, Workflow
from embank.outputs.workflow import write_workflow
from embank.resource_graph import canonical

Compile = Callable[..., Workflow]


def read(workflow: Workflow, lower: Lower) -> Document:
    written = replace(workflow, request=replace(workflow.request, lower=lower))
    checked = parse_workflow("".join(write_workflow(written)).encode(), f"{lower}.yaml")
    assert [problem.message for problem in checked.diagnostics] == []
    assert checked.value is not None
    return checked.value


def required(flow: WorkflowSpec) -> set[tuple[str, str]]:
    return {(before, task.name) for task in flow.tasks.values() for before in task.requires}


def followed(flow: WorkflowSpec) -> set[tuple[str, str]]:
    return {(task.name, after) for task in flow.tasks.values() for after in task.on_success}


def activities(document: Document) -> Iterator[WorkflowSpec]:
    main = document.main
    for name, flow in document.workflows.items():
        if name != main and not name.startswith(f"{main}_cleanup"):
            yield flow


@pytest.fixture(params=["shop", "parts"])
def workflow(request: pytest.FixtureRequest, compiled: Compile) -> Workflow:
    """The shop; and one with joins, aggregation and parts."""
    if request.param == "shop":
        return compiled(Operation.PROTECT)
    shops = [Resource("Local::Application", f"shop-{number}", f"Shop {number}") for number in (1, 2)]
    data = [Resource("Local::SQLite", f"db-{number}", f"Database {number}") for number in range(9)]
    graph = canonical(shops + data, [(shop.key, item.key) for shop in shops for item in data])
    return compiled(Operation.PROTECT, graph=graph, max_tasks=4)


def test_the_order_is_the_same(workflow: Workflow) -> None:
    reverse, direct = read(workflow, Lower.REVERSE), read(workflow, Lower.DIRECT)
    assert list(reverse.workflows) == list(direct.workflows)
    for one, other in zip(activities(reverse), activities(direct), strict=True):
        assert (one.flow, other.flow) == (Flow.REVERSE, Flow.DIRECT)
        assert list(one.tasks) == list(other.tasks)
        assert required(one) == followed(other)
        assert required(one) or len(one.tasks) == 1


def test_a_task_waits_for_all_that_lead_to_it(workflow: Workflow) -> None:
    for flow in activities(read(workflow, Lower.DIRECT)):
        inbound = [after for _, after in followed(flow)]
        assert {task.name for task in flow.tasks.values() if task.join} == {
            name for name in flow.tasks if inbound.count(name) > 1
        }


def test_the_cleanup_is_what_it_was(workflow: Workflow) -> None:
    name = f"\n{workflow.cleanup[0].name}:\n"
    parts = []
    for lower in Lower:
        written = replace(workflow, request=replace(workflow.request, lower=lower))
        parts.append("".join(write_workflow(written)).partition(name)[2])
    assert parts[0] == parts[1] != ""


def test_golden(compiled: Compile, golden: Callable[[str, str], None]) -> None:
    golden("protect.direct.yaml", "".join(write_workflow(compiled(Operation.PROTECT, lower=Lower.DIRECT))))
