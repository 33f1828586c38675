"""Running `embank` as a person or a script would, with its output and exit code."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from kit import forked, quickstart

Embank = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The quickstart's provider, plan and resource graph in a directory of their own, with files to protect."""
    quickstart.copy(tmp_path)
    return tmp_path


@pytest.fixture
def embank(tmp_path: Path) -> Embank:
    """`embank("run", "file.yaml", stdin=…, EMBANK_STATE_DIR=…)` in the test's directory."""
    return partial(forked.embank, tmp_path)
