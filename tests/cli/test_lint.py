"""`embank lint`, by itself and with the rules of an engine."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Embank = Callable[..., subprocess.CompletedProcess[str]]
WRITTEN = Path(__file__).resolve().parents[2] / "examples" / "quickstart" / "shop.protect.yaml"


def test_a_file_that_we_wrote(embank: Embank) -> None:
    done = embank("lint", WRITTEN, "--strict")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no problems\n")


def test_notes_pass_strict(embank: Embank) -> None:
    done = embank("lint", WRITTEN, "--strict", "--engine", "mistral:23")
    assert (done.returncode, done.stdout) == (0, "")
    assert "note EMB656: 1 workflow is of type reverse" in done.stderr
    assert "no problems" not in done.stderr


def test_warnings_do_not(embank: Embank) -> None:
    text = WRITTEN.read_text()
    assert text.count("\n    begin:\n") == 1
    paused = text.replace("\n    begin:\n", "\n    begin:\n      pause-before: true\n")
    assert embank("lint", "-", "--strict", stdin=paused).returncode == 0
    assert embank("lint", "-", "--engine", "mistral:23", stdin=paused).returncode == 0
    done = embank("lint", "-", "--engine", "mistral:23", "--strict", stdin=paused)
    assert done.returncode == 3
    assert "warning EMB654: task 'begin': Mistral asks nobody" in done.stderr


def test_errors_of_the_file_come_before_those_of_the_engine(embank: Embank) -> None:
    done = embank(
        "lint", "-", "--engine", "mistral:23", stdin=WRITTEN.read_text().replace("task_name: done", "task_name: dne")
    )
    assert done.returncode == 1
    assert "did you mean 'done'?" in done.stderr
    assert "EMB656" not in done.stderr


def test_an_engine_that_is_not_known(embank: Embank) -> None:
    done = embank("lint", WRITTEN, "--engine", "mistral")
    assert done.returncode == 64
    assert done.stderr == "embank: there are no rules for the engine 'mistral'; did you mean 'mistral:23'?\n"
