"""The shop of examples/quickstart, with files to protect."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from kit.forked import embank

QUICKSTART = Path(__file__).resolve().parents[2] / "examples" / "quickstart"


def copy(place: Path) -> None:
    """Its provider, plan and resource graph, and the shop itself, in a directory of their own."""
    for name in ("shop", "providers.d", "plan.yaml", "resources.yaml"):
        how = shutil.copytree if (QUICKSTART / name).is_dir() else shutil.copy
        how(QUICKSTART / name, place / name)
    receipts = place / "shop" / "files" / "receipts"
    receipts.mkdir(parents=True)
    (receipts / "1.txt").write_text("Receipt 1\n")
    with closing(sqlite3.connect(place / "shop" / "orders.sqlite")) as database:
        database.execute("CREATE TABLE orders (number INTEGER PRIMARY KEY, item TEXT, receipt TEXT)")
        database.execute("INSERT INTO orders VALUES (1, 'tea', 'x')")
        database.commit()


def protect(place: Path) -> None:
    """Put it there, and protect it by a workflow protect.yaml."""
    copy(place)
    for command in (
        ("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "protect.yaml"),
        ("run", "protect.yaml"),
    ):
        done = embank(place, *command)
        assert done.returncode == 0, done.stderr
