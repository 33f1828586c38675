"""docs/bank-format.md is right: its commands restore and check a checkpoint, and it names every object."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.records.status import Status
from embank.checkpoint.section.segments import Data
from embank.model import Phase, Resource
from embank_plugins.banks.filesystem.bank import FilesystemBank

PAGE = Path(__file__).parents[2] / "docs" / "bank-format.md"
DISK = Resource("Test::Server", "../etc/passwd", "disk")


@pytest.fixture
def checkpoint(begin: Callable[..., Checkpoint], bank: FilesystemBank) -> Checkpoint:
    """With something of everything."""
    begun = begin()
    begun.leases.acquire("run-1", timedelta(minutes=1))
    section = begun.section(DISK)
    section.save({"a": 1})
    section.note("copy", 1)
    section.write("first/try", [b"earlier"])
    Data(bank, section.prefix, "first/try").write([bytes(range(256)) * 40], segment_size=1000)
    section.write("empty", [])
    begun.section(Resource("a.object", "b.object", "")).save({})
    begun.mark_started("run-1", DISK.key, Phase.PRE)
    begun.record_operation("run-2", "verify", "verified")
    begun.record_restored("run-2", DISK, {"id": "x"})
    begun.seal()
    begun.move(Status.AVAILABLE)
    return begun


def commands() -> tuple[str, str]:
    check, restore = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return check, restore


def run(script: str, directory: Path, out: Path | None = None) -> str:
    environment = {**os.environ, "OUT": str(out)}
    done = subprocess.run(["sh", "-eu", "-c", script], cwd=directory, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_restoring_data(checkpoint: Checkpoint, bank: FilesystemBank, tmp_path: Path) -> None:
    place = bank.path / "checkpoints/cp-1/resources/Test::Server/%2E.%2Fetc%2Fpasswd/data"
    told = run(commands()[1], place / "first%2Ftry", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == bytes(range(256)) * 40
    assert told.count(hashlib.sha256(bytes(range(256)) * 40).hexdigest()) == 2
    run(commands()[1], place / "empty", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b""


def test_checking_a_checkpoint(checkpoint: Checkpoint, bank: FilesystemBank) -> None:
    place = bank.path / "checkpoints/cp-1"
    lines = run(commands()[0], place).splitlines()
    assert len(lines) == checkpoint.manifest.summary().objects
    assert all(line.startswith("ok ") for line in lines)
    (place / "facts.object").write_text("{}")
    assert "DAMAGED facts" in run(commands()[0], place).splitlines()


def test_every_object_is_in_the_table(checkpoint: Checkpoint, bank: FilesystemBank) -> None:
    rows = re.findall(r"^\| (`.*?)\|", PAGE.read_text().split("## A checkpoint")[1], re.MULTILINE)
    patterns = []
    for shape in re.findall(r"`([a-zR].*?)`", " ".join(rows)):
        pattern = re.sub(r"<\w+>", "[^/]+", re.escape(shape))
        patterns.append(pattern.replace("00000001", r"\d{8}").replace("…", ".+"))
    for info in bank.list(limit=1000):
        key = info.key.removeprefix("checkpoints/cp-1/")
        assert any(re.fullmatch(pattern, key) for pattern in patterns), key
