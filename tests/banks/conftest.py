"""Filesystem banks for these tests."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from embank_plugins.banks.filesystem.bank import FilesystemBank
from kit.banks import open_bank


@pytest.fixture
def bank(tmp_path: Path) -> FilesystemBank:
    return open_bank(tmp_path / "bank")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for a mebibyte; without the right to mount one, the test is skipped."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small file system takes root; the file size limit stands in for it")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)
