"""Activities that come too late, and those that only look as if they had done something."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from embank.actions.activity import RunningActivity
from embank.actions.banks import Banks
from embank.document import Activity
from embank.model import Phase, Resource
from embank.reasons import ActionFailed
from embank.task_input import parse_run

APP = Resource("Test::App", "a", "shop")


def test_an_activity_that_timed_out_while_the_bank_was_slow_does_not_call_the_plugin(
    site: Any, failure: Callable[[Callable[[], object]], ActionFailed]
) -> None:
    """Its closer has run already: what it freezes now nobody would thaw."""
    site.begin()
    site.cancelled = True
    assert str(failure(lambda: site.activity("pre"))) == "given up before it began"
    assert (site.plugin.did, site.is_open()) == ([], False)


def test_a_closer_is_called_however_late(site: Any) -> None:
    site.begin()
    site.activity("pre")
    site.cancelled = True
    site.cleanup()
    assert site.plugin.did == ["freeze", "thaw"]


@pytest.mark.parametrize("returned", ["coroutine", "async_generator", "map"])
def test_what_has_done_nothing_yet_is_no_success(site: Any, returned: str) -> None:
    """A plugin whose author wrote `async def`: nothing would be frozen, copied, or thawed, and all be well."""

    async def coroutine(*given: Any) -> None:
        site.plugin.did.append("done")

    async def async_generator(*given: Any) -> Any:
        yield

    answers: dict[str, Callable[..., Any]] = {
        "coroutine": coroutine,
        "async_generator": async_generator,
        "map": lambda *given: map(site.plugin.did.append, "abc"),
    }
    site.plugin.activity_protect_post = answers[returned]
    run = parse_run({"provider": "p-id", "plan": "p", "operation": "protect", "checkpoint": "c1", "execution": "e1"})
    does = Activity(Phase.POST, (APP,), ({},), aggregated=False, poll_interval=None)
    steps: Iterator[Any] = RunningActivity(Banks([site.provider]), run, does, site).call_plugin()
    with pytest.raises(TypeError, match=f"returned a {returned}, and has done nothing"):
        next(steps)
