"""Plans and resource graphs in a line or two, and what is said of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from embank.diagnostics import Checked, Diagnostic
from embank.inputs import yaml
from embank.inputs.plan.plan import Plan, plan_of
from embank.inputs.plan.selection import select
from embank.model import Resource, ResourceGraph
from embank.resource_graph import canonical

Parse = Callable[[str], Checked[Plan]]
Say = Callable[[tuple[Diagnostic, ...]], list[str]]
PlanWith = Callable[[str], Plan]
GraphOf = Callable[..., ResourceGraph]
Select = Callable[[str, ResourceGraph], tuple[list[str], list[str]]]


@pytest.fixture(scope="session")
def parsed() -> Parse:
    """`parsed("version: 1 …")`: the plan of a file p.yaml, and all that is wrong with it."""

    def parse(text: str) -> Checked[Plan]:
        located = yaml.parse(text.encode(), "p.yaml")
        assert located.value
        plan = plan_of(located.value)
        return Checked(plan.value, (*located.diagnostics, *plan.diagnostics))

    return parse


@pytest.fixture(scope="session")
def said() -> Say:
    """Diagnostics as "line:column CODE message"."""
    return lambda problems: [f"{each.place}"[7:] + f" {each.code} {each.message}" for each in problems]


@pytest.fixture(scope="session")
def plan_with(parsed: Parse, said: Say) -> PlanWith:
    """`plan_with("- {type: A, id: a}")`: a plan with these entries, from its fifth line on."""

    def plan_with(entries: str) -> Plan:
        plan = parsed(f"version: 1\nname: p\nprovider: x\nresources:\n{entries}")
        assert plan.value, said(plan.diagnostics)
        return plan.value

    return plan_with


@pytest.fixture(scope="session")
def graph_of() -> GraphOf:
    """`graph_of(a="b c", b="c", c="")`: resources of the type A and their dependents."""

    def graph_of(**dependents: str) -> ResourceGraph:
        edges = [
            (Resource("A", a, a).key, Resource("A", b, b).key) for a in dependents for b in dependents[a].split()
        ]
        return canonical([Resource("A", name, name) for name in dependents], edges)

    return graph_of


@pytest.fixture(scope="session")
def selected(plan_with: PlanWith, said: Say) -> Select:
    """`selected("- {type: A, id: a}", graph)`: the ids that these entries select, and what is wrong."""

    def select_from(entries: str, graph: ResourceGraph) -> tuple[list[str], list[str]]:
        chosen = select(plan_with(entries), graph)
        return [resource.id for resource in chosen.value.resources] if chosen.value else [], said(chosen.diagnostics)

    return select_from
