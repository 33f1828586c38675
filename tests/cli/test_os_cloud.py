"""`--os-cloud`: what was begun in one cloud is not finished in another."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Embank = Callable[..., subprocess.CompletedProcess[str]]
STALE = 6


@pytest.fixture
def left_off(shop: Path, embank: Embank) -> Callable[..., str]:
    """`left_off("--os-cloud", "production")`: an execution that was killed in the middle; its id."""

    def run(*options: str, **environment: str) -> str:
        done = embank("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "protect.yaml")
        assert done.returncode == 0, done.stderr
        done = embank("run", "protect.yaml", *options, **environment)
        assert done.returncode == 0, done.stderr
        (journal,) = (shop / ".embank").glob("**/journal*")
        lines = journal.read_bytes().splitlines(keepends=True)
        journal.write_bytes(b"".join(lines[:4]))
        return journal.parent.name

    return run


def cloud_of(shop: Path) -> str:
    (journal,) = (shop / ".embank").glob("**/journal*")
    return str(json.loads(journal.read_text().splitlines()[0])["cloud"])


@pytest.mark.parametrize(
    ("options", "environment"), [(("--os-cloud", "production"), {}), ((), {"EMBANK_OS_CLOUD": "production"})]
)
def test_an_execution_goes_on_in_its_cloud(
    shop: Path,
    embank: Embank,
    left_off: Callable[..., str],
    options: tuple[str, ...],
    environment: dict[str, str],
) -> None:
    execution = left_off(*options, **environment)
    assert cloud_of(shop) == "production"
    done = embank("resume", execution, "--os-cloud", "staging")
    assert done.returncode == STALE, done.stderr
    assert "it began with --os-cloud production, this is with --os-cloud staging" in done.stderr
    done = embank("resume", execution)
    assert "cannot simply go on" not in done.stderr
    assert done.returncode != STALE


def test_one_that_chose_none(shop: Path, embank: Embank, left_off: Callable[..., str]) -> None:
    execution = left_off()
    assert cloud_of(shop) == ""
    done = embank("resume", execution, EMBANK_OS_CLOUD="staging")
    assert done.returncode == STALE, done.stderr
    assert "it began with no --os-cloud, this is with --os-cloud staging" in done.stderr
