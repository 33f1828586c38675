"""Fixtures that several parts use."""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

import embank
from kit import sequence, times
from kit.examples import register

register()  # Hypothesis's profiles

RELEASE = "0.1.0"  # what golden files and examples say they were compiled with

Install = Callable[..., Path]
Golden = Callable[[str | Path, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Those that the Makefile uses."""
    parser.addoption("--regenerate-golden", action="store_true", help="write golden files instead of comparing")
    sequence.add_option(parser)
    times.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    times.listen(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    sequence.arrange(config, items)


@pytest.fixture
def golden(request: pytest.FixtureRequest, release: None) -> Golden:
    """`golden("protect.yaml", text)`: the text is that of `golden/protect.yaml` beside the test, to the byte.

    A Path names a file anywhere else, such as beside an example. `pytest --regenerate-golden` (`make golden`)
    writes the files instead: read the diff before you commit it.
    """
    regenerate = request.config.getoption("--regenerate-golden")

    def check(name: str | Path, text: str) -> None:
        file = name if isinstance(name, Path) else request.path.parent / "golden" / name
        if regenerate:
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(text.encode())
            return
        assert file.exists(), f"there is no {file}: `make golden` writes it"
        expected = file.read_bytes().decode()
        if text != expected:
            lines = (expected.splitlines(keepends=True), text.splitlines(keepends=True))
            diff = "".join(list(difflib.unified_diff(*lines, f"{file.name} (golden)", "now"))[:200])
            pytest.fail(f"{diff}\nIf this is meant: `make golden`, and read the diff.", pytrace=False)

    return check


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Embank and its plugins are of one release, here and in processes that the test starts: what is compiled
    names the version, and golden files must not change with every commit.
    """
    entries = importlib.metadata.distribution("embank").read_text("entry_points.txt")
    assert entries
    site = tmp_path / "release"
    information = site / f"embank-{RELEASE}.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: embank\nVersion: {RELEASE}\n")
    (information / "entry_points.txt").write_text(entries)
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=os.pathsep)
    monkeypatch.setattr(embank, "__version__", RELEASE)


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Install]:
    """`install("acme", {"karbor.protections": {"acme-plugin": "acme:Plugin"}}, acme="source …")`: a
    distribution on sys.path as pip would leave it there, for the time of a test.
    """
    before = list(sys.path)
    sites: list[Path] = []

    def put(name: str, entries: Mapping[str, Mapping[str, str]], *, version: str = "1.0", **modules: str) -> Path:
        site = tmp_path / "installed" / f"{len(sites)}-{name}"
        information = site / f"{name}-{version}.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = [
            f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries[group].items())
            for group in entries
        ]
        (information / "entry_points.txt").write_text("\n".join(lines))
        for module, source in modules.items():
            (site / f"{module}.py").write_text(dedent(source))
        sites.append(site)
        sys.path.insert(0, str(site))
        importlib.invalidate_caches()
        return site

    yield put
    sys.path[:] = before
    for name, module in list(sys.modules.items()):
        if any(str(site) in (getattr(module, "__file__", None) or "") for site in sites):
            del sys.modules[name]
