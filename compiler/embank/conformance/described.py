"""The test kit for protection plugins, part three: what a plugin says of itself. Nothing is protected for that."""

from __future__ import annotations

import pytest

from embank.conformance.driver import Driver
from embank.conformance.given import Given
from embank.model import Operation
from embank.plugins.checks import check_class, check_schemas

LONGEST_DESCRIPTION = 120  # characters


class DescriptionConformance(Given):
    """What is written into workflow files, and what plans are checked with."""

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
