"""A provider file that is right, and what is found in directories of provider files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from embank.diagnostics import Diagnostic
from embank.inputs.provider.find import Provider, check_providers, find_provider, load_providers

Check = Callable[[Path], tuple[Diagnostic, ...]]
Find = Callable[[Path, str], Provider]


@pytest.fixture(scope="session")
def things() -> str:
    """The text of a provider file for the distribution "acme"."""
    return """\
[provider]
name = things
id = t-1
description = Things
bank = karbor.protections.acme-memory-bank-plugin
plugin = karbor.protections.acme-things-protection-plugin
"""


@pytest.fixture(scope="session")
def checked() -> Check:
    """`checked(directory)`: all that is wrong with its files."""

    def check(where: Path) -> tuple[Diagnostic, ...]:
        files = load_providers(str(where)).value
        assert files is not None
        return check_providers(files)

    return check


@pytest.fixture(scope="session")
def found() -> Find:
    """`found(directory, "name or id")`: the provider."""

    def find(where: Path, reference: str) -> Provider:
        files = load_providers(str(where)).value
        assert files
        provider = find_provider(files, reference)
        assert provider.ok
        assert provider.value
        return provider.value

    return find
