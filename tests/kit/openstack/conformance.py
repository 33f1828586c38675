"""The kit for protection plugins as it is run on a cloud.

`OnCloud` is for every run of the tests; `Killed` is only what kills activities, for the nightly ones. What plugins
say of themselves needs no cloud (tests/plugins).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

import pytest

from embank.conformance.given import Given
from embank.conformance.plugin import BehaviourConformance
from embank.conformance.restarts import RestartConformance


class _OnlyItsOwnId(Given):
    @pytest.fixture(params=["its own"])
    def resource_id(self, request: pytest.FixtureRequest) -> str:
        """The service chooses it."""
        return str(request.param)


class OnCloud(_OnlyItsOwnId, BehaviourConformance):
    """Every phase is killed once: at the step `KILLED`, or `KILLED_RESTORING`, which takes the most of them."""

    KILLED: ClassVar[int]
    KILLED_RESTORING: ClassVar[int]

    @pytest.fixture
    def steps(self, request: pytest.FixtureRequest) -> Iterator[int]:
        restores = request.function.__name__ == self.test_a_killed_restore_is_made_good_by_the_next.__name__
        return iter((self.KILLED_RESTORING if restores else self.KILLED,))


class Killed(_OnlyItsOwnId, RestartConformance):
    """Every phase is killed at all of these steps, until it has no more."""

    STEPS: ClassVar[Iterable[int]] = range(1, 1000)

    @pytest.fixture
    def steps(self) -> Iterator[int]:
        return iter(self.STEPS)
