"""Activities that a plugin merges: one task in their place, and a clear word when that cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from embank.diagnostics import Diagnostic
from embank.model import Kind, Phase, Policy, Request, Resource, Task
from embank.passes import compile_workflow
from kit import graphs, order

ALL = "pre, ready, parallel, post"


def together(*phases: Phase) -> object:
    """An aggregate() that merges these phases of all resources."""
    return lambda phase, resource, parents: "all" if phase in phases else None


def tasks(request: Request) -> dict[str, Task]:
    checked = compile_workflow(request)
    assert checked.diagnostics == ()
    assert checked.value is not None
    return {task.name: task for task in checked.value.bodies[0].tasks}


def problem(request: Request) -> Diagnostic:
    checked = compile_workflow(request)
    assert checked.value is None
    (diagnostic,) = checked.diagnostics
    return diagnostic


def test_snapshots_of_one_group_are_one_task() -> None:
    """A consistency group: the volumes' `ready` is one task, between the server's freeze and thaw."""
    request = graphs.request(
        "server1 > volume1 volume2",
        server="pre, ready", volume="ready, parallel", aggregate={"volume": together(Phase.READY)},
    )  # fmt: skip
    checked = compile_workflow(request)
    assert checked.value is not None
    assert order.steps(order.observed(checked.value.bodies)) == (
        "server1.pre > volume1+volume2.ready\n"
        "server1.ready\n"
        "volume1+volume2.ready > server1.ready volume1.parallel volume2.parallel\n"
        "volume1.parallel\n"
        "volume2.parallel"
    )


def test_a_plugin_sees_what_a_resource_belongs_to() -> None:
    """The volumes of each server are one task; one of two servers, and one of none, is a task of its own."""

    def by_server(phase: Phase, resource: Resource, parents: Sequence[Resource]) -> str | None:
        return parents[0].id if phase is Phase.READY and len(parents) == 1 else None

    request = graphs.request(
        "server1 > volume1 volume2 volume5, server2 > volume5 volume3 volume4, volume6",
        server="", volume="ready", aggregate={"volume": by_server},
    )  # fmt: skip
    found = [[each.id for each in task.resources] for task in tasks(request).values() if task.resources]
    assert sorted(found) == [["volume1", "volume2"], ["volume3", "volume4"], ["volume5"], ["volume6"]]


def test_the_task_has_the_parameters_beside_its_resources() -> None:
    request = graphs.request("a1 > b1, a1 > b2", a=ALL, b="pre", aggregate={"b": together(Phase.PRE)})
    request = replace(
        request,
        parameters={resource.key: {"of": resource.id} for resource in request.graph.resources},
        policies={"b": Policy(retry_count=2, timeout=7)},
    )
    (merged,) = (task for task in tasks(request).values() if task.aggregated)
    assert [resource.id for resource in merged.resources] == ["b1", "b2"]
    assert [dict(parameters) for parameters in merged.parameters] == [{"of": "b1"}, {"of": "b2"}]
    assert merged.policy == Policy(retry_count=2, timeout=7)


def test_a_key_of_its_own_still_means_a_call_with_tuples() -> None:
    """The plugin asked for aggregation: that one resource is there is no reason to call it differently."""
    found = tasks(graphs.request("a1", a="pre", aggregate={"a": together(Phase.PRE)}))
    assert [(task.aggregated, len(task.resources)) for task in found.values()] == [(True, 1)]


def test_keys_of_different_phases_and_plugins_are_different() -> None:
    both = together(Phase.PRE, Phase.POST)
    found = tasks(graphs.request("a1, a2, b1, b2", a="pre, post", b="pre", aggregate={"a": both, "b": both}))
    assert sorted((task.phase, [resource.id for resource in task.resources]) for task in found.values()) == [
        (Phase.POST, ["a1", "a2"]), (Phase.PRE, ["a1", "a2"]), (Phase.PRE, ["b1", "b2"]),
    ]  # fmt: skip


def test_types_of_one_plugin_share_keys() -> None:
    resources = [Resource("Disk", "1", "one"), Resource("Tape", "2", "two")]
    types = {name: graphs.type_spec("pre", "storage", together(Phase.PRE)) for name in ("Disk", "Tape")}
    (task,) = tasks(graphs.request_of(resources, [], types)).values()
    assert [str(resource) for resource in task.resources] == ["Disk#1", "Tape#2"]


def test_the_most_patient_policy_holds_for_all() -> None:
    """Whatever one of the types needs, the merged task gets."""
    resources = [Resource("Disk", "1", "one"), Resource("Tape", "2", "two")]
    types = {name: graphs.type_spec("pre", "storage", together(Phase.PRE)) for name in ("Disk", "Tape")}
    request = graphs.request_of(resources, [], types)
    disk, tape = Policy(3, 1, 60, 10), Policy(1, 9, 900, 5)
    (task,) = tasks(replace(request, policies={"Disk": disk, "Tape": tape})).values()
    assert task.policy == Policy(retry_count=3, retry_delay=9, timeout=900, poll_interval=5)
    (task,) = tasks(replace(request, policies={"Disk": disk})).values()
    assert task.policy == Policy(retry_count=3, retry_delay=1, timeout=None, poll_interval=10)


def test_merging_a_resource_with_its_own_dependent() -> None:
    diagnostic = problem(graphs.request("a1 > a2", a="pre, post", aggregate={"a": together(Phase.PRE)}))
    assert diagnostic.code == "EMB501"
    assert diagnostic.message == (
        "these protect activities cannot be one task, because one must come before the other: a#a1 and a#a2"
    )
    assert "aggregate()" in diagnostic.hint


def test_merging_around_a_resource_that_stays_alone() -> None:
    """a1.pre comes before b1.pre, and that before a2.pre: the way round is told."""
    diagnostic = problem(graphs.request("a1 > b1, b1 > a2", a="pre", b="pre", aggregate={"a": together(Phase.PRE)}))
    assert "a#a1 and a#a2" in diagnostic.message
    assert "pre of b#b1" in diagnostic.hint


def test_two_merged_tasks_that_wait_for_each_other() -> None:
    """Each merge would do alone: a1 before b1, but b2 before a2."""
    request = graphs.request(
        "a1 > b1, b2 > a2", a="pre", b="pre", aggregate={"a": together(Phase.PRE), "b": together(Phase.PRE)}
    )
    diagnostic = problem(request)
    assert "a#a1 and a#a2" in diagnostic.message
    assert "b#b" in diagnostic.message


def test_merging_across_a_no_op() -> None:
    """Nobody implements the pre between them; it orders them all the same."""
    diagnostic = problem(graphs.request("a1 > b1, b1 > a2", a="pre", b="", aggregate={"a": together(Phase.PRE)}))
    assert "a#a1 and a#a2" in diagnostic.message


def test_the_message_names_those_in_each_others_way_and_not_the_thousands_merged_with_them() -> None:
    names = [f"a{number}" for number in range(2000)]
    graph = ", ".join([*names[:-1], "a77 > a1999"])
    diagnostic = problem(graphs.request(graph, a="pre", aggregate={"a": together(Phase.PRE)}))
    assert "a#a77 and a#a1999" in diagnostic.message
    assert len(diagnostic.message) < 300


def test_a_plugin_whose_aggregate_fails_is_named() -> None:
    def fail(phase: Phase, resource: Resource, parents: Sequence[Resource]) -> str:
        raise LookupError("no such group")

    diagnostic = problem(graphs.request("a1", a="pre", aggregate={"a": fail}))
    assert diagnostic.code == "EMB503"
    assert "a-plugin" in diagnostic.message
    assert "a#a1" in diagnostic.message
    assert "no such group" in diagnostic.message


def test_a_merged_activity_is_one_task_even_when_nothing_else_is() -> None:
    """The kinds of what remains when half of the phases are merged."""
    request = graphs.request("a1 > b1 b2 b3, a2 > b1 b2 b3", a=ALL, b=ALL, aggregate={"b": together(Phase.READY)})
    found = tasks(request)
    assert sum(task.kind is Kind.ACTIVITY for task in found.values()) == 5 * 4 - 2
