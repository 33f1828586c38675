"""What stays frozen when things go wrong: real applications, real commands, the command line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

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
thaw = outer /bin/rm -f $here/../outer-frozen
freeze = inner {freeze}
thaw = inner {thaw}
"""
GRAPH = """
version: 1
resources:
  - {type: Local::Application, id: outer, dependents: [{type: Local::Application, id: inner}]}
  - {type: Local::Application, id: inner}
"""
PLAN = """
version: 1
name: apps
provider: local
resources: [{under: {type: Local::Application, id: outer}}]
"""


@pytest.fixture
def apps(tmp_path: Path, embank: Embank) -> Callable[[str, str], Path]:
    """Two applications that freeze and thaw; the inner one by these commands."""

    def make(freeze: str, thaw: str) -> Path:
        (tmp_path / "providers.d").mkdir()
        (tmp_path / "providers.d" / "local.conf").write_text(PROVIDER.format(freeze=freeze, thaw=thaw))
        (tmp_path / "plan.yaml").write_text(PLAN)
        (tmp_path / "resources.yaml").write_text(GRAPH)
        done = embank("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "apps.yaml")
        assert done.returncode == 0, done.stderr
        return tmp_path

    return make


def status(embank: Embank) -> list[str]:
    return embank("checkpoint", "list", "--provider", "local", "-f", "value", "-c", "status").stdout.split()


def test_a_freeze_that_fails_thaws_everything_that_was_frozen(
    apps: Callable[[str, str], Path], embank: Embank
) -> None:
    work = apps("/bin/sh -c 'touch $here/../inner-frozen; exit 1'", "/bin/rm -f $here/../inner-frozen")
    done = embank("run", "apps.yaml")
    assert done.returncode == 4, done.stderr
    assert not (work / "outer-frozen").exists()
    assert not (work / "inner-frozen").exists(), "it failed half-way: it may be frozen, so it is thawed"
    assert status(embank) == ["error"]


def test_a_closer_that_fails_keeps_no_other_from_closing(apps: Callable[[str, str], Path], embank: Embank) -> None:
    work = apps("/bin/false", "/bin/sh -c 'echo cannot thaw; exit 1'")
    done = embank("run", "apps.yaml")
    assert done.returncode == 5, done.stderr
    assert not (work / "outer-frozen").exists(), "the outer application must be thawed whatever the inner one does"
    assert "cannot thaw" in done.stderr
    assert "inner" in done.stdout.split("STILL OPEN")[1]
    assert "outer" not in done.stdout.split("STILL OPEN")[1].split("held open")[0]
    assert status(embank) == ["error"]


def test_a_bank_that_vanishes_while_all_is_frozen_keeps_nothing_frozen(
    apps: Callable[[str, str], Path], embank: Embank
) -> None:
    work = apps("/bin/mv $here/../bank $here/../elsewhere", "/bin/true")
    done = embank("run", "apps.yaml")
    assert done.returncode == 4, done.stdout
    assert not (work / "outer-frozen").exists()
    assert "STILL OPEN" not in done.stdout
    assert not (work / "bank").exists(), "an empty bank in the place of the real one"
    (work / "elsewhere").rename(work / "bank")
    assert status(embank) == ["protecting"]


def test_a_bank_that_vanishes_during_a_restore_keeps_nothing_stopped(
    apps: Callable[[str, str], Path], embank: Embank
) -> None:
    work = apps("/bin/true", "/bin/true")
    assert embank("run", "apps.yaml").returncode == 0
    (checkpoint,) = embank("checkpoint", "list", "--provider", "local", "-f", "value", "-c", "id").stdout.split()
    with (work / "providers.d" / "local.conf").open("a") as provider:
        provider.write("stop = outer /bin/touch $here/../stopped\nstart = outer /bin/rm -f $here/../stopped\n")
        provider.write("stop = inner /bin/mv $here/../bank $here/../elsewhere\nstart = inner /bin/true\n")
    done = embank("compile", "restore", "--provider", "local", "--checkpoint", checkpoint, "-o", "restore.yaml")
    assert done.returncode == 0, done.stderr
    done = embank("run", "restore.yaml")
    assert done.returncode == 4, done.stdout
    assert not (work / "stopped").exists()
    assert "STILL OPEN" not in done.stdout


@pytest.mark.parametrize(
    ("application", "database"), [("nope", "shop-orders"), ("shop", "nope")], ids=["application", "database"]
)
def test_what_the_provider_does_not_know_is_not_called_open(
    application: str, database: str, shop: Path, embank: Embank
) -> None:
    """A tenant's misspelt id must wake nobody; and a checkpoint of what is known no more can be deleted."""
    (shop / "resources.yaml").write_text(
        "version: 1\nresources:\n"
        f"- {{type: Local::Application, id: {application}, dependents: [{{type: Local::SQLite, id: {database}}}]}}\n"
        f"- {{type: Local::SQLite, id: {database}}}\n"
    )
    (shop / "plan.yaml").write_text(PLAN.replace("local", "quickstart").replace("outer", application))
    done = embank("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "shop.yaml")
    assert done.returncode == 0, done.stderr
    done = embank("run", "shop.yaml")
    assert done.returncode == 4, done.stdout
    assert "'nope' is not in section" in done.stdout
    assert "STILL OPEN" not in done.stdout
    (left,) = (shop / "bank" / "checkpoints").iterdir()
    done = embank("checkpoint", "delete", "--provider", "quickstart", left.name)
    assert done.returncode == 0, done.stdout
