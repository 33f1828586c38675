"""The order of a workflow: that of docs/reference.md, what `ready` adds, and random graphs against the rules."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embank.model import Kind, Phase, Request, Resource, ResourceKey, Workflow
from embank.passes import PASSES, compile_workflow
from kit import graphs, order
from kit.examples import examples


def compiled(request: Request) -> Workflow:
    checked = compile_workflow(request)
    assert checked.diagnostics == ()
    assert checked.value is not None
    return checked.value


def test_the_passes_and_their_order() -> None:
    names = [step.__name__ for step in PASSES]
    assert names == ["traverse", "aggregate", "bracket", "prune", "reduce", "outline", "name"]


def test_three_phases_as_in_the_reference() -> None:
    """The server's own copy waits for nothing but its pre; its post waits for its volumes'."""
    request = graphs.request("server1 > volume1 volume2", server="pre, parallel, post", volume="pre, parallel, post")
    assert order.steps(order.observed(compiled(request).bodies)) == (
        "server1.parallel > server1.post\n"
        "server1.post\n"
        "server1.pre > server1.parallel volume1.pre volume2.pre\n"
        "volume1.parallel > volume1.post\n"
        "volume1.post > server1.post\n"
        "volume1.pre > volume1.parallel\n"
        "volume2.parallel > volume2.post\n"
        "volume2.post > server1.post\n"
        "volume2.pre > volume2.parallel"
    )


def test_ready_thaws_the_server_before_the_long_copies() -> None:
    """Freeze, snapshots, thaw; the volumes are copied meanwhile or later, and not waited for."""
    request = graphs.request("server1 > volume1 volume2", server="pre, ready", volume="ready, parallel")
    assert order.steps(order.observed(compiled(request).bodies)) == (
        "server1.pre > volume1.ready volume2.ready\n"
        "server1.ready\n"
        "volume1.parallel\n"
        "volume1.ready > server1.ready volume1.parallel\n"
        "volume2.parallel\n"
        "volume2.ready > server1.ready volume2.parallel"
    )


def test_ready_passes_through_resources_without_any() -> None:
    """The snapshot of a grandchild still comes before the thaw."""
    request = graphs.request("server1 > group1, group1 > volume1", server="pre, ready", group="", volume="ready")
    assert order.steps(order.observed(compiled(request).bodies)) == (
        "server1.pre > volume1.ready\nserver1.ready\nvolume1.ready > server1.ready"
    )


def test_without_ready_of_its_own_a_parallel_waits_for_no_dependent() -> None:
    """ "Regardless of the dependent resources' activities": a dependent's snapshot does not hold it up."""
    request = graphs.request("server1 > volume1", server="pre, parallel", volume="pre, ready")
    assert order.steps(order.observed(compiled(request).bodies)) == (
        "server1.parallel\nserver1.pre > server1.parallel volume1.pre\nvolume1.pre > volume1.ready\nvolume1.ready"
    )


def test_the_ready_of_others_does_not_hold_up_a_parallel() -> None:
    """The site above asks for the volume to be ready; the server between them does not, and is not held up."""
    request = graphs.request("site1 > server1, server1 > volume1", site="ready", server="parallel", volume="ready")
    assert order.steps(order.observed(compiled(request).bodies)) == (
        "server1.parallel\nsite1.ready\nvolume1.ready > site1.ready"
    )


def test_with_ready_of_its_own_a_parallel_waits_for_the_snapshots() -> None:
    request = graphs.request("server1 > volume1", server="ready, parallel", volume="ready")
    assert order.steps(order.observed(compiled(request).bodies)) == (
        "server1.parallel\nserver1.ready > server1.parallel\nvolume1.ready > server1.ready"
    )


def test_two_parents_of_one_dependent() -> None:
    request = graphs.request("server1 > volume1, server2 > volume1", server="pre, post", volume="parallel")
    assert order.steps(order.observed(compiled(request).bodies)) == (
        "server1.post\nserver1.pre > volume1.parallel\n"
        "server2.post\nserver2.pre > volume1.parallel\n"
        "volume1.parallel > server1.post server2.post"
    )


def test_a_wide_fan_between_no_ops_keeps_one_join() -> None:
    """Nine disks under two servers: 2 + 9 edges through a join, where 2 × 9 would say the same."""
    disks = " ".join(f"disk{number}" for number in range(9))
    request = graphs.request(
        f"server1 > rack1, server2 > rack1, rack1 > {disks}", server="pre", rack="", disk="parallel"
    )
    (body,) = compiled(request).bodies
    joins = [index for index, task in enumerate(body.tasks) if task.kind is Kind.JOIN]
    assert [len(body.requires[join]) for join in joins] == [2]
    assert sum(joins[0] in required for required in body.requires) == 9
    assert sum(map(len, body.requires)) == 11


def test_nothing_to_do() -> None:
    """No resources, or none whose plugin does anything: one empty body."""
    for request in (graphs.request_of([], [], {}), graphs.request("rack1 > rack2", rack="")):
        (body,) = compiled(request).bodies
        assert body.tasks == ()


def edge_count(workflow: Workflow) -> int:
    return sum(map(len, workflow.bodies[0].requires))


@given(data=st.data())
def test_every_pass_keeps_exactly_the_order_of_the_rules(data: st.DataObject) -> None:
    """Until the workflow is cut into parts; no activity is lost or doubled (`observed` looks)."""
    request = data.draw(
        graphs.requests(keys=data.draw(st.sampled_from([0, 0, 3, 30])), closers=True, max_tasks=10**9)
    )
    alone = {
        name: replace(spec, aggregate=lambda phase, resource, parents: None) for name, spec in request.types.items()
    }
    rules = {"traverse": order.expected(replace(request, types=alone)), "aggregate": order.expected(request)}
    workflow = Workflow(request)
    for step in PASSES:
        checked = step(workflow)
        if checked.diagnostics:
            assert {diagnostic.code for diagnostic in checked.diagnostics} == {"EMB501"}
            # Merging that the rules forbid; closers that are merged can also be in each other's way in cleanup.
            assert step.__name__ == ("aggregate" if rules["aggregate"] is None else "bracket")
            return
        assert checked.value is not None
        workflow = checked.value
        assert order.observed(workflow.bodies) == rules.get(step.__name__, rules["aggregate"])


@given(data=st.data())
def test_no_join_more_than_needed_and_no_edge_twice_said(data: st.DataObject) -> None:
    """A `std.noop` stays only where it saves edges; no `requires` follows from the others."""
    request = data.draw(graphs.requests(max_tasks=10**9, closers=True))
    workflow = compiled(request)
    for body in (*workflow.bodies, *workflow.cleanup):
        edges = [(below, node) for node, required in enumerate(body.requires) for below in required]
        after = order.closure(len(body.tasks), edges)
        for below, node in edges:
            assert not any(after[middle] >> node & 1 for middle in order.bits(after[below]))
        for node, task in enumerate(body.tasks):
            if task.kind is Kind.JOIN:
                into, out = len(body.requires[node]), sum(below == node for below, _ in edges)
                assert into * out > into + out
                assert "Hold the order" in task.description


@given(data=st.data())
def test_parts_add_order_but_never_take_any(data: st.DataObject) -> None:
    """However small the parts: nothing is lost or doubled, no cycle (`observed` looks), every order kept. And
    nothing that freezes or thaws comes to wait for a copy.
    """
    request = data.draw(graphs.requests(keys=data.draw(st.sampled_from([0, 0, 40])), closers=True))
    expected = order.expected(request)
    checked = compile_workflow(request)
    if checked.value is None:
        return  # merged what cannot be
    found = order.observed(checked.value.bodies)
    assert found.keys() == expected.keys()
    assert all(found[node] >= later for node, later in expected.items())
    for (phase, _), later in found.items():
        if phase in (Phase.PARALLEL, Phase.POST):
            assert not {phase for phase, _ in later} & {Phase.PRE, Phase.READY}


@given(data=st.data())
def test_cleanup_in_parts(data: st.DataObject) -> None:
    """The same of closers."""
    request = data.draw(graphs.requests(closers=True))
    expected = order.expected_cleanup(request)
    found = order.observed(compiled(request).cleanup) if expected else {}
    assert found.keys() == expected.keys()
    assert all(found[node] >= later for node, later in expected.items())


@given(data=st.data())
def test_parts_add_nothing_to_a_tree_without_ready(data: st.DataObject) -> None:
    """Up to six levels, that is; deeper ones are cut across as well."""
    phases = st.sampled_from(["", "pre", "post", "parallel", "pre, post", "pre, parallel, post"])
    types = {name: graphs.type_spec(data.draw(phases)) for name in "ABC"}
    random = data.draw(st.randoms(use_true_random=False))
    resources: list[Resource] = []
    edges: list[tuple[ResourceKey, ResourceKey]] = []
    levels: list[int] = []
    for number in range(data.draw(st.integers(0, 60))):
        resources.append(Resource(random.choice("ABC"), f"r{number}", ""))
        parent = random.randrange(-1, number)
        level = levels[parent] + 1 if parent >= 0 else 1
        if 1 < level <= 6:
            edges.append((resources[parent].key, resources[number].key))
        levels.append(level if level <= 6 else 1)
    request = graphs.request_of(resources, edges, types, data.draw(st.sampled_from([4, 5, 8, 13, 20])))
    assert order.observed(compiled(request).bodies) == order.expected(request)


@given(data=st.data())
def test_tasks_carry_what_their_activity_needs(data: st.DataObject) -> None:
    request = data.draw(graphs.requests(keys=data.draw(st.sampled_from([0, 40])), max_tasks=10**9))
    checked = compile_workflow(request)
    if checked.value is None:
        return
    for task in checked.value.bodies[0].tasks:
        if task.kind is Kind.ACTIVITY:
            for resource in task.resources:
                spec = request.types[resource.type]
                assert task.phase in spec.activities
                assert task.aggregated == (spec.aggregate(task.phase, resource, ()) is not None)
            assert len(task.parameters) == len(task.resources)
            assert task.description == f"Do {task.phase}."


@pytest.mark.nightly
@given(data=st.data())
@examples(1000)
def test_every_pass_keeps_exactly_the_order_of_the_rules_at_length(data: st.DataObject) -> None:
    request = data.draw(graphs.requests(size=60, max_tasks=10**9))
    assert order.observed(compiled(request).bodies) == order.expected(request)


def test_every_phase_is_covered_by_the_rules() -> None:
    """The oracle itself, where it can be read off: a chain of two resources that implement everything."""
    after = order.expected(graphs.request("a1 > b1", a="pre, ready, parallel, post", b="pre, ready, parallel, post"))
    names = {key.id + "." + phase: node for node in after for phase, (key,) in [node]}
    assert len(names) == 2 * len(Phase)
    order_of = {name: {other for other in names if names[other] in after[node]} for name, node in names.items()}
    assert order_of["a1.pre"] == set(names) - {"a1.pre"}
    assert order_of["b1.pre"] == {"b1.ready", "b1.parallel", "b1.post", "a1.ready", "a1.parallel", "a1.post"}
    assert order_of["b1.ready"] == {"a1.ready", "b1.parallel", "b1.post", "a1.parallel", "a1.post"}
    assert order_of["a1.ready"] == {"a1.parallel", "a1.post"}
    assert order_of["b1.parallel"] == {"b1.post", "a1.post"}
    assert order_of["a1.post"] == set()
