"""A test kit for protection plugins: inherit it under pytest, and provide one fixture.

    class TestVolumePlugin(ProtectionPluginConformance):
        @pytest.fixture
        def subject(self, resource_id, tmp_path):
            volume = make_volume(tmp_path, resource_id)
            return Subject(
                plugin=VolumePlugin(conf_for(volume)),
                resource=Resource("Example::Volume", resource_id, "A volume"),
                destroy=volume.delete,
                compare=volume.assert_unchanged,
                parameters={Operation.RESTORE: {"existing": "replace"}},
            )

Every test runs for every id in `RESOURCE_IDS`: ids come from tenants, and a plugin must take any of them. Override
the fixture `resource_id` when they are something else in your case. docs/plugins.md has a complete example.
"""

from __future__ import annotations

from contextlib import suppress

import pytest

from embank.checkpoint.errors import Incomplete
from embank.checkpoint.records.status import Status
from embank.conformance.described import DescriptionConformance
from embank.conformance.driver import Driver, Subject
from embank.conformance.given import RESOURCE_IDS, Given
from embank.conformance.restarts import RestartConformance
from embank.model import Operation

__all__ = ["RESOURCE_IDS", "BehaviourConformance", "ProtectionPluginConformance", "Subject"]


class BehaviourConformance(Given, RestartConformance):
    """What it does to a subject, and what it leaves behind."""

    def test_round_trip(self, driver: Driver) -> None:
        """Protect, verify, lose, restore, compare, delete."""
        driver.round_trip()

    def test_every_activity_may_run_twice(self, driver: Driver) -> None:
        """An activity runs at least once, on any worker: the second time does no harm."""
        driver.round_trip(times=2)

    def test_a_checkpoint_is_verified_without_the_original(self, driver: Driver) -> None:
        """It is worth most when the original is lost."""
        checkpoint = driver.protect()
        driver.subject.destroy()
        driver.run(Operation.VERIFY, driver.again(checkpoint, "verify"))

    def test_restoring_twice_in_a_row(self, driver: Driver) -> None:
        """Two executions, one after the other, from the same checkpoint."""
        checkpoint = driver.protect()
        for execution in ("restore-1", "restore-2"):
            driver.subject.destroy()
            driver.run(Operation.RESTORE, driver.again(checkpoint, execution))
            driver.subject.compare()

    def test_saved_information_fits_its_schema(self, driver: Driver) -> None:
        """The checkpoint checks it when it is saved and when it is read."""
        checkpoint = driver.begin()
        driver.run(Operation.PROTECT, checkpoint)
        with suppress(Incomplete):  # a plugin may save nothing
            assert driver.subject.plugin.saved_schema(driver.subject.resource.type)
            checkpoint.section(driver.subject.resource).load()

    @pytest.mark.parametrize("operation", list(Operation))
    def test_closers_do_no_harm_when_nothing_was_opened(self, driver: Driver, operation: Operation) -> None:
        """Nor when they run twice."""
        checkpoint = driver.begin() if operation is Operation.PROTECT else driver.protect()
        if operation is Operation.DELETE:
            checkpoint.move(Status.DELETING)
        for _ in range(2):
            driver.close(operation, driver.again(checkpoint, "closers"))
        driver.subject.compare()

    def test_a_cancelled_protection_leaves_the_original_alone(self, driver: Driver) -> None:
        """Whether the activities stop early or not; the closers run afterwards."""
        checkpoint = driver.begin()
        with suppress(Exception):
            driver.run(Operation.PROTECT, checkpoint, cancelled=True)
        driver.close(Operation.PROTECT, checkpoint)
        driver.subject.compare()

    def test_damage_is_noticed(self, driver: Driver) -> None:
        """By verify; and a restore fails rather than replace a good original by a damaged copy."""
        checkpoint = driver.protect()
        if not driver.damage(checkpoint):
            return
        for operation in (Operation.VERIFY, Operation.RESTORE):
            mine = driver.again(checkpoint, str(operation))
            if driver.implemented[operation]:
                with pytest.raises(Exception, match=r"\S"):
                    driver.run(operation, mine)
                driver.close(operation, mine)
        driver.subject.compare()


class ProtectionPluginConformance(DescriptionConformance, BehaviourConformance):
    """What Embank, and those who review its workflows, rely on."""
