"""Each command once as a person starts it: the installed program, from its start to Python's own end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from embank.cli.commands import COMMANDS
from kit import quickstart
from kit.prepared import Prepared

EMBANK = Path(sys.executable).parent / "embank"
PROVIDER = ("--provider", "quickstart")
CHECKPOINT = "the id of the checkpoint, and of the execution"

# What is given to each, its exit code, and what it says.
CASES: dict[str, tuple[tuple[str, ...], int, str]] = {
    "discover": (PROVIDER, 0, "Local::SQLite"),
    "validate": (("plan.yaml", "--resources", "resources.yaml"), 0, "no problems"),
    "compile protect": (("plan.yaml", "--resources", "resources.yaml"), 0, "embank.begin"),
    "compile restore": ((*PROVIDER, "--checkpoint", CHECKPOINT), 0, "embank.begin"),
    "compile delete": ((*PROVIDER, "--checkpoint", CHECKPOINT), 0, "embank.begin"),
    "compile verify": ((*PROVIDER, "--checkpoint", CHECKPOINT), 0, "embank.begin"),
    "lint": (("protect.yaml",), 0, "no problems"),
    "rehearse": (("protect.yaml",), 0, "No fault leaves anything frozen"),
    "run": (("protect.yaml",), 0, "SUCCESS"),
    "resume": ((CHECKPOINT,), 64, "has ended"),
    "cancel": ((CHECKPOINT,), 0, "has ended"),
    "submit": (("protect.yaml",), 64, "OS_"),
    "watch": ((CHECKPOINT,), 64, "was run here, not by Mistral"),
    "import": ((CHECKPOINT,), 64, "was run here, not by Mistral"),
    "schedule": (("protect.yaml", "--cron", "0 3 * * *"), 64, "OS_"),
    "execution list": ((), 0, "SUCCESS"),
    "execution show": ((CHECKPOINT,), 0, "succeeded"),
    "execution logs": ((CHECKPOINT,), 0, "activities/"),
    "checkpoint list": (PROVIDER, 0, "available"),
    "checkpoint show": ((*PROVIDER, CHECKPOINT), 0, "available"),
    "checkpoint verify": ((*PROVIDER, CHECKPOINT), 0, "all as written"),
    "checkpoint delete": ((*PROVIDER, CHECKPOINT), 0, "nothing is left"),
    "checkpoint prune": ((*PROVIDER, "--keep-last", "1", "-o", "."), 0, "keep"),
    "provider list": ((), 0, "quickstart"),
    "provider show": (("quickstart",), 0, "embank-sqlite-protection-plugin"),
    "plugin list": ((), 0, "embank-sqlite-protection-plugin"),
    "plugin show": (("embank-sqlite-protection-plugin",), 0, "Local::SQLite"),
    "complete": ((), 0, "embank"),
    "help": (("exit-codes",), 0, "64"),
}


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """The quickstart's shop with a checkpoint."""
    return Prepared(tmp_path_factory.mktemp("protected"), quickstart.protect)


@pytest.mark.parametrize("command", COMMANDS)
def test_it_runs(protected: Prepared, command: str) -> None:
    shop = protected.as_new()
    (checkpoint,) = (shop / "bank" / "checkpoints").iterdir()
    given, code, says = CASES[command]
    arguments = [checkpoint.name if each == CHECKPOINT else each for each in given]
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("EMBANK_", "OS_"))}
    done = subprocess.run(
        [EMBANK, *command.split(), *arguments], cwd=shop, env=clean, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == code, done.stderr
    assert says in done.stdout + done.stderr
