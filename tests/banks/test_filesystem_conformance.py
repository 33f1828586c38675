"""The filesystem bank passes the kit that is offered to the authors of banks."""

from __future__ import annotations

from pathlib import Path

import pytest

from embank.conformance.bank.kit import BankConformance, MakeBank
from kit.banks import open_bank


class TestFilesystemBank(BankConformance):
    @pytest.fixture
    def make_bank(self, tmp_path: Path) -> MakeBank:
        return lambda: open_bank(tmp_path / "bank")
