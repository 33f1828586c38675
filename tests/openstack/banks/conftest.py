"""Banks on a Swift of the tests' own: through Swift's own door, and through S3's."""

from __future__ import annotations

import runpy
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from embank_plugins.banks.s3.bank import S3Bank
from embank_plugins.banks.swift.bank import SwiftBank

SERVICES = Path(__file__).parents[2] / "services"
start_swift = runpy.run_path(str(SERVICES / "swift_alone.py"))["start_swift"]
_proxies = runpy.run_path(str(SERVICES / "http_proxy.py"))

NONE: Mapping[str, str] = {}
OpenSwift = Callable[..., SwiftBank]
OpenS3 = Callable[..., S3Bank]


@pytest.fixture(scope="session")
def swift() -> Iterator[Any]:
    """A Swift that nobody stops."""
    with start_swift() as running:
        yield running


@pytest.fixture
def own_swift() -> Iterator[Any]:
    """One that a test may stop and start."""
    with start_swift() as running:
        yield running


@pytest.fixture
def proxy(swift: Any) -> Iterator[Any]:
    """In front of `swift`: `.url`, `.troubles`, `.count`."""
    with _proxies["Proxy"](swift.url) as running:
        yield running


@pytest.fixture(scope="session")
def trouble() -> Callable[..., Any]:
    """`trouble(method, part of the path, what, times=1, headers={})`, for `proxy.troubles`.

    cut: the connection is closed at once. swallow: it is closed when the service has answered. half: in the middle of
    the answer's body. A number: that is the answer, and the service hears nothing of it.
    """
    cut = _proxies["Cut"]
    whats = {"cut": cut(-1, asked=False), "swallow": cut(-1), "half": cut(0.5)}

    def trouble(method: str, part: str, what: str | int, times: int = 1, headers: Mapping[str, str] = NONE) -> Any:
        told = whats[what] if isinstance(what, str) else _proxies["Answer"](what, headers, b"")
        return _proxies["Trouble"](method, part, told, times)

    return trouble


@pytest.fixture
def open_swift(swift: Any) -> OpenSwift:
    """`open_swift()`: a handle on an, at first missing, container. Takes options, and what SwiftBank takes."""
    settings = {
        "swift_client": {"auth_url": swift.auth_url, "user": swift.user, "key": swift.key},
        "swift_bank_plugin": {"object_container": f"bank-{uuid.uuid4().hex[:8]}", "segment_size": 16},
    }
    return _opener(SwiftBank, "bank_swift_", settings)


@pytest.fixture
def open_s3(swift: Any) -> OpenS3:
    """`open_s3()`: a handle on an, at first missing, bucket. Takes options, and what S3Bank takes."""
    settings = {
        "s3_client": {"endpoint": swift.url, "access_key": swift.user, "secret_key": swift.key},
        "s3_bank_plugin": {"object_bucket": f"bank-{uuid.uuid4().hex[:8]}", "segment_size": 16},
    }
    return _opener(S3Bank, "bank_s3_", settings)


def _opener(kind: Any, prefix: str, settings: dict[str, dict[str, object]]) -> Callable[..., Any]:
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
