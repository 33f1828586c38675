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
    """Every phase is killed at the steps `KILLED`: where it has begun something, and is not at its end."""

    KILLED: ClassVar[tuple[int, ...]]

    @pytest.fixture
    def steps(self) -> Iterator[int]:
        return iter(self.KILLED)


class Killed(_OnlyItsOwnId, RestartConformance):
    """Every phase is killed at all of these steps, until it has no more."""

    STEPS: ClassVar[Iterable[int]] = range(1, 1000)

    @pytest.fixture
    def steps(self) -> Iterator[int]:
        return iter(self.STEPS)
