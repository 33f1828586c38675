"""Running `embank` as a person or a script would: a process of its own, with its output and exit code."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

EMBANK = Path(sys.executable).parent / "embank"
QUICKSTART = Path(__file__).resolve().parents[2] / "examples" / "quickstart"
Embank = Callable[..., subprocess.CompletedProcess[str]]

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2


def without_override() -> None:
    """Let file permissions hold for root too: drop the capabilities that override them, before exec."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            assert libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0


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
    """`embank("run", "file.yaml", stdin=…)` in the test's directory."""

    def run(*arguments: str | Path, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        settings = {key: value for key, value in os.environ.items() if not key.startswith(("EMBANK_", "OS_"))}
        return subprocess.run(
            [EMBANK, *arguments],
            cwd=tmp_path, env=settings | environment, input=stdin, capture_output=True, text=True,
            timeout=300, preexec_fn=without_override,
        )  # fmt: skip

    return run
