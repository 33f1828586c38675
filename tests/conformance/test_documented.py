"""What docs/plugins.md shows of the kit for faults works as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from embank.conformance.faults.faulty_bank import Kind

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "plugins.md").read_text()


def run_example(project: Path, *options: str) -> str:
    for name in ("example_plugin.py", "test_example_faults.py"):
        match = re.search(rf"`{re.escape(name)}`\n.*?```\w+\n(.*?)```", DOCUMENT, re.DOTALL)
        assert match, f"docs/plugins.md has no code for {name}"
        (project / name).write_text(match[1])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_example_faults.py", *options]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False).stdout


def test_the_example_passes_the_quick_part(tmp_path: Path) -> None:
    said = run_example(tmp_path, "-k", "test_a_fault_at_every_call and (fail or cut)")
    assert "8 passed" in said, said[-3000:]


@pytest.mark.nightly
def test_the_example_passes_the_rest_of_it(tmp_path: Path) -> None:
    """But for hanging: that takes a second for each call, and minutes in all."""
    said = run_example(tmp_path, "-k", "not hangs and not fail and not cut")
    assert " passed" in said, said[-3000:]
    assert "failed" not in said, said[-3000:]


def test_every_kind_is_explained() -> None:
    missing = [kind for kind in Kind if f"`{kind}`" not in DOCUMENT]
    assert not missing
