"""Output that nobody takes: full disks, closed pipes, closed streams. What was done stays done, and is said right."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Embank = Callable[..., subprocess.CompletedProcess[str]]
EMBANK = Path(sys.executable).parent / "embank"
LIST = ("checkpoint", "list", "--provider", "quickstart", "-f", "value", "-c", "status")


@pytest.fixture
def shell(shop: Path, embank: Embank) -> Embank:
    """`shell("… > /dev/full")` beside a compiled workflow protect.yaml, with `embank` in the path."""
    done = embank("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "protect.yaml")
    assert done.returncode == 0, done.stderr

    def run(command: str) -> subprocess.CompletedProcess[str]:
        text = f'set -o pipefail; embank() {{ "{EMBANK}" "$@"; }}; {command}'
        return subprocess.run(["/bin/bash", "-c", text], cwd=shop, capture_output=True, text=True, timeout=300)

    return run


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("embank run protect.yaml > /dev/full", "embank: cannot write the output: No space left on device"),
        ("embank run protect.yaml --events /dev/full", "embank: /dev/full is not complete: No space left on device"),
        (
            "embank run protect.yaml --events - > /dev/full",
            "warning: the events are not complete: No space left on device\n",
        ),
        ("embank run protect.yaml >&-", "SUCCESS"),
        ("embank run protect.yaml <&- >&- 2>&-", ""),
        ("embank run protect.yaml | true", ""),
        ("embank run protect.yaml 2>&1 | true", ""),
    ],
)
def test_an_execution_is_no_failure_because_nobody_reads_about_it(
    shell: Embank, embank: Embank, command: str, said: str
) -> None:
    done = shell(command)
    assert done.returncode == 0, done.stderr
    assert said in done.stderr
    assert "bug" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert embank(*LIST).stdout == "available\n"


@pytest.mark.parametrize(
    "what", ["checkpoint list --provider quickstart -f json", "compile protect plan.yaml --resources resources.yaml"]
)
def test_an_artefact_that_could_not_be_written_is_a_failure(shell: Embank, what: str) -> None:
    done = shell(f"embank {what} > /dev/full")
    assert done.returncode == 64
    assert done.stderr.splitlines()[-1] == "embank: cannot write the output: No space left on device"


def test_the_summary_says_what_is_lost_as_a_person_would(shell: Embank) -> None:
    done = shell("embank run protect.yaml --events /dev/full")
    assert "  warning: the events are not complete: No space left on device\n" in done.stdout
    done = shell("embank run protect.yaml 2> /dev/full")
    assert "  warning: the progress is not shown any more: No space left on device\n" in done.stdout


def test_events_do_not_overwrite_the_workflow(shell: Embank, shop: Path) -> None:
    before = (shop / "protect.yaml").read_text()
    done = shell("embank run protect.yaml --events ./protect.yaml")
    assert (done.returncode, done.stdout) == (64, "")
    assert "--events would overwrite the workflow protect.yaml" in done.stderr
    assert (shop / "protect.yaml").read_text() == before


@pytest.mark.parametrize(
    "what", ["--help", "help", "--version", "checkpoint --help", "run -h", "help run", "help exit-codes"]
)
@pytest.mark.parametrize(("into", "codes"), [("> /dev/full", {64}), ("| true", {0, 130, 141})])
def test_help_that_nobody_can_read_is_no_traceback(what: str, into: str, codes: set[int], tmp_path: Path) -> None:
    command = f'unset PYTHONUNBUFFERED; "{EMBANK}" {what} {into}; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode in codes, done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_the_encoding_of_the_output_lacks_is_an_escape(shell: Embank, encoding: str) -> None:
    """A successful execution must not end as a bug because of the name of a resource."""
    done = shell(
        f"export PYTHONIOENCODING={encoding}; embank --help && embank rehearse protect.yaml && embank help plugin"
    )
    assert done.returncode == 0, done.stderr
    assert "\\u2264" in done.stdout  # ≤


@pytest.mark.parametrize("events", ["/no/such/directory/x", ".", ""])
def test_what_is_refused_leaves_no_execution_to_be_resumed(shell: Embank, embank: Embank, events: str) -> None:
    done = shell(f"embank run protect.yaml --events '{events}'")
    assert done.returncode == 64, done.stderr
    assert embank("execution", "list", "-f", "value").stdout.strip() == ""
