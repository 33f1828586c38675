"""The filesystem bank passes the kit that is offered to the authors of banks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from embank.conformance.bank.kit import BankConformance, MakeBank
from embank_plugins.banks.filesystem.bank import FilesystemBank


class TestFilesystemBank(BankConformance):
    @pytest.fixture
    def make_bank(self, tmp_path: Path) -> MakeBank:
        conf = SimpleNamespace(filesystem_bank=SimpleNamespace(path=str(tmp_path / "bank")))
        return lambda: FilesystemBank(conf)
