"""The S3 bank: the kit for banks, on Swift's s3api."""

from __future__ import annotations

import runpy
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from embank.conformance.bank import BankConformance, MakeBank
from embank_plugins.banks.s3 import S3Bank

pytestmark = pytest.mark.openstack
SERVICES = Path(__file__).parents[1] / "services"
OpenBank = Callable[..., S3Bank]
MIB = 1 << 20


@pytest.fixture(scope="module")
def swift() -> Iterator[Any]:
    with runpy.run_path(str(SERVICES / "swift_alone.py"))["start_swift"]() as running:
        yield running


@pytest.fixture
def open_bank(swift: Any) -> OpenBank:
    """`open_bank()`: a handle on an, at first empty, bank. Its arguments are options and what S3Bank takes."""
    bucket = f"bank-{uuid.uuid4().hex[:8]}"

    def make(in_all: float = 60, stale: float = 180, **options: object) -> S3Bank:
        conf = cfg.ConfigOpts()
        for name, group in S3Bank.options().items():
            conf.register_opts(group, group=name)
        conf([], default_config_files=[], default_config_dirs=[])
        client = {"endpoint": swift.url, "access_key": swift.user, "secret_key": swift.key}
        plugin = {"object_bucket": bucket, "segment_size": 16}
        for name, value in {**client, **plugin, **options}.items():
            conf.set_override(f"bank_s3_{name}", value, group="s3_bank_plugin" if name in plugin else "s3_client")
        return S3Bank(conf, in_all=in_all, stale=stale)

    return make


class TestS3Bank(BankConformance):
    @pytest.fixture
    def make_bank(self, open_bank: OpenBank) -> MakeBank:
        return open_bank
