"""What all tests of the kit for protection plugins are given: a subject, a bank, and what drives the plugin."""

from __future__ import annotations

from pathlib import Path

import pytest

from embank.conformance.driver import Driver, Subject, filesystem_bank
from embank.plugins import Bank

RESOURCE_IDS = (
    "plain",
    "../../etc/passwd",
    "-rf $(touch pwned); `id` | 'quo\"ted' \\ <% $.x %> {{ 7*7 }}",
    "ünï\u202e😀\x7f\x1b[31m%2F%00",
)


class Given:
    """The fixtures, to be overridden."""

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
