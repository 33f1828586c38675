"""A real Mistral for the tests here; all of them are marked `service`."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# tests/services is no package: what it has is loaded by path.
_services = runpy.run_path(str(Path(__file__).parents[1] / "services" / "mistral_service.py"))
Mistral = _services["Server"]
LINES = 40  # of its log, in the report of a test that failed


@pytest.fixture(scope="session")
def mistral() -> Iterator[Any]:
    """The server, started once: `.url`, `.log`, `.providers`, `.stop()`, `.restart()`, `.request()`."""
    with _services["start_mistral"]() as server:
        yield server


@pytest.fixture(scope="session")
def oracle() -> Iterator[Any]:
    """Mistral's parser, without a server: `oracle.ask(text)`."""
    with _services["start_oracle"]() as parser:
        yield parser


@pytest.fixture
def providers(mistral: Any) -> Iterator[Path]:
    """The directory that executors read provider files from; empty before and after a test."""
    yield mistral.providers
    for file in mistral.providers.iterdir():
        file.unlink()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    server = getattr(item, "funcargs", {}).get("mistral")
    if report.failed and server is not None and server.log.exists():
        report.sections.append(("the last lines of Mistral's log", server.last_lines(LINES)))
    return report
