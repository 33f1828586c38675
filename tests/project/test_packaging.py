"""The wheel works where the checkout is not."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_every_package_is_listed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = set(project["tool"]["setuptools"]["packages"])
    found = {"embank_templates"}
    for root in (ROOT / "compiler", ROOT / "plugins"):
        found |= {".".join(path.parent.relative_to(root).parts) for path in root.rglob("__init__.py")}
    assert listed == found


def test_every_dependency_has_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    start = lines.index("dependencies = [")
    dependencies = lines[start + 1 : lines.index("]", start)]
    assert dependencies
    assert all("  # " in line for line in dependencies)


@pytest.mark.large
def test_the_wheel_works_without_the_checkout(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path / "dist", ROOT],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel],
        check=True, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    example = ROOT / "examples" / "quickstart"
    done = subprocess.run(
        [
            tmp_path / "venv" / "bin" / "embank", "compile", "protect", example / "plan.yaml",
            "--resources", example / "resources.yaml", "--provider-config-dir", example / "providers.d",
        ],
        check=True, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout.startswith("# Embank workflow")
    assert "embank.activity" in done.stdout
