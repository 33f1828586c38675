"""What docs/plugins.md shows works as it stands: the plugin, its tests, its provider."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

FILES = ("example_plugin.py", "test_example_plugin.py", "cloud.py", "volume_plugin.py", "test_volume_plugin.py")
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "plugins.md"


def block(after: str) -> str:
    """The code block under the heading that names a file."""
    text = DOCUMENT.read_text()
    match = re.search(rf"`{re.escape(after)}`\n.*?```\w+\n(.*?)```", text, re.DOTALL)
    assert match, f"docs/plugins.md has no code for {after}"
    return match[1]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).write_text(block(name))
    return tmp_path


def run_kit(project: Path, tests: str) -> str:
    """As their author would run them; what pytest says."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.mark.parametrize("tests", ["test_example_plugin.py", "test_volume_plugin.py"])
def test_the_examples_pass_the_kit(project: Path, tests: str) -> None:
    said = run_kit(project, tests)
    assert "failed" not in said, said[-3000:]
    assert " passed" in said


def test_a_start_that_does_not_look_first_fails_the_kit(project: Path) -> None:
    """The window that the document warns of."""
    plugin, look = project / "volume_plugin.py", "self.cloud.find_backup(token) or "
    assert look in plugin.read_text()
    plugin.write_text(plugin.read_text().replace(look, ""))
    said = run_kit(project, "test_volume_plugin.py::TestVolumePlugin::test_killed_at_every_step_and_repeated[plain]")
    assert "killed, step " in said
    assert "1 failed" in said


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
