"""The cleanup workflow: a copy of every closer, those of dependents first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embank.model import Kind, Phase, Policy, Request, Workflow
from embank.passes import compile_workflow
from kit import graphs, order


def compiled(request: Request) -> Workflow:
    checked = compile_workflow(request)
    assert checked.diagnostics == ()
    assert checked.value is not None
    return checked.value


def test_a_closer_stays_an_activity_and_gets_a_copy() -> None:
    workflow = compiled(graphs.request("server1 > volume1", server="pre, ready closes pre", volume="ready"))
    closing = [task for task in workflow.bodies[0].tasks if task.closes]
    assert [(task.kind, task.phase, task.closes) for task in closing] == [(Kind.ACTIVITY, Phase.READY, Phase.PRE)]
    (cleanup,) = workflow.cleanup
    assert [(task.kind, task.phase, task.closes) for task in cleanup.tasks] == [(Kind.CLOSER, Phase.READY, Phase.PRE)]
    assert cleanup.tasks[0].resources == closing[0].resources
    assert cleanup.tasks[0].name == closing[0].name == "server_server1_ready"


def test_no_closers_no_cleanup() -> None:
    assert compiled(graphs.request("server1", server="pre, post")).cleanup == ()


def test_dependents_are_closed_before_their_parents_through_those_without_closers() -> None:
    request = graphs.request("server1 > rack1, rack1 > server2 server3", server="pre, post closes pre", rack="")
    assert order.steps(order.observed(compiled(request).cleanup)) == (
        "server1.post\nserver2.post > server1.post\nserver3.post > server1.post"
    )


def test_two_closers_of_one_resource_in_the_order_of_their_phases() -> None:
    request = graphs.request("server1 > server2", server="pre, ready closes pre, parallel, post closes parallel")
    assert order.steps(order.observed(compiled(request).cleanup)) == (
        "server1.post\nserver1.ready > server1.post\nserver2.post > server1.ready\nserver2.ready > server2.post"
    )


@given(data=st.data())
def test_cleanup_order_of_random_graphs(data: st.DataObject) -> None:
    """Exactly the post order of closers, as the rules say it; one copy of each."""
    request = data.draw(graphs.requests(closers=True, max_tasks=10**9))
    cleanup = compiled(request).cleanup
    assert (
        order.observed(cleanup) == order.expected_cleanup(request) if cleanup else not order.expected_cleanup(request)
    )
    assert all(task.kind in (Kind.CLOSER, Kind.JOIN) for body in cleanup for task in body.tasks)


@pytest.mark.parametrize(
    ("given_policy", "expected"),
    [
        (None, Policy(retry_count=3, retry_delay=1, timeout=300)),
        (Policy(retry_count=10, retry_delay=30, timeout=60), Policy(retry_count=10, retry_delay=30, timeout=60)),
        (Policy(retry_count=1, retry_delay=0), Policy(retry_count=3, retry_delay=1, timeout=300)),
        (Policy(retry_count=1, retry_delay=5), Policy(retry_count=3, retry_delay=5, timeout=300)),
    ],
)
def test_a_closer_is_tried_again_and_never_hangs(given_policy: Policy | None, expected: Policy) -> None:
    """Nobody else will thaw the guest: at least three more times, more if the policy says so. Those of the
    resources above wait for it: it has a timeout, whatever the policy says.
    """
    request = graphs.request("server1", server="pre, ready closes pre")
    if given_policy:
        request = replace(request, policies={"server": given_policy})
    workflow = compiled(request)
    assert [task.policy for task in workflow.cleanup[0].tasks] == [expected]
    assert {task.policy for task in workflow.bodies[0].tasks} == {given_policy or Policy()}


def test_an_aggregated_closer_is_one_task_in_cleanup_too() -> None:
    pair = ("server1", "server2")
    request = graphs.request(
        "server1, server2, server3 > server4", server="pre, parallel closes pre",
        aggregate={"server": lambda phase, each, _: "one" if phase == "parallel" and each.id in pair else None},
    )  # fmt: skip
    workflow = compiled(request)
    assert order.steps(order.observed(workflow.cleanup)) == (
        "server1+server2.parallel\nserver3.parallel\nserver4.parallel > server3.parallel"
    )
    (merged,) = (task for task in workflow.cleanup[0].tasks if task.aggregated)
    assert len(merged.parameters) == 2


@pytest.mark.parametrize(("timeout", "expected"), [(None, 300), (60, 300), (900, 900)])
def test_an_aggregated_closer_has_the_time_that_the_slowest_needs(timeout: int | None, expected: int) -> None:
    """Of two types with one plugin, one has no timeout in the plan."""
    request = graphs.request(
        "server1, rack1", server="pre, parallel closes pre", rack="pre, parallel closes pre",
        aggregate=dict.fromkeys(("server", "rack"), lambda phase, each, _: "one" if phase == "parallel" else None),
    )  # fmt: skip
    types = {name: replace(spec, plugin="both") for name, spec in request.types.items()}
    workflow = compiled(replace(request, types=types, policies={"server": Policy(timeout=timeout)}))
    (closer,) = workflow.cleanup[0].tasks
    assert (len(closer.resources), closer.policy.timeout) == (2, expected)


def test_closers_that_cannot_be_one_task() -> None:
    """Parallel activities of a server and its dependent have no order; their copies in cleanup do."""
    request = graphs.request(
        "server1 > server2", server="pre, parallel closes pre",
        aggregate={"server": lambda phase, each, _: "one" if phase == "parallel" else None},
    )  # fmt: skip
    checked = compile_workflow(request)
    assert checked.value is None
    (diagnostic,) = checked.diagnostics
    assert diagnostic.code == "EMB501"
    assert "server#server2 and server#server1" in diagnostic.message
    assert "closers" in diagnostic.message


def test_a_closer_of_nothing() -> None:
    checked = compile_workflow(graphs.request("server1", server="ready closes pre"))
    assert checked.value is None
    (diagnostic,) = checked.diagnostics
    assert (diagnostic.code, diagnostic.message, diagnostic.hint) == (
        "EMB502",
        "server-plugin: activity_protect_ready of server closes 'pre', which nothing implements",
        "implement activity_protect_pre, or remove the mark",
    )


@pytest.mark.parametrize(
    ("phase", "closed"), [("pre", "pre"), ("pre", "ready"), ("ready", "parallel"), ("pre", "post")]
)
def test_a_closer_that_comes_too_early(phase: str, closed: str) -> None:
    activities = f"{phase} closes {closed}" + (f", {closed}" if closed != phase else "")
    checked = compile_workflow(graphs.request("server1", server=activities))
    assert checked.value is None
    (diagnostic,) = checked.diagnostics
    assert diagnostic.code == "EMB502"
    assert (
        f"activity_protect_{phase} of server closes '{closed}', which does not come before it" in diagnostic.message
    )
    assert "pre, ready, parallel, post" in diagnostic.hint


def test_every_unreachable_closer_is_told_at_once() -> None:
    checked = compile_workflow(graphs.request("a1, b1, c1", a="ready closes pre", b="post closes pre", c="pre"))
    assert [diagnostic.code for diagnostic in checked.diagnostics] == ["EMB502", "EMB502"]
