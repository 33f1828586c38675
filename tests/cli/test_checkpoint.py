"""`embank checkpoint …` for somebody who has to find out what happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Embank = Callable[..., subprocess.CompletedProcess[str]]
EMBANK = Path(sys.executable).parent / "embank"
PROVIDER = ("--provider", "quickstart")


@pytest.fixture
def killed(shop: Path, embank: Embank) -> str:
    """The checkpoint of a protect that was killed while the shop was being frozen."""
    provider = shop / "providers.d" / "quickstart.conf"
    script = shop / "freeze"
    script.write_text(f"#!/bin/sh\necho $$ > {shop}/part; mv {shop}/part {shop}/frozen\nexec sleep 60\n")
    script.chmod(0o755)
    text = provider.read_text().replace("$here/../shop/shopctl freeze", str(script))
    provider.write_text(text)
    done = embank("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "protect.yaml")
    assert done.returncode == 0, done.stderr
    run = subprocess.Popen(
        [EMBANK, "run", "protect.yaml"], cwd=shop, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not (shop / "frozen").exists():
        assert time.monotonic() < deadline
        assert run.poll() is None
        time.sleep(0.02)
    run.send_signal(signal.SIGKILL)
    run.wait()
    os.kill(int((shop / "frozen").read_text()), signal.SIGKILL)  # the freeze command, which outlived its runner
    return embank("checkpoint", "list", *PROVIDER, "-f", "value", "-c", "id").stdout.strip()


def test_after_a_kill_people_see_what_is_open_and_until_when_it_is_leased(killed: str, embank: Embank) -> None:
    shown = json.loads(embank("checkpoint", "show", *PROVIDER, killed, "-f", "json").stdout)
    assert shown["status"] == "protecting"
    assert shown["open"] == [f"Local::Application#shop  pre  (execution {killed})"]
    owner, _, until = shown["lease"].split()
    assert owner == killed
    assert until.endswith("Z")
    refused = embank("checkpoint", "delete", *PROVIDER, killed)
    assert refused.returncode == 7
    assert f"until {until}: wait until it has ended; if it was killed, try again after that time" in refused.stderr
    verified = embank("checkpoint", "verify", *PROVIDER, killed)
    assert (verified.returncode, verified.stdout) == (1, "")
    assert verified.stderr == f"the checkpoint {killed} is protecting: it is not whole, nothing was verified\n"


def test_an_empty_bank_says_so_beside_the_data(shop: Path, embank: Embank) -> None:
    listed = embank("checkpoint", "list", *PROVIDER, "-f", "json")
    assert (listed.returncode, json.loads(listed.stdout)) == (0, [])
    assert listed.stderr == "the bank has no checkpoints\n"
