"""What `make test` runs is all that there is."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_services_are_tested_where_their_lane_looks() -> None:
    """It collects no other tests: each of its processes would take as long for that as for a test."""
    found = re.search(r"^SERVICE := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found
    folders = [ROOT / folder for folder in found[1].split()]
    marked = [path for path in (ROOT / "tests").rglob("test_*.py") if "pytest.mark.service" in path.read_text()]
    elsewhere = [path for path in marked if not any(path.is_relative_to(folder) for folder in folders)]
    assert elsewhere == [Path(__file__)]
