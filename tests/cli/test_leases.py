"""Two operations on one checkpoint, owners that are killed, and owners that wake up late: real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

Embank = Callable[..., subprocess.CompletedProcess[str]]
EMBANK = Path(sys.executable).parent / "embank"
AT = ("--provider", "held")
PLUGIN = '''
    from pathlib import Path
    from embank.plugins import Poll, ProtectionPlugin, closes
    from oslo_config import cfg

    class Held(ProtectionPlugin):
        """Does each operation when the file `hold-<operation>` is gone; is frozen while there is a file `frozen`."""

        resource_types = ("Test::Held",)

        @classmethod
        def options(cls):
            return {"held": [cfg.StrOpt("place")]}

        def hold(self, name):
            place = Path(self.conf.held.place)
            (place / f"at-{name}").touch()
            while (place / f"hold-{name}").exists():
                yield Poll(after=0.02)

        def activity_protect_pre(self, checkpoint, context, resource, parameters):
            """Freeze."""
            (Path(self.conf.held.place) / "frozen").touch()
            yield from self.hold("freeze")

        @closes("pre")
        def activity_protect_ready(self, checkpoint, context, resource, parameters):
            """Thaw."""
            (Path(self.conf.held.place) / "frozen").unlink(missing_ok=True)

        def activity_protect_parallel(self, checkpoint, context, resource, parameters):
            """Copy."""
            yield from self.hold("protect")
            checkpoint.section(resource).write("data", [b"data"])

        def activity_restore_parallel(self, checkpoint, context, resource, parameters):
            """Restore."""
            yield from self.hold("restore")
            assert b"".join(checkpoint.section(resource).read("data")) == b"data"
            context.record_restored(resource, {"id": "new"})

        def activity_verify_parallel(self, checkpoint, context, resource, parameters):
            """Verify."""
            yield from self.hold("verify")

        def activity_delete_parallel(self, checkpoint, context, resource, parameters):
            """Delete."""
            yield from self.hold("delete")
            checkpoint.section(resource).clear()
'''
PROVIDER = """
[provider]
name = held
id = 7a1f6a5c-32cc-4a8e-8d0b-2f6d0f6f2b11
description = What can be held up
bank = karbor.protections.embank-filesystem-bank-plugin
plugin = karbor.protections.held
[filesystem_bank]
path = $here/../bank
[held]
place = $here/..
"""


class Held:
    """A place where operations can be held up, and the processes that are."""

    def __init__(self, place: Path, site: Path, embank: Embank) -> None:
        self.place = place
        self.environment = {"PYTHONPATH": str(site)}
        self._embank = embank
        self.processes: list[subprocess.Popen[str]] = []
        (place / "providers.d").mkdir()
        (place / "providers.d" / "held.conf").write_text(PROVIDER)
        (place / "plan.yaml").write_text(
            "version: 1\nname: held\nprovider: held\nresources: [{type: Test::Held, id: it}]\n"
        )
        (place / "resources.yaml").write_text("version: 1\nresources: [{type: Test::Held, id: it}]\n")
        self.do("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "protect.yaml")

    def embank(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._embank(*arguments, **self.environment)

    def do(self, *arguments: str) -> str:
        done = self.embank(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def compile(self, operation: str, checkpoint: str) -> None:
        self.do("compile", operation, *AT, "--checkpoint", checkpoint, "-o", f"{operation}.yaml")

    def hold(self, *arguments: str, at: str) -> subprocess.Popen[str]:
        """Begin something in another process, until it is held up."""
        (self.place / f"hold-{at}").touch()
        (self.place / f"at-{at}").unlink(missing_ok=True)
        settings = {key: value for key, value in os.environ.items() if not key.startswith(("EMBANK_", "OS_"))}
        process = subprocess.Popen(
            [EMBANK, *arguments], cwd=self.place, env=settings | self.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.processes.append(process)
        deadline = time.monotonic() + 120
        while not (self.place / f"at-{at}").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return process

    def let_go(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        """Hold nothing up any more: the exit code and the output of a process."""
        for file in self.place.glob("hold-*"):
            file.unlink()
        output = process.communicate(timeout=120)[0]
        return process.returncode, output

    @property
    def checkpoint(self) -> str:
        (id,) = json.loads(self.do("checkpoint", "list", *AT, "-f", "json"))
        return str(id["id"])

    def show(self, checkpoint: str) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.do("checkpoint", "show", *AT, checkpoint, "-f", "json"))
        return shown

    def let_the_lease_end(self) -> None:
        """As if a quarter of an hour had passed."""
        (leases,) = (self.place / "bank" / "checkpoints").glob("*/leases")
        last = max(leases.iterdir())
        last.write_text(json.dumps(json.loads(last.read_text()) | {"expires": "2020-01-01T00:00:00.000Z"}))

    @property
    def files(self) -> list[Path]:
        return [path for path in (self.place / "bank").rglob("*") if path.is_file()]


@pytest.fixture
def held(tmp_path: Path, install: Callable[..., Path], embank: Embank) -> Iterator[Held]:
    site = install("held", {"karbor.protections": {"held": "held_plugin:Held"}}, held_plugin=PLUGIN)
    held = Held(tmp_path, site, embank)
    yield held
    for process in held.processes:
        if process.poll() is None:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()


def begin(held: Held, operation: str) -> tuple[subprocess.Popen[str], str]:
    """An operation that is held up, and the checkpoint that it works on."""
    if operation == "protect":
        process = held.hold("run", "protect.yaml", at="protect")
        return process, held.checkpoint
    held.do("run", "protect.yaml")
    checkpoint = held.checkpoint
    for name in ("restore", "delete", "verify"):
        held.compile(name, checkpoint)
    return held.hold("run", f"{operation}.yaml", at=operation), checkpoint


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("protect", "delete"),
        ("delete", "restore"),
        ("delete", "delete"),
        ("restore", "delete"),
        ("restore", "verify"),
    ],
)
def test_the_second_of_two_is_told_who_is_at_work_and_until_when(held: Held, first: str, second: str) -> None:
    process, checkpoint = begin(held, first)
    shown = held.show(checkpoint)
    owner, _, until = shown["lease"].split()
    if first == "protect":
        refused = held.embank("checkpoint", "delete", *AT, checkpoint)
    else:
        refused = held.embank("run", f"{second}.yaml")
    held_up = f"in use by execution '{owner}' until {until}: wait until it has ended"
    nothing = f"this execution had not begun: it has changed nothing in the checkpoint {checkpoint}"
    if (first, second) == ("delete", "restore"):  # it can see without a lease that there is nothing to restore
        assert refused.returncode == 4, refused.stdout
        assert f"the checkpoint {checkpoint} is deleting: there is nothing to restore" in refused.stdout
    else:
        assert refused.returncode == 7, refused.stdout
        assert held_up in refused.stderr
        assert held_up in refused.stdout
        assert "somebody else holds the checkpoint; nothing was touched" in refused.stdout
    assert nothing in refused.stderr
    assert held.show(checkpoint) == shown, "the refused one has changed something"
    code, output = held.let_go(process)
    assert code == 0, output
    if first == "delete":
        assert held.files == []
    else:
        held.do("checkpoint", "verify", *AT, checkpoint)
        assert held.show(checkpoint)["lease"] == ""


def test_who_was_killed_is_succeeded_when_the_lease_is_over(held: Held) -> None:
    process, checkpoint = begin(held, "restore")
    process.kill()
    process.wait()
    assert held.embank("checkpoint", "delete", *AT, checkpoint).returncode == 7
    assert held.show(checkpoint)["status"] == "available"
    held.let_the_lease_end()
    held.do("checkpoint", "delete", *AT, checkpoint)
    assert held.files == []


def test_who_resumes_takes_the_lease_at_once(held: Held) -> None:
    """Which everybody else has to wait for."""
    process, checkpoint = begin(held, "protect")
    process.kill()
    process.wait()
    assert held.embank("checkpoint", "delete", *AT, checkpoint).returncode == 7
    (held.place / "hold-protect").unlink()
    held.do("resume", checkpoint)  # the id of the checkpoint is that of the execution
    held.do("checkpoint", "verify", *AT, checkpoint)


@pytest.mark.nightly
@pytest.mark.parametrize("operation", ["restore", "verify"])
def test_what_can_do_nothing_with_a_killed_protect_takes_no_lease_from_it(held: Held, operation: str) -> None:
    """The lease is over: had a restore taken it only to see that there is nothing to restore, nobody could resume."""
    held.do("run", "protect.yaml")
    whole = held.checkpoint
    held.compile(operation, whole)
    workflow = held.place / f"{operation}.yaml"
    held.do("checkpoint", "delete", *AT, whole)
    process, checkpoint = begin(held, "protect")
    process.kill()
    process.wait()
    held.let_the_lease_end()
    workflow.write_text(workflow.read_text().replace(whole, checkpoint))
    refused = held.embank("run", workflow.name)
    assert refused.returncode == 4
    assert f"is protecting: there is nothing to {operation}" in refused.stdout
    (held.place / "hold-protect").unlink()
    held.do("resume", checkpoint)
    held.do("checkpoint", "verify", *AT, checkpoint)


@pytest.mark.parametrize("at", ["freeze", pytest.param("protect", marks=pytest.mark.nightly)])
def test_who_wakes_up_after_the_checkpoint_was_deleted_leaves_nothing_and_thaws(held: Held, at: str) -> None:
    process = held.hold("run", "protect.yaml", at=at)
    checkpoint = held.checkpoint
    process.send_signal(signal.SIGSTOP)
    held.let_the_lease_end()
    held.do("checkpoint", "delete", *AT, checkpoint)
    assert held.files == []
    process.send_signal(signal.SIGCONT)
    code, output = held.let_go(process)
    assert code == 4, output
    assert f"there is no checkpoint {checkpoint}: it was deleted, or this is not the bank that it is in" in output
    assert held.files == []
    assert not (held.place / "frozen").exists()


@pytest.mark.nightly
def test_who_wakes_up_while_another_deletes_writes_nothing(held: Held) -> None:
    process = held.hold("run", "protect.yaml", at="protect")
    checkpoint = held.checkpoint
    process.send_signal(signal.SIGSTOP)
    held.let_the_lease_end()
    deleting = held.hold("checkpoint", "delete", *AT, checkpoint, at="delete")
    (held.place / "hold-protect").unlink()
    process.send_signal(signal.SIGCONT)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 7, output
    assert f"the lease 1 on checkpoint {checkpoint} was lost: execution" in output
    assert held.show(checkpoint)["status"] == "deleting"
    code, output = held.let_go(deleting)
    assert code == 0, output
    assert held.files == []


def test_a_damaged_lease_record_is_told_of_and_ends(held: Held) -> None:
    held.do("run", "protect.yaml")
    checkpoint = held.checkpoint
    last = max((held.place / "bank" / "checkpoints" / checkpoint / "leases").iterdir())
    last.write_text("{ torn")
    assert held.show(checkpoint)["lease"].startswith("(unknown)  until 2")
    refused = held.embank("checkpoint", "delete", *AT, checkpoint)
    assert refused.returncode == 7
    assert f"the last lease record of checkpoint {checkpoint} is damaged" in refused.stdout
    held.let_the_lease_end()
    held.do("checkpoint", "delete", *AT, checkpoint)
    assert held.files == []


def test_a_bank_that_can_only_be_read(held: Held) -> None:
    """Mounted so, after a disaster: what is in it is listed, shown and verified; nothing else is pretended."""
    held.do("run", "protect.yaml")
    checkpoint = held.checkpoint
    below = [held.place / "bank", *(held.place / "bank").rglob("*")]
    for path in below:
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        assert held.checkpoint == checkpoint
        assert held.show(checkpoint)["status"] == "available"
        assert "all as written; it is available" in held.do("checkpoint", "verify", *AT, checkpoint)
        held.compile("restore", checkpoint)
        refused = held.embank("checkpoint", "delete", *AT, checkpoint)
        assert refused.returncode == 4
        assert "Permission denied" in refused.stdout
    finally:
        for path in below:
            path.chmod(0o700 if path.is_dir() else 0o600)
    assert held.show(checkpoint)["status"] == "available"
