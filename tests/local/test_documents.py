"""What docs/plugins.md shows works as it stands: the plugin, its tests, its provider."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
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


def run_kit(project: Path, tests: str, *options: str) -> str:
    """As their author would run them; what pytest says."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests, *options]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


# A plain id and the one with odd characters; of what is killed at every step the plain one.
SOME = "plain or (not killed and not passwd and not touch)"


@pytest.mark.parametrize("which", [SOME, pytest.param("test", marks=pytest.mark.nightly)])
@pytest.mark.parametrize("tests", ["test_example_plugin.py", "test_volume_plugin.py"])
def test_the_examples_pass_the_kit(project: Path, tests: str, which: str) -> None:
    said = run_kit(project, tests, "-k", which)
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


def put_in_place(project: Path, entry_points: str) -> None:
    """As pip would, beside the plugin."""
    metadata = project / "example-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: example\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(entry_points)


def test_the_example_is_found_by_its_entry_points(project: Path) -> None:
    """And loads with the provider of the document."""
    text = re.sub(r'\[project\.entry-points\."(.*?)"\]', r"[\1]", block("pyproject.toml")).replace('"', "")
    put_in_place(project, text)
    (project / "providers.d").mkdir()
    (project / "providers.d" / "example.conf").write_text(block("providers.d/example.conf"))
    (project / "providers.d" / "letter.txt").write_text("Dear reader\n")
    for command in (["plugin", "show", "example-document-plugin"], ["provider", "show", "example"]):
        done = subprocess.run(
            [sys.executable, "-m", "embank", *command], cwd=project, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "Example::Document" in done.stdout


CLOUD = """
[provider]
name = cloud
id = 6f6b1f0e-8f4e-4bb8-9d0c-2c1f0f6f7a11
description = Volumes
bank = karbor.protections.embank-filesystem-bank-plugin
plugin = karbor.protections.volume-plugin
[filesystem_bank]
path = $here/../bank
[cloud]
database = $here/../cloud.sqlite
"""
CREATE = "INSERT INTO volumes VALUES ('v1', 'data')"


def test_a_resumed_runner_waits_for_what_the_killed_one_started(project: Path) -> None:
    """The whole way: `embank run` is killed while it waits for the cloud; `embank resume` starts nothing twice."""
    put_in_place(project, "[karbor.protections]\nvolume-plugin = volume_plugin:VolumePlugin\n")
    plugin = project / "volume_plugin.py"
    plugin.write_text(plugin.read_text().replace("after=10", "after=1.5"))
    (project / "providers.d").mkdir()
    (project / "providers.d" / "cloud.conf").write_text(CLOUD)
    (project / "resources.yaml").write_text("version: 1\nresources: [{type: 'Cloud::Volume', id: v1}]\n")
    (project / "plan.yaml").write_text(
        "version: 1\nname: volumes\nprovider: cloud\nresources: [{type: 'Cloud::Volume', id: v1}]\n"
    )
    create = f'from cloud import Cloud; Cloud("cloud.sqlite").sql("{CREATE}")'
    subprocess.run([sys.executable, "-c", create], cwd=project, check=True)
    embank = [sys.executable, "-m", "embank"]
    compiling = [*embank, "compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "volumes.yaml"]
    subprocess.run(compiling, cwd=project, check=True)
    with subprocess.Popen([*embank, "run", "volumes.yaml"], cwd=project, stderr=subprocess.PIPE, text=True) as runner:
        assert any("the cloud is making a backup" in line for line in runner.stderr)
        runner.kill()
    listing = [*embank, "execution", "list", "-f", "value", "-c", "id"]
    execution = subprocess.run(listing, cwd=project, capture_output=True, text=True, check=True).stdout.strip()
    done = subprocess.run([*embank, "resume", execution], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(project / "cloud.sqlite")) as cloud:
        assert cloud.execute("SELECT seq FROM sqlite_sequence").fetchall() == [(1,)]
        assert cloud.execute("SELECT content FROM backups").fetchall() == [("data",)]
