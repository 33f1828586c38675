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
from pathlib import Path

import pytest

from embank.checkpoint.errors import Incomplete
from embank.checkpoint.status import Status
from embank.conformance.driver import Driver, Subject, filesystem_bank
from embank.conformance.restarts import RestartConformance
from embank.model import Operation
from embank.plugins import Bank
from embank.plugins.checks import check_class, check_schemas

RESOURCE_IDS = (
    "plain",
    "../../etc/passwd",
    "-rf $(touch pwned); `id` | 'quo\"ted' \\ <% $.x %> {{ 7*7 }}",
    "ünï\u202e😀\x7f\x1b[31m%2F%00",
)
LONGEST_DESCRIPTION = 120  # characters

__all__ = ["RESOURCE_IDS", "ProtectionPluginConformance", "Subject"]


class ProtectionPluginConformance(RestartConformance):
    """What Embank, and those who review its workflows, rely on."""

    @pytest.fixture(params=RESOURCE_IDS)
    def resource_id(self, request: pytest.FixtureRequest) -> str:
        """The id of the resource."""
        return str(request.param)

    @pytest.fixture
    def subject(self, resource_id: str) -> Subject:
        """Override: something to protect, with this id."""
        raise NotImplementedError("a test class that inherits ProtectionPluginConformance has a fixture subject")

    @pytest.fixture
    def bank(self, tmp_path_factory: pytest.TempPathFactory) -> Bank:
        """Where the checkpoints go: the filesystem bank, unless overridden."""
        return filesystem_bank(Path(tmp_path_factory.mktemp("bank")) / "bank")

    @pytest.fixture
    def driver(self, subject: Subject, bank: Bank) -> Driver:
        """Runs the plugin's activities."""
        return Driver(subject, bank)

    def test_the_class_is_sound(self, driver: Driver) -> None:
        """No misspelt activity, no closer that cannot be reached, a resource type."""
        plugin = type(driver.subject.plugin)
        assert [problem.message for problem in check_class(plugin, plugin.__name__, None)] == []
        assert driver.subject.resource.type in plugin.resource_types

    def test_it_protects_restores_and_deletes(self, driver: Driver) -> None:
        """docs/reference.md names three operations that any plugin implements."""
        for operation in (Operation.PROTECT, Operation.RESTORE, Operation.DELETE):
            assert driver.implemented[operation], f"no activity of {operation} is implemented"

    def test_activities_describe_themselves(self, driver: Driver) -> None:
        """In one sentence, which people read in the workflow file."""
        for operation, phases in driver.implemented.items():
            for phase in phases:
                activity = getattr(type(driver.subject.plugin), f"activity_{operation}_{phase}")
                first = (activity.__doc__ or "").strip().partition("\n")[0].strip()
                assert first, f"activity_{operation}_{phase} has no docstring"
                assert first.endswith("."), f"{first!r} is no sentence"
                assert len(first) <= LONGEST_DESCRIPTION, f"{first!r} is too long for a description"

    def test_schemas_are_valid(self, driver: Driver) -> None:
        """JSON Schema, draft 2020-12, for every operation and for what is saved."""
        plugin, kind = driver.subject.plugin, driver.subject.resource.type
        schemas = {str(operation): plugin.parameters_schema(operation, kind) for operation in Operation}
        schemas["saved information"] = plugin.saved_schema(kind)
        assert [problem.message for problem in check_schemas(schemas, type(plugin).__name__, None)] == []

    @pytest.mark.parametrize("operation", list(Operation))
    def test_unknown_parameters_are_refused(self, driver: Driver, operation: Operation) -> None:
        """A misspelt parameter would be a silent no-op; the parameters of the subject are fine."""
        import jsonschema

        schema = driver.subject.plugin.parameters_schema(operation, driver.subject.resource.type)
        validator = jsonschema.Draft202012Validator(schema)
        parameters = dict(driver.subject.parameters.get(operation, {}))
        assert [error.message for error in validator.iter_errors(parameters)] == []
        assert not validator.is_valid({**parameters, "no such parameter": 1})

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
