"""Banks on a Swift of the tests' own: through Swift's own door, and through S3's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from kit.http_proxy import Answer, Cut, Proxy, Trouble
from kit.swift import Swift, start_swift
from kit.swift_banks import OpenS3, OpenSwift, s3_bank, swift_bank

NONE: Mapping[str, str] = {}


@pytest.fixture(scope="session")
def swift() -> Iterator[Swift]:
    """A Swift that nobody stops."""
    with start_swift() as running:
        yield running


@pytest.fixture
def own_swift() -> Iterator[Swift]:
    """One that a test may stop and start."""
    with start_swift() as running:
        yield running


@pytest.fixture
def proxy(swift: Swift) -> Iterator[Proxy]:
    """In front of `swift`."""
    with Proxy(swift.url) as running:
        yield running


@pytest.fixture(scope="session")
def trouble() -> Callable[..., Trouble]:
    """`trouble(method, part of the path, what, times=1, headers={})`, for `proxy.troubles`.

    cut: the connection is closed at once. swallow: it is closed when the service has answered. half: in the middle of
    the answer's body. A number: that is the answer, and the service hears nothing of it.
    """
    whats = {"cut": Cut(-1, asked=False), "swallow": Cut(-1), "half": Cut(0.5)}

    def trouble(
        method: str, part: str, what: str | int, times: int = 1, headers: Mapping[str, str] = NONE
    ) -> Trouble:
        told = whats[what] if isinstance(what, str) else Answer(what, headers, b"")
        return Trouble(method, part, told, times)

    return trouble


@pytest.fixture
def open_swift(swift: Swift) -> OpenSwift:
    """`open_swift()`: a handle on a container of the test's own."""
    return swift_bank(auth_url=swift.auth_url, user=swift.user, key=swift.key)


@pytest.fixture
def open_s3(swift: Swift) -> OpenS3:
    """`open_s3()`: a handle on a bucket of the test's own."""
    return s3_bank(endpoint=swift.url, access_key=swift.user, secret_key=swift.key)
