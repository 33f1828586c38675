"""The Swift bank: the kit for banks, on a Swift of the tests' own."""

from __future__ import annotations

import runpy
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from embank.conformance.bank import BankConformance, MakeBank
from embank_plugins.banks.swift import SwiftBank

pytestmark = pytest.mark.openstack
SERVICES = Path(__file__).parents[1] / "services"
OpenBank = Callable[..., SwiftBank]
MIB = 1 << 20


@pytest.fixture(scope="module")
def swift() -> Iterator[Any]:
    with runpy.run_path(str(SERVICES / "swift_alone.py"))["start_swift"]() as running:
        yield running


@pytest.fixture
def open_bank(swift: Any) -> OpenBank:
    """`open_bank()`: a handle on an, at first empty, bank. Its arguments are options and what SwiftBank takes."""
    container = f"bank-{uuid.uuid4().hex[:8]}"

    def make(in_all: float = 60, stale: float = 180, **options: object) -> SwiftBank:
        conf = cfg.ConfigOpts()
        for name, group in SwiftBank.options().items():
            conf.register_opts(group, group=name)
        client = {"auth_url": swift.auth_url, "user": swift.user, "key": swift.key}
        plugin = {"object_container": container, "segment_size": 16}
        for name, value in {**client, **plugin, **options}.items():
            conf.set_override(
                f"bank_swift_{name}", value, group="swift_bank_plugin" if name in plugin else "swift_client"
            )
        conf([], default_config_files=[], default_config_dirs=[])
        return SwiftBank(conf, in_all=in_all, stale=stale)

    return make


class TestSwiftBank(BankConformance):
    @pytest.fixture
    def make_bank(self, open_bank: OpenBank) -> MakeBank:
        return open_bank


class TestSwiftBankInSegments(BankConformance):
    """Nearly everything is larger than a segment."""

    @pytest.fixture
    def make_bank(self, open_bank: OpenBank) -> MakeBank:
        return lambda: open_bank(segment_size=1)
