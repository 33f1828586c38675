"""What is said of Mistral's address: nothing of it that is secret."""

from __future__ import annotations

import pytest

from embank.mistral.api.transport import shown_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8989/v2", "http://127.0.0.1:8989/v2"),
        ("http://user:SECRET@127.0.0.1:1/v2", "http://127.0.0.1:1/v2"),
        ("https://mistral.example/v2?token=SECRET#SECRET", "https://mistral.example/v2"),
        ("http://a@b:SECRET@[::1]:1/v2", "http://[::1]:1/v2"),
        ("http://[::1", "an address that cannot be read"),
    ],
)
def test_an_address_is_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    assert shown_url(url) == shown
