"""One activity and its closers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

from embank.checkpoint.records.status import Status
from embank.conductor.execution import Job
from embank.errors import ExitCode
from embank.model import Resource
from embank.plugins import Poll
from embank.reasons import ActionFailed

APP = Resource("Test::App", "a", "shop")
RESOURCE = {"type": APP.type, "id": APP.id, "name": APP.name}
Failure = Callable[[Callable[[], object]], ActionFailed]


def test_polls_are_made_whole(failure: Failure, site: Any) -> None:
    site.begin()
    assert site.activity("parallel", poll_interval=7) == [Poll(7.0), Poll(3.0, 0.5, "at None")]
    assert site.activity("parallel")[0] == Poll(1.0)
    error = failure(lambda: site.activity("parallel", parameters={"yields": 5}))
    assert str(error) == "TypeError: the activity yielded a int: it may yield nothing or a Poll"


def test_closing_the_steps_closes_the_generator(site: Any) -> None:
    site.begin()
    run = {"provider": "p-id", "plan": "shop", "operation": "protect", "checkpoint": "c1", "execution": "e1"}
    given = {"run": run, "activity": "parallel", "resource": RESOURCE}
    steps = site.actions.perform(Job("embank.activity", given), site)
    next(steps)
    site.cancelled = True
    steps.close()  # type: ignore[attr-defined]
    assert site.plugin.did == ["cancelled"]


def test_a_closer_runs_once_for_what_was_started(site: Any) -> None:
    site.begin()
    site.cleanup()
    assert site.plugin.did == []  # nothing was frozen
    site.activity("pre")
    assert site.is_open()
    site.cleanup()
    site.cleanup()
    assert site.plugin.did == ["freeze", "thaw"]
    site.activity("pre")
    site.activity("ready")
    assert not site.is_open()
    site.cleanup()
    assert site.plugin.did == ["freeze", "thaw", "freeze", "thaw"]


def test_a_closer_runs_when_what_it_closes_failed_half_way(failure: Failure, site: Any) -> None:
    site.begin()
    failure(lambda: site.activity("pre", parameters={"fail": "half frozen"}))
    site.cleanup()
    assert site.plugin.did == ["freeze", "thaw"]


def test_a_closer_runs_when_the_bank_has_vanished(failure: Failure, site: Any) -> None:
    site.begin()
    site.activity("pre")
    away = site.path.rename(site.path.with_name("away"))
    site.path.write_text("in the way")
    site.cleanup()
    assert site.plugin.did == ["freeze", "thaw"]
    assert "nobody can say whether this is open, so it is closed" in site.said[0]
    assert "closed, but the bank does not record it" in site.said[1]
    error = failure(lambda: site.do("complete", status="available"))
    assert error.code is ExitCode.FAILED
    site.path.unlink()
    away.rename(site.path)
    assert site.status is Status.PROTECTING  # and nothing says available


def test_nothing_is_frozen_when_the_bank_cannot_take_the_mark(failure: Failure, site: Any) -> None:
    site.begin()
    shutil.rmtree(site.path)
    site.path.write_text("in the way")
    failure(lambda: site.activity("pre"))
    assert site.plugin.did == []


def test_abandoning_what_never_began_makes_nothing(site: Any) -> None:
    site.do("complete", status="error")
    assert site.said == ["there is no checkpoint c1: nothing to change"]
    assert list(site.checkpoints.ids()) == []


def test_aggregated_activities_get_tuples(site: Any) -> None:
    site.begin()
    other = {"type": "Test::Other", "id": "o", "name": "O"}
    site.do("activity", activity="post", resources=[{**RESOURCE, "parameters": {"fail": "x"}}, other])
    assert site.plugin.did == [((APP, Resource("Test::Other", "o", "O")), ({"fail": "x"}, {}))]


def test_a_version_of_the_plugin_without_the_activity(failure: Failure, available: Any) -> None:
    how = {"execution": "e2", "operation": "restore"}
    available.do("begin", **how)
    error = failure(lambda: available.do("activity", activity="post", resource=RESOURCE, **how))
    assert "has no activity_restore_post" in str(error)
