"""Local::Application: commands that freeze, hang, fail, flood, and leave things behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embank.conformance.driver import Driver, KitContext, Subject
from embank.conformance.faults.faulty_bank import FaultyBank
from embank.plugins import Bank, Operation, Phase, Poll, Resource
from embank_plugins.local import LocalError
from embank_plugins.local.application.plugin import ApplicationPlugin
from embank_plugins.local.command import TAIL, run

RESOURCE = Resource("Local::Application", "shop", "Shop")


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str, str], Path]:
    """`script(name, text)` makes a shell script."""

    def make(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    return make


def finish(polls: Any) -> int:
    """Poll to the end; how often."""
    count = 0
    for poll in polls:
        assert isinstance(poll, Poll)
        time.sleep(poll.after)
        count += 1
    return count


def test_commands_run_in_their_phases_and_know_what_they_are_for(
    configure: Any, drive: Any, script: Any, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    told = "$EMBANK_OPERATION $EMBANK_CHECKPOINT $EMBANK_EXECUTION $EMBANK_RESOURCE"
    ctl = script("ctl", f'echo "$1:$2 {told}" >> {log}')
    lines = [f"{verb} = shop {ctl} {verb} '{verb} it'" for verb in ("freeze", "thaw", "stop", "start")]
    plugin = configure(ApplicationPlugin, "\n".join(["[local_application]", "application = shop", *lines]))
    driver: Driver = drive(plugin, RESOURCE)
    checkpoint = driver.protect()
    context = driver.run(Operation.RESTORE, driver.again(checkpoint, "restore-7"))
    assert log.read_text().splitlines() == [
        "freeze:freeze it protect kit kit shop",
        "thaw:thaw it protect kit kit shop",
        "stop:stop it restore kit restore-7 shop",
        "start:start it restore kit restore-7 shop",
    ]
    assert context.restored(RESOURCE) == {"id": "shop"}


@pytest.mark.parametrize(("operation", "closer"), [(Operation.PROTECT, Phase.READY), (Operation.RESTORE, Phase.POST)])
def test_thawing_and_starting_ask_nothing_of_the_bank(
    configure: Any, drive: Any, bank: Bank, operation: Operation, closer: Phase
) -> None:
    """It may hang; then the application would be said to be frozen, which it is not."""
    verbs = ("freeze", "thaw", "stop", "start")
    lines = [f"{verb} = shop /bin/true" for verb in verbs]
    plugin = configure(ApplicationPlugin, "\n".join(["[local_application]", "application = shop", *lines]))
    checkpoint = drive(plugin, RESOURCE).protect()
    faulty = FaultyBank(bank)
    driver = Driver(Subject(plugin, RESOURCE, lambda: None, lambda: None), faulty)
    mine = driver.again(checkpoint, "mine")
    context = KitContext(mine, operation)
    before = len(faulty.calls)
    driver.call(operation, closer, mine, context)
    assert len(faulty.calls) == before


def test_an_application_without_commands_only_groups(configure: Any, drive: Any) -> None:
    plugin = configure(ApplicationPlugin, "[local_application]\napplication = shop")
    driver = drive(plugin, RESOURCE)
    checkpoint = driver.protect()
    for operation in (Operation.VERIFY, Operation.RESTORE):
        assert driver.run(operation, driver.again(checkpoint, str(operation))).messages == []


def test_a_definition_that_changed_is_told(configure: Any, drive: Any) -> None:
    text = "[local_application]\napplication = shop\ncontains = shop Local::SQLite#orders"
    checkpoint = drive(configure(ApplicationPlugin, text), RESOURCE).protect()
    driver = drive(configure(ApplicationPlugin, "[local_application]\napplication = shop"), RESOURCE)
    (message,) = driver.run(Operation.RESTORE, driver.again(checkpoint, "restore")).messages
    assert message == "Local::Application#shop is defined otherwise than when it was protected"
    (message,) = driver.run(Operation.VERIFY, driver.again(checkpoint, "verify")).messages
    assert message.endswith("contains what this checkpoint does not have: Local::SQLite#orders")


def test_a_failing_freeze_says_its_last_line(configure: Any, drive: Any, script: Any) -> None:
    ctl = script("ctl", "echo first; echo 'cannot \033[31mreach the shop' >&2; echo; exit 3")
    text = f"[local_application]\napplication = shop\nfreeze = shop {ctl}\nthaw = shop /bin/true"
    driver = drive(configure(ApplicationPlugin, text), RESOURCE)
    with pytest.raises(LocalError) as failure:
        driver.run(Operation.PROTECT, driver.begin())
    assert str(failure.value) == "the freeze command exited with 3: cannot \\x1b[31mreach the shop"


def test_a_freeze_that_hangs_is_ended_with_all_its_processes(
    configure: Any, drive: Any, script: Any, tmp_path: Path
) -> None:
    """Otherwise it would freeze the application after it was thawed."""
    ctl = script("ctl", f"trap '' TERM; sleep 1000 & echo $! > {tmp_path}/pid; echo waiting for the shop; wait; wait")
    text = (
        f"[local_application]\napplication = shop\nfreeze = shop {ctl}\nthaw = shop /bin/true\nfreeze_timeout = 0.5"
    )
    driver = drive(configure(ApplicationPlugin, text), RESOURCE)
    with pytest.raises(LocalError, match=r"did not end within 0.5 s: waiting for the shop"):
        driver.run(Operation.PROTECT, driver.begin())
    assert_gone(int((tmp_path / "pid").read_text()))


def test_an_activity_that_is_given_up_ends_its_command(
    configure: Any, drive: Any, script: Any, tmp_path: Path
) -> None:
    ctl = script("ctl", f"sleep 1000 & echo $! > {tmp_path}/part; mv {tmp_path}/part {tmp_path}/pid; wait")
    text = f"[local_application]\napplication = shop\nfreeze = shop {ctl}\nthaw = shop /bin/true"
    plugin = configure(ApplicationPlugin, text)
    checkpoint = drive(plugin, RESOURCE).begin()
    polls = plugin.activity_protect_pre(checkpoint, KitContext(checkpoint, Operation.PROTECT), RESOURCE, {})
    while not (tmp_path / "pid").exists():
        time.sleep(next(polls).after)
    polls.close()
    assert_gone(int((tmp_path / "pid").read_text()))


def test_a_command_ends_when_its_runner_is_killed(script: Any, tmp_path: Path) -> None:
    """Otherwise it would freeze the application after another runner has thawed it."""
    ctl = script(
        "ctl", f"trap '' TERM; sleep 1000 & echo $! > {tmp_path}/part; mv {tmp_path}/part {tmp_path}/pid; wait"
    )
    runner = os.fork()
    if not runner:
        try:
            finish(run("freeze", [str(ctl)], {}, timeout=60))
        finally:
            os._exit(1)
    while not (tmp_path / "pid").exists():
        time.sleep(0.01)
    os.kill(runner, signal.SIGKILL)
    os.waitpid(runner, 0)
    assert_gone(int((tmp_path / "pid").read_text()))


def test_a_command_has_no_children_but_its_own(script: Any) -> None:
    """One that waits for all of them must not wait for ours."""
    finish(run("freeze", [sys.executable, "-c", "import os\ntry: os.wait()\nexcept ChildProcessError: pass"], {}, 60))


def assert_gone(pid: int) -> None:
    """Or a zombie that nobody has waited for: it runs nothing any more."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except (FileNotFoundError, ProcessLookupError):
            return
        time.sleep(0.01)
    pytest.fail(f"process {pid} is still there")


def test_a_flood_of_output_is_read_and_not_kept(script: Any) -> None:
    ctl = script("ctl", "head -c 20000000 /dev/zero | tr '\\0' 'x'; echo; echo the end; exit 1")
    polls = run("freeze", [str(ctl)], {}, timeout=60)
    with pytest.raises(LocalError, match="exited with 1: the end"):
        finish(polls)
    ctl = script("ctl", "head -c 20000000 /dev/zero | tr '\\0' 'x'; exit 1")
    with pytest.raises(LocalError) as failure:
        finish(run("freeze", [str(ctl)], {}, timeout=60))
    assert len(str(failure.value)) < TAIL


def test_a_command_may_leave_a_daemon_behind(script: Any, tmp_path: Path) -> None:
    """As `start` does. That it keeps our pipe open holds nobody up."""
    ctl = script("ctl", f"sleep 1000 & echo $! > {tmp_path}/pid")
    finish(run("start", [str(ctl)], {}, timeout=60))
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, 0)
    os.kill(pid, 9)


def test_commands_have_nothing_to_read_and_no_shell(script: Any, tmp_path: Path) -> None:
    ctl = script("ctl", f'printf "%s|" "$@" > {tmp_path}/arguments; cat')
    finish(run("freeze", [str(ctl), "$(touch pwned)", "a b", "", "*"], {}, timeout=60))
    assert (tmp_path / "arguments").read_text() == "$(touch pwned)|a b||*|"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("/nowhere/ctl", "cannot be started: No such file or directory"),
        ("/etc/passwd", "cannot be started: Permission denied"),
        ("/", "cannot be started: Permission denied"),
        ("/bin/\0", "cannot be started: embedded null byte"),
    ],
)
def test_commands_that_cannot_be_started(command: str, message: str) -> None:
    with pytest.raises(LocalError, match=message):
        finish(run("freeze", [command], {}, timeout=60))


def test_a_command_that_is_killed_says_so(script: Any) -> None:
    with pytest.raises(LocalError, match="was ended by SIGKILL"):
        finish(run("freeze", [str(script("ctl", "kill -9 $$"))], {}, timeout=60))


def test_polls_come_soon_at_first_and_then_less_often(script: Any) -> None:
    """A freeze window should not be longer for our sleeping; a slow command should not cost a core."""
    pauses = []
    for poll in run("freeze", [str(script("ctl", "sleep 1.5"))], {}, timeout=60):
        pauses.append(poll.after)
        time.sleep(poll.after)
    assert pauses[0] <= 0.02
    assert pauses == sorted(pauses)
    assert pauses[-1] == 0.25


def test_thawing_is_said_to_close_freezing() -> None:
    plugin: Any = ApplicationPlugin
    assert plugin.activity_protect_ready.embank_closes is Phase.PRE
    assert plugin.activity_restore_post.embank_closes is Phase.PRE


@pytest.mark.parametrize("operation", [Operation.PROTECT, Operation.RESTORE])
def test_nothing_is_frozen_or_stopped_by_an_activity_that_was_given_up(
    configure: Any, drive: Any, script: Any, tmp_path: Path, operation: Operation
) -> None:
    """It timed out while the bank took long, and its closer has run."""
    halt = script("halt", f"touch {tmp_path}/halted")
    pairs = (("freeze", "thaw"), ("stop", "start"))
    lines = [f"{opens} = shop {halt}\n{closes} = shop /bin/true" for opens, closes in pairs]
    plugin = configure(ApplicationPlugin, "\n".join(["[local_application]", "application = shop", *lines]))
    driver: Driver = drive(plugin, RESOURCE)
    checkpoint = driver.begin()
    checkpoint.section(RESOURCE).save({"name": "shop", "contains": [], "commands": []})
    with pytest.raises(LocalError, match="given up"):
        driver.call(operation, Phase.PRE, checkpoint, KitContext(checkpoint, operation, cancelled=True))
    assert not (tmp_path / "halted").exists()
