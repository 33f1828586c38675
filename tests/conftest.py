"""Fixtures that several parts use."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

Install = Callable[..., Path]


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
