"""What docs/plugins.md shows works as it stands: the plugin, its tests, its provider."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "plugins.md"


def block(after: str) -> str:
    """The code block under the heading that names a file."""
    text = DOCUMENT.read_text()
    match = re.search(rf"`{re.escape(after)}`\n.*?```\w+\n(.*?)```", text, re.DOTALL)
    assert match, f"docs/plugins.md has no code for {after}"
    return match[1]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("example_plugin.py", "test_example_plugin.py"):
        (tmp_path / name).write_text(block(name))
    return tmp_path


def test_the_example_passes_the_kit(project: Path) -> None:
    """As its author would run it."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_example_plugin.py"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "failed" not in done.stdout


def test_the_example_is_found_by_its_entry_points(project: Path) -> None:
    """And loads with the provider of the document."""
    text = re.sub(r'\[project\.entry-points\."(.*?)"\]', r"[\1]", block("pyproject.toml")).replace('"', "")
    metadata = project / "example-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: example\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(text)
    (project / "providers.d").mkdir()
    (project / "providers.d" / "example.conf").write_text(block("providers.d/example.conf"))
    (project / "providers.d" / "letter.txt").write_text("Dear reader\n")
    for command in (["plugin", "show", "example-document-plugin"], ["provider", "show", "example"]):
        done = subprocess.run(
            [sys.executable, "-m", "embank", *command], cwd=project, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "Example::Document" in done.stdout
