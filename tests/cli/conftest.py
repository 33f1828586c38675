"""Running `embank` as a person or a script would, with its output and exit code."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from kit import forked

QUICKSTART = Path(__file__).resolve().parents[2] / "examples" / "quickstart"
Embank = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The quickstart's provider, plan and resource graph in a directory of their own, with files to protect."""
    for name in ("shop", "providers.d", "plan.yaml", "resources.yaml"):
        copy = shutil.copytree if (QUICKSTART / name).is_dir() else shutil.copy
        copy(QUICKSTART / name, tmp_path / name)
    receipts = tmp_path / "shop" / "files" / "receipts"
    receipts.mkdir(parents=True)
    (receipts / "1.txt").write_text("Receipt 1\n")
    import sqlite3

    database = sqlite3.connect(tmp_path / "shop" / "orders.sqlite")
    database.execute("CREATE TABLE orders (number INTEGER PRIMARY KEY, item TEXT, receipt TEXT)")
    database.execute("INSERT INTO orders VALUES (1, 'tea', 'x')")
    database.commit()
    database.close()
    return tmp_path


@pytest.fixture
def embank(tmp_path: Path) -> Embank:
    """`embank("run", "file.yaml", stdin=…, EMBANK_STATE_DIR=…)` in the test's directory."""
    return partial(forked.embank, tmp_path)
