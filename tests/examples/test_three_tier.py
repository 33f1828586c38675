"""The example in a cloud compiles without one. `tests/openstack/test_three_tier.py` runs it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from embank.cli.main import main
from embank.errors import ExitCode

Golden = Callable[[str | Path, str], None]
EXAMPLE = Path(__file__).parents[2] / "examples" / "three-tier"


def test_it_compiles(golden: Golden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "three-tier"
    shutil.copytree(EXAMPLE, work)
    monkeypatch.chdir(work)
    compiled = ("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "shop.protect.yaml")
    assert main(list(compiled)) == ExitCode.OK
    golden(EXAMPLE / "shop.protect.yaml", Path("shop.protect.yaml").read_text())
    assert main(["lint", "shop.protect.yaml", "--engine", "mistral:23"]) == ExitCode.OK
