"""Installing plugins from their source, and reading what the registry says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from oslo_config import cfg

from embank.diagnostics import Diagnostic, Place

Install = Callable[..., Path]
Put = Callable[[str], str]
Say = Callable[[tuple[Diagnostic, ...]], list[tuple[str, str, str]]]


@pytest.fixture(scope="session")
def head() -> str:
    """What the source of every plugin begins with."""
    return "from embank.plugins import *\nfrom embank.model import Phase\n"


@pytest.fixture(scope="session")
def place() -> Place:
    """Where a provider file names the plugin."""
    return Place("some.conf", 7)


@pytest.fixture(scope="session")
def conf() -> cfg.ConfigOpts:
    """No configuration."""
    values = cfg.ConfigOpts()
    values(args=[], default_config_files=[])
    return values


@pytest.fixture
def plugin(install: Install, head: str) -> Put:
    """`plugin("class P(ProtectionPlugin): …")` installs it, and returns its path."""

    def put(source: str) -> str:
        install(
            "acme", {"karbor.protections": {"acme-thing-protection-plugin": "acme_thing:P"}}, acme_thing=head + source
        )
        return "karbor.protections.acme-thing-protection-plugin"

    return put


@pytest.fixture(scope="session")
def said(place: Place) -> Say:
    """Diagnostics, which all point at the provider file, as (code, message, hint)."""

    def say(diagnostics: tuple[Diagnostic, ...]) -> list[tuple[str, str, str]]:
        assert all(diagnostic.place == place for diagnostic in diagnostics)
        return [(each.code, each.message, each.hint) for each in diagnostics]

    return say
