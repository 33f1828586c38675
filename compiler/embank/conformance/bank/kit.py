"""The test kit for banks. It needs pytest; inherit it in a test module and say how to open the bank:

    class TestMyBank(BankConformance):
        @pytest.fixture
        def make_bank(self, tmp_path):
            return lambda: MyBank(conf_for(tmp_path))

Every call of `make_bank` opens the same, at first empty, bank again: as another process or host would. Some
tests do so in forked processes and kill them.
"""

from __future__ import annotations

import pytest

from embank.conformance.bank.keys import KeyConformance
from embank.conformance.bank.objects import MakeBank, ObjectConformance
from embank.conformance.bank.races import RaceConformance
from embank.plugins import Bank


class BankConformance(ObjectConformance, KeyConformance, RaceConformance):
    """What Embank relies on. A bank that passes can hold checkpoints."""

    @pytest.fixture
    def make_bank(self) -> MakeBank:
        """Override: a function that opens the same, at first empty, bank every time it is called."""
        raise NotImplementedError("a test class that inherits BankConformance has a fixture make_bank")

    @pytest.fixture
    def bank(self, make_bank: MakeBank) -> Bank:
        """One handle on the bank."""
        return make_bank()
