"""What the actions leave in the checkpoint, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from embank.actions.actions import Actions
from embank.actions.leases import LeaseKeeper
from embank.checkpoint.errors import CheckpointMissing
from embank.checkpoint.records.status import Status
from embank.conductor.execution import Job
from embank.errors import ExitCode
from embank.model import Resource
from embank.reasons import ActionFailed
from embank.resource_graph import canonical, to_chunks

APP = Resource("Test::App", "a", "shop")
RESOURCE = {"type": APP.type, "id": APP.id, "name": APP.name}
Failure = Callable[[Callable[[], object]], ActionFailed]


def test_protect_from_begin_to_available(site: Any) -> None:
    site.begin()
    assert site.status is Status.PROTECTING
    lease = site.checkpoints.open("c1").leases.current()
    assert lease is not None
    assert lease.owner == "e1"
    site.activity("parallel")
    site.do("complete", status="available")
    checkpoint = site.checkpoints.open("c1")
    assert (site.status, checkpoint.leases.current()) == (Status.AVAILABLE, None)
    assert checkpoint.graph().resources == (APP,)
    assert (checkpoint.facts.plan, checkpoint.facts.provider_name) == ("shop", "P")
    assert list(checkpoint.verify()) == []


def test_everything_may_be_done_twice(site: Any) -> None:
    for _ in range(2):
        site.begin()
    for phase in ("pre", "ready", "parallel", "parallel"):
        site.activity(phase)
        site.activity(phase)
    for _ in range(2):
        site.do("complete", status="available")
    site.do("complete", status="error")  # too late to change anything
    assert site.status is Status.AVAILABLE


def test_restore_records_how_it_went(available: Any) -> None:
    how = {"execution": "e2", "operation": "restore"}
    available.do("begin", **how)
    available.do("activity", activity="parallel", resource=RESOURCE, **how)
    available.do("complete", status="restored", **how)
    checkpoint = available.checkpoints.open("c1")
    assert [(each.execution, each.state) for each in checkpoint.operations()] == [("e2", "restored")]
    assert available.plugin.did[-1] == {"id": "new"}
    assert (available.status, checkpoint.leases.current()) == (Status.AVAILABLE, None)


def test_a_restore_that_failed(available: Any) -> None:
    how = {"execution": "e2", "operation": "restore"}
    available.do("begin", **how)
    available.do("complete", status="error", **how)
    checkpoint = available.checkpoints.open("c1")
    assert [(each.execution, each.state) for each in checkpoint.operations()] == [("e2", "error")]
    assert (available.status, checkpoint.leases.current()) == (Status.AVAILABLE, None)


def test_delete_leaves_nothing(available: Any) -> None:
    how = {"execution": "e2", "operation": "delete"}
    available.do("begin", **how)
    assert available.status is Status.DELETING
    available.do("activity", activity="parallel", resource=RESOURCE, **how)
    available.do("complete", status="deleted", **how)
    with pytest.raises(CheckpointMissing):
        available.checkpoints.open("c1")
    assert [path for path in available.path.rglob("*") if path.is_file()] == []
    assert available.said[-1].endswith("nothing is left")
    available.do("complete", status="deleted", **how)  # its answer was lost, say
    again = Actions([available.provider])  # its process was killed, and another one takes the execution up
    run = {"provider": "p-id", "plan": "shop", "checkpoint": "c1", **how}
    assert list(again.perform(Job("embank.complete", {"run": run, "status": "deleted"}), available)) == []


def test_a_held_lease_refuses_with_its_exit_code(failure: Failure, available: Any) -> None:
    available.do("begin", execution="e2", operation="restore")
    error = failure(lambda: available.do("begin", execution="e3", operation="delete"))
    assert error.code is ExitCode.LOCKED
    assert "in use by execution 'e2'" in str(error)
    # abandoning what never began changes nothing for the one that holds it
    available.do("complete", execution="e3", operation="delete", status="error")
    lease = available.checkpoints.open("c1").leases.current()
    assert lease is not None
    assert lease.owner == "e2"
    assert available.status is Status.AVAILABLE


def test_only_an_available_checkpoint_is_restored(failure: Failure, site: Any) -> None:
    site.begin()
    site.do("complete", status="error")
    error = failure(lambda: site.do("begin", execution="e2", operation="restore"))
    assert str(error) == "the checkpoint c1 is error (the execution failed): there is nothing to restore"
    assert site.checkpoints.open("c1").leases.current() is None


def test_the_checkpoint_of_another_execution_is_not_touched(failure: Failure, site: Any) -> None:
    site.begin()
    failure(lambda: site.begin(execution="e2"))
    site.do("complete", execution="e2", status="error")
    assert site.status is Status.PROTECTING


def test_an_incomplete_checkpoint_does_not_become_available(failure: Failure, site: Any) -> None:
    (chunk,) = to_chunks(canonical([APP], []), 10_000)
    site.do("begin", graph=chunk, chunk=1, chunks=2)
    failure(lambda: site.do("complete", status="available"))
    assert site.status is Status.PROTECTING


def test_a_lease_is_renewed_while_it_is_held_and_only_then(site: Any) -> None:
    site.begin()
    checkpoint = site.checkpoints.open("c1")
    keeper = LeaseKeeper(timedelta(seconds=0.6))
    before = checkpoint.leases.records.last()
    with keeper.holding(checkpoint):
        for _ in range(2000):
            if checkpoint.leases.records.last() >= before + 3:
                break
            keeper._wake.wait(0.01)
        else:
            raise AssertionError("the lease was not renewed")
        keeper.forget(checkpoint)
        after = checkpoint.leases.records.last()
        keeper._wake.wait(0.5)
        assert checkpoint.leases.records.last() == after
    keeper.close()
