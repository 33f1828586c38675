"""Handles on banks in an object store: `swift_bank(…)` and `s3_bank(…)` give what makes them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from oslo_config import cfg

from embank_plugins.banks.s3.bank import S3Bank
from embank_plugins.banks.swift.bank import SwiftBank

OpenSwift = Callable[..., SwiftBank]
OpenS3 = Callable[..., S3Bank]


def swift_bank(**client: object) -> OpenSwift:
    """`swift_bank(auth_url=…)(segment_size=1)`: a handle on an, at first missing, container. Takes options, and what
    SwiftBank takes.
    """
    bank = {"object_container": f"bank-{uuid.uuid4().hex[:8]}", "segment_size": 16}
    return _opener(SwiftBank, "bank_swift_", {"swift_client": client, "swift_bank_plugin": bank})


def s3_bank(**client: object) -> OpenS3:
    """`s3_bank(endpoint=…)()`: a handle on an, at first missing, bucket. Takes options, and what S3Bank takes."""
    bank = {"object_bucket": f"bank-{uuid.uuid4().hex[:8]}", "segment_size": 16}
    return _opener(S3Bank, "bank_s3_", {"s3_client": client, "s3_bank_plugin": bank})


def _opener(kind: Any, prefix: str, settings: Mapping[str, Mapping[str, object]]) -> Callable[..., Any]:
    def make(in_all: float = 60, stale: float = 180, **options: object) -> Any:
        conf = cfg.ConfigOpts()
        for section, group in kind.options().items():
            conf.register_opts(group, group=section)
            for option in group:
                name = option.name.removeprefix(prefix)
                given = {**settings[section], **options}
                if name in given:
                    conf.set_override(option.name, given[name], group=section)
        conf([], default_config_files=[], default_config_dirs=[])
        return kind(conf, in_all=in_all, stale=stale)

    return make
