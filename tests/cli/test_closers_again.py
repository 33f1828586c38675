"""A closer that failed is run again by `embank resume`, once the cause is mended."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from kit import forked
from kit.prepared import Prepared

Embank = Callable[..., subprocess.CompletedProcess[str]]

PROVIDER = """
[provider]
name = local
id = 0a7bdc0e-47a5-4d5f-9f43-0d4f1f0b7d11
description = Two applications, one in the other
bank = karbor.protections.embank-filesystem-bank-plugin
plugin = karbor.protections.embank-application-protection-plugin
[filesystem_bank]
path = $here/../bank
[local_application]
application = outer
application = inner
contains = outer Local::Application#inner
freeze = outer /bin/touch $here/../outer-frozen
thaw = outer /bin/sh $here/../thaw-outer
freeze = inner /bin/sh -c 'touch $here/../inner-frozen; exit 1'
thaw = inner /bin/sh $here/../thaw-inner
"""
BROKEN = "echo no route to host; exit 1\n"


def fail(work: Path) -> None:
    """Execute something here, and fail to thaw the inner application."""
    (work / "providers.d").mkdir()
    (work / "providers.d" / "local.conf").write_text(PROVIDER)
    (work / "resources.yaml").write_text(
        "version: 1\nresources:\n"
        "  - {type: Local::Application, id: outer, dependents: [{type: Local::Application, id: inner}]}\n"
        "  - {type: Local::Application, id: inner}\n"
    )
    (work / "plan.yaml").write_text(
        "version: 1\nname: apps\nprovider: local\nresources: [{under: {type: Local::Application, id: outer}}]\n"
    )
    (work / "thaw-inner").write_text(BROKEN)
    (work / "thaw-outer").write_text(f"echo thawed >> {work}/outer-log; rm -f {work}/outer-frozen\n")
    done = forked.embank(work, "compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "apps.yaml")
    assert done.returncode == 0, done.stderr
    done = forked.embank(work, "run", "apps.yaml")
    assert done.returncode == 5, done.stderr
    assert f"embank resume {only_execution(work)}" in done.stdout.split("STILL OPEN")[1]


def only_execution(work: Path) -> str:
    (found,) = (work / ".embank" / "executions").iterdir()
    return found.name


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return Prepared(tmp_path_factory.mktemp("failed"), fail)


@pytest.fixture
def failed(prepared: Prepared) -> tuple[Path, str]:
    """A directory with an execution whose inner application could not be thawed, and its id."""
    work = prepared.as_new()
    return work, only_execution(work)


@pytest.fixture
def embank(failed: tuple[Path, str]) -> Embank:
    return partial(forked.embank, failed[0])


def mend(work: Path) -> None:
    (work / "thaw-inner").write_text(f"rm -f {work}/inner-frozen\n")


def shown(embank: Embank, id_: str) -> tuple[str, str]:
    """What the list says of it: state and exit code."""
    line = embank("execution", "list", "-f", "value", "-c", "id", "-c", "state", "-c", "exit code").stdout
    found, state, code = line.split()
    assert found == id_
    return state, code


def test_closers_run_again_until_they_succeed(failed: tuple[Path, str], embank: Embank) -> None:
    work, id_ = failed
    still = embank("resume", id_)
    assert still.returncode == 5, still.stderr
    assert "no route to host" in still.stdout
    assert shown(embank, id_) == ("ERROR", "5")
    mend(work)
    done = embank("resume", id_)
    assert done.returncode == 4, done.stderr
    assert "nothing is left open" in done.stdout
    assert not (work / "inner-frozen").exists()
    assert "application_inner_pre" in done.stdout, "the first error is still the one that is told"
    assert shown(embank, id_) == ("ERROR", "4")
    assert "nothing is left open" in embank("execution", "show", id_).stdout
    assert (work / "outer-log").read_text() == "thawed\n", "what was closed is not closed again"


def test_nothing_is_run_again_when_nothing_is_open(failed: tuple[Path, str], embank: Embank) -> None:
    work, id_ = failed
    mend(work)
    assert embank("resume", id_).returncode == 4
    again = embank("resume", id_)
    assert again.returncode == 64
    assert "has ended (ERROR), and nothing of it is open" in again.stderr


def test_the_lease_is_given_back(failed: tuple[Path, str], embank: Embank) -> None:
    work, id_ = failed
    mend(work)
    assert embank("resume", id_).returncode == 4
    done = embank("checkpoint", "delete", "--provider", "local", id_)
    assert done.returncode == 0, done.stderr


def test_the_log_tells_both_rounds(failed: tuple[Path, str], embank: Embank) -> None:
    work, id_ = failed
    mend(work)
    embank("resume", id_)
    log = embank("execution", "logs", id_).stdout
    before, _, after = log.partition("FAILED    cleanup/application_inner_ready")
    assert "FAILED    activities/application_inner_pre" in before
    assert "done      cleanup/application_inner_ready" in after


def test_the_command_that_is_shown_can_be_pasted_anywhere(failed: tuple[Path, str], embank: Embank) -> None:
    """It has the state directory, unless that is the one which is looked in without being named."""
    work, first = failed
    done = embank("run", "apps.yaml", "--state-dir", "it's here")
    assert done.returncode == 5, done.stderr
    (directory,) = (work / "it's here" / "executions").iterdir()
    where = shlex.join(["--state-dir", str(work / "it's here")])
    show = embank("execution", "show", directory.name, EMBANK_STATE_DIR="it's here")
    for text in (done.stdout, show.stdout):
        (line,) = (line for line in text.splitlines() if "embank resume" in line)
        assert line.endswith(f"embank resume {directory.name} {where}")
    assert embank("execution", "show", first).stdout.count("--state-dir") == 0
    mend(work)
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    said = [
        subprocess.run(
            ["/bin/bash", "-c", line[line.index("embank resume") :]],
            cwd="/", env=environment, capture_output=True, text=True, timeout=300,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert [each.returncode for each in said] == [4, 64], said
    assert f"`embank execution show {directory.name} {where}` tells how it went" in said[1].stderr
