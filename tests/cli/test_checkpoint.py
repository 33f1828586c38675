"""`embank checkpoint …` for somebody who has to find out what happened."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from kit import forked, quickstart
from kit.prepared import Prepared

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


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return Prepared(tmp_path_factory.mktemp("protected"), quickstart.protect)


class TestAfterAProtect:
    """Of the whole shop."""

    @pytest.fixture
    def shop(self, protected: Prepared) -> Path:
        return protected.as_new()

    @pytest.fixture
    def embank(self, shop: Path) -> Embank:
        return partial(forked.embank, shop)

    @pytest.fixture
    def checkpoint(self, shop: Path) -> Path:
        """The directory of a checkpoint in the bank."""
        (directory,) = (shop / "bank" / "checkpoints").iterdir()
        return directory

    @pytest.mark.parametrize(
        "lost", ["graph/00000001.object", "facts.object", "graph facts.object manifest resources"]
    )
    def test_what_is_left_of_a_checkpoint_can_be_deleted(
        self, checkpoint: Path, lost: str, shop: Path, embank: Embank
    ) -> None:
        """A protect was killed before it said what it holds, or a delete after it had deleted that."""
        for part in lost.split():
            path = checkpoint / part
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        refused = embank("compile", "restore", *PROVIDER, "--checkpoint", checkpoint.name)
        assert refused.returncode in (4, 64)
        done = embank("checkpoint", "delete", *PROVIDER, checkpoint.name)
        assert done.returncode == 0, done.stderr
        assert "warning EMB701" in done.stderr
        assert not [path for path in (shop / "bank").rglob("*") if path.is_file()]

    def test_a_damaged_status_is_shown_and_deleted(self, checkpoint: Path, shop: Path, embank: Embank) -> None:
        (checkpoint / "status" / "00000002.object").write_text("garbage")
        shown = json.loads(embank("checkpoint", "show", *PROVIDER, checkpoint.name, "-f", "json").stdout)
        assert shown["status"] == "error"
        assert "damaged" in shown["reason"]
        assert "damaged" in shown["history"][0]
        assert embank("checkpoint", "delete", *PROVIDER, checkpoint.name).returncode == 0
        assert not [path for path in (shop / "bank").rglob("*") if path.is_file()]

    def test_a_deletion_that_fails_names_a_place_that_can_be_opened(
        self, checkpoint: Path, shop: Path, embank: Embank
    ) -> None:
        (checkpoint / "status").chmod(0o555)
        done = embank("checkpoint", "delete", *PROVIDER, checkpoint.name)
        (checkpoint / "status").chmod(0o755)
        assert done.returncode == 4, done.stderr
        (place,) = re.findall(r"failed: begin .*\[(\S+):(\d+):\d+\]", done.stdout)
        assert (shop / place[0]).read_text().splitlines()[int(place[1]) - 1] == "    begin:"
        execution = Path(place[0]).parent.name
        assert f"[{place[0]}:{place[1]}:" in embank("execution", "show", execution).stdout


def test_a_name_as_long_as_a_book_does_not_fill_the_screen(shop: Path, embank: Embank) -> None:
    resources = shop / "resources.yaml"
    resources.write_text(resources.read_text().replace("Receipts and pictures", "x" * 5000))
    embank("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "protect.yaml")
    assert embank("run", "protect.yaml").returncode == 0
    (directory,) = (shop / "bank" / "checkpoints").iterdir()
    table = embank("checkpoint", "show", *PROVIDER, directory.name)
    assert max(map(len, table.stdout.splitlines())) < 250
    exact = json.loads(embank("checkpoint", "show", *PROVIDER, directory.name, "-f", "json").stdout)
    assert "Local::Directory#shop-files  " + "x" * 5000 in exact["resources"]
