"""`embank submit|watch|import|cancel|schedule` against a real Mistral, with the local plugins."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.forked import embank as run_embank
from kit.mistral.server import Server

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("commands")]
Embank = Callable[..., subprocess.CompletedProcess[str]]

PROVIDER = """
[provider]
name = local
id = {id}
description = Two applications, one in the other
bank = karbor.protections.embank-filesystem-bank-plugin
plugin = karbor.protections.embank-application-protection-plugin
[filesystem_bank]
path = {work}/bank
[local_application]
application = outer
application = inner
contains = outer Local::Application#inner
freeze = outer /bin/touch {work}/outer-frozen
thaw = outer /bin/rm -f {work}/outer-frozen
freeze = inner /bin/sh {work}/freeze-inner
thaw = inner /bin/sh {work}/thaw-inner
"""
PLAN = "version: 1\nname: apps\nprovider: local\nresources: [{under: {type: Local::Application, id: outer}}]\n"
RESOURCES = """
version: 1
resources:
  - {type: Local::Application, id: outer, dependents: [{type: Local::Application, id: inner}]}
  - {type: Local::Application, id: inner}
"""


@pytest.fixture
def work(tmp_path: Path, mistral: Server, providers: Path) -> Path:
    """A directory with a plan and its workflow; Mistral's executors know its provider, too."""
    provider = PROVIDER.format(work=tmp_path, id=uuid.uuid4())
    (providers / "local.conf").write_text(provider)
    (tmp_path / "providers.d").mkdir()
    (tmp_path / "providers.d" / "local.conf").write_text(provider)
    (tmp_path / "plan.yaml").write_text(PLAN)
    (tmp_path / "resources.yaml").write_text(RESOURCES)
    (tmp_path / "freeze-inner").write_text(f"touch {tmp_path}/inner-frozen\n")
    (tmp_path / "thaw-inner").write_text(f"echo thawed >> {tmp_path}/log; rm -f {tmp_path}/inner-frozen\n")
    return tmp_path


@pytest.fixture
def embank(work: Path, mistral: Server) -> Embank:
    """`embank("submit", …)` in that directory, for that Mistral."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return run_embank(work, *arguments, **{"OS_MISTRAL_URL": mistral.url} | environment)

    done = run("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "apps.yaml")
    assert done.returncode == 0, done.stderr
    return run


def frozen(work: Path) -> list[str]:
    return sorted(path.name for path in work.glob("*-frozen"))


def status(embank: Embank, checkpoint: str) -> str:
    done = embank("checkpoint", "show", "--provider", "local", checkpoint, "-f", "json")
    return str(json.loads(done.stdout)["status"])


def wait_for(file: Path) -> None:
    for _ in range(1200):
        if file.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{file.name} never came")


@pytest.mark.parametrize("lower", ["reverse", "direct"])
def test_the_same_file_is_executed(work: Path, embank: Embank, lower: str) -> None:
    compiled = ("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "apps.yaml")
    assert embank(*compiled, "--lower", lower).returncode == 0
    done = embank("submit", "apps.yaml", "--watch")
    assert done.returncode == 0, done.stderr
    assert "apps_protect: succeeded" in done.stdout
    assert "done      activities/application_inner_pre" in done.stderr
    (id_,) = embank("execution", "list", "-f", "value", "-c", "id").stdout.split()
    assert status(embank, id_) == "available"
    assert frozen(work) == []
    here = embank("run", "apps.yaml")
    assert here.returncode == 0, here.stderr
    assert "tasks: 8 succeeded" in here.stdout
    assert "tasks: 8 succeeded" in done.stdout


def test_restore_verify_and_delete(work: Path, embank: Embank) -> None:
    assert embank("submit", "apps.yaml", "--watch").returncode == 0
    (id_,) = embank("checkpoint", "list", "--provider", "local", "-f", "value", "-c", "id").stdout.split()
    for operation in ("verify", "restore", "delete"):
        file = f"{operation}.yaml"
        done = embank("compile", operation, "--provider", "local", "--checkpoint", id_, "-o", file)
        assert done.returncode == 0, done.stderr
        done = embank("submit", file, "--watch")
        assert done.returncode == 0, done.stdout + done.stderr
    left = embank("checkpoint", "list", "--provider", "local", "-f", "value", "-c", "id")
    assert left.stdout == ""


def test_a_failure_runs_the_closers_and_is_named(work: Path, embank: Embank) -> None:
    (work / "freeze-inner").write_text(f"touch {work}/inner-frozen; echo no room; exit 1\n")
    done = embank("submit", "apps.yaml", "--watch")
    assert done.returncode == 4, done.stdout
    assert "activities/application_inner_pre" in done.stdout
    assert "no room" in done.stdout
    assert "nothing is left open" in done.stdout
    assert frozen(work) == []
    assert (work / "log").read_text() == "thawed\n"


def test_a_closer_that_fails_is_exit_5(work: Path, embank: Embank) -> None:
    (work / "freeze-inner").write_text(f"touch {work}/inner-frozen; exit 1\n")
    (work / "thaw-inner").write_text("echo no route to host; exit 1\n")
    done = embank("submit", "apps.yaml", "--watch")
    assert done.returncode == 5, done.stdout
    assert "no route to host" in done.stdout
    assert "STILL OPEN" in done.stdout
    assert frozen(work) == ["inner-frozen"], "the outer one was thawed all the same"
    (id_,) = embank("execution", "list", "-f", "value", "-c", "id").stdout.split()
    assert f"embank cancel {id_}" in done.stdout.split("STILL OPEN")[1]
    (work / "thaw-inner").write_text(f"rm -f {work}/inner-frozen\n")
    closed = embank("cancel", id_)
    assert closed.returncode == 0, closed.stdout + closed.stderr
    assert frozen(work) == []
    assert "nothing is left open" in embank("execution", "show", id_).stdout


def test_cancel_stops_it_and_closes_what_was_open(work: Path, embank: Embank) -> None:
    (work / "freeze-inner").write_text(
        f"touch {work}/inner-frozen; while [ ! -e {work}/go-on ]; do sleep 0.1; done\n"
    )
    done = embank("submit", "apps.yaml")
    assert done.returncode == 0, done.stderr
    id_ = done.stdout.strip()
    wait_for(work / "inner-frozen")
    shown = embank("execution", "show", id_).stdout
    assert f"embank watch {id_}" in shown
    done = embank("cancel", id_, "--grace", "1")
    (work / "go-on").touch()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "still running after 1 s: application_inner_pre" in done.stderr
    assert "INTERRUPTED" in done.stdout
    assert frozen(work) == []
    assert status(embank, id_) == "error"
    again = embank("cancel", id_)
    assert again.returncode in (0, 64), again.stderr


def test_what_has_ended_is_not_cancelled(embank: Embank) -> None:
    assert embank("submit", "apps.yaml", "--watch").returncode == 0
    (id_,) = embank("execution", "list", "-f", "value", "-c", "id").stdout.split()
    done = embank("cancel", id_)
    assert done.returncode == 64
    assert "has ended (SUCCESS)" in done.stderr


def test_watch_and_import_from_another_machine(work: Path, embank: Embank) -> None:
    """Where nothing is known of it, the workflow comes from Mistral."""
    done = embank("submit", "apps.yaml", "--state-dir", "here")
    id_ = done.stdout.strip()
    watched = embank("watch", id_, "--state-dir", "there", "--events", "events.jsonl")
    assert watched.returncode == 0, watched.stderr
    events = [json.loads(line) for line in (work / "events.jsonl").read_text().splitlines()]
    assert {event["execution"] for event in events} == {id_}
    assert [event["event"] for event in events][-1] == "execution-finished"
    imported = embank("import", id_, "--state-dir", "elsewhere")
    assert imported.returncode == 0, imported.stderr
    for directory in ("there", "elsewhere"):
        assert "succeeded" in embank("execution", "show", id_, "--state-dir", directory).stdout
        assert "done      complete" in embank("execution", "logs", id_, "--state-dir", directory).stdout


def test_an_engine_that_is_not_there(work: Path, embank: Embank) -> None:
    done = embank("submit", "apps.yaml", OS_MISTRAL_URL="http://127.0.0.1:9/v2")
    assert done.returncode == 8
    assert "http://127.0.0.1:9/v2 does not answer" in done.stderr
    assert not (work / ".embank").exists()


def test_an_execution_that_is_not_there(embank: Embank) -> None:
    done = embank("watch", str(uuid.uuid4()))
    assert done.returncode == 8
    assert "has no execution" in done.stderr


def test_schedule(mistral: Server, embank: Embank) -> None:
    name = f"nightly-{uuid.uuid4()}"
    done = embank("schedule", "apps.yaml", "--cron", "0 3 * * *", "--name", name)
    assert done.returncode == 0, done.stderr
    assert "03:00:00" in done.stdout
    trigger = mistral.request("GET", f"/cron_triggers/{name}")
    assert (trigger["workflow_name"], trigger["pattern"]) == ("apps_protect", "0 3 * * *")
    again = embank("schedule", "apps.yaml", "--cron", "0 3 * * *", "--name", name)
    assert again.returncode == 8
    assert embank("schedule", "apps.yaml", "--cron", "whenever", "--name", "odd").returncode == 8


@pytest.mark.nightly
def test_a_schedule_starts_executions(mistral: Server, work: Path, embank: Embank) -> None:
    """Each a checkpoint of its own, which anybody can watch. Mistral knows nothing shorter than a minute."""
    name = f"often-{uuid.uuid4()}"
    assert embank("schedule", "apps.yaml", "--cron", "* * * * *", "--count", "1", "--name", name).returncode == 0
    known = {each["id"] for each in mistral.request("GET", "/executions")["executions"]}
    deadline = time.monotonic() + 150
    started: list[str] = []
    while not started and time.monotonic() < deadline:
        time.sleep(1)
        main = mistral.request("GET", "/executions?workflow_name=apps_protect")["executions"]
        started = [each["id"] for each in main if each["id"] not in known]
    (id_,) = started
    watched = embank("watch", id_)
    assert watched.returncode == 0, watched.stdout + watched.stderr
    assert status(embank, id_) == "available"
    assert frozen(work) == []
