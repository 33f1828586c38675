"""`embank rehearse`, as a person would use it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Embank = Callable[..., subprocess.CompletedProcess[str]]
QUICKSTART = Path(__file__).resolve().parents[2] / "examples" / "quickstart"
DURATIONS = """
version: 1
default: 1
activities:
  Local::SQLite: {ready: 20, parallel: 60}
  Local::Directory#shop-files: 30
"""


@pytest.fixture
def protect(tmp_path: Path) -> Path:
    """The quickstart's workflow, in the test's directory."""
    file = tmp_path / "protect.yaml"
    file.write_bytes((QUICKSTART / "shop.protect.yaml").read_bytes())
    return file


@pytest.mark.parametrize("operation", ["protect", "verify", "delete"])
def test_no_single_fault_leaves_the_quickstart_frozen(operation: str, embank: Embank) -> None:
    done = embank("rehearse", QUICKSTART / f"shop.{operation}.yaml")
    assert done.returncode == 0, done.stdout
    assert "No fault leaves anything frozen." in done.stdout


def test_a_task_that_may_hang_for_ever_is_found(protect: Path, embank: Embank) -> None:
    text = protect.read_text()
    protect.write_text(text.replace("      timeout: 600\n", ""))
    done = embank("rehearse", protect)
    assert done.returncode == 1
    first = done.stdout.splitlines()[1]
    assert "LEAVE SOMETHING FROZEN" in first, "what matters most comes first"
    assert "Local::Application#shop (The shop), from pre on" in done.stdout
    assert "set policies.Local::SQLite.timeout in the plan" in done.stdout


def test_durations_predict_the_freeze_window(tmp_path: Path, protect: Path, embank: Embank) -> None:
    (tmp_path / "durations.yaml").write_text(DURATIONS)
    done = embank("rehearse", protect, "--durations", "durations.yaml", "-f", "json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    found = json.dumps(data)
    assert '"resource": "Local::Application#shop"' in found
    text = embank("rehearse", protect, "--durations", "durations.yaml").stdout
    # frozen from its own pre (1 s) until the slower of the two copies (30 s) and its own thaw (1 s) are done
    assert "Local::Application#shop (The shop): 32 s, from pre to ready" in text
    assert "compare times, do not believe them" not in text


@pytest.mark.parametrize(
    ("durations", "said"),
    [
        ("version: 1\ndefault: -1\n", "durations.yaml:2:10"),
        ("version: 1\nactivites: {}\n", "activities"),
        ("version: 1\nactivities: {Local::SQLite: {redy: 1}}\n", "ready"),
        ("version: 1\nactivities: {Local::SQLite: soon}\n", "durations.yaml:2:"),
    ],
)
def test_mistakes_in_durations_have_their_place(
    tmp_path: Path, protect: Path, embank: Embank, durations: str, said: str
) -> None:
    (tmp_path / "durations.yaml").write_text(durations)
    done = embank("rehearse", protect, "--durations", "durations.yaml")
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stdout == ""


def test_a_duration_of_nothing_is_a_warning(tmp_path: Path, protect: Path, embank: Embank) -> None:
    (tmp_path / "durations.yaml").write_text("version: 1\nactivities: {Local::SQLlite: 3}\n")
    done = embank("rehearse", protect, "--durations", "durations.yaml")
    assert done.returncode == 0
    assert "Local::SQLlite" in done.stderr
    assert "Local::SQLite" in done.stderr


def test_nothing_is_touched(tmp_path: Path, protect: Path, embank: Embank) -> None:
    assert embank("rehearse", protect).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["protect.yaml"]


def test_all_has_a_row_for_each_fault(protect: Path, embank: Embank) -> None:
    data = json.loads(embank("rehearse", protect, "-f", "json").stdout)
    text = embank("rehearse", protect, "--all").stdout
    for task in ("begin", "activities/application_shop_pre", "complete"):
        assert task in json.dumps(data)
        assert text.count(f" {task}\n") + text.count(f" {task} ") >= 4, task


def test_a_misspelt_phase_is_told_from_the_right_one(tmp_path: Path, protect: Path, embank: Embank) -> None:
    (tmp_path / "durations.yaml").write_text("version: 1\nactivities: {Local::SQLite: {paralel: 60}}\n")
    done = embank("rehearse", protect, "--durations", "durations.yaml")
    assert done.returncode == 1
    assert "did you mean 'parallel'?" in done.stderr
