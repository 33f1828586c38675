"""A shop with everything that can be frozen, held or started, and programs that kill what protects it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kit import forked

PROGRAMS = Path(__file__).resolve().parent / "programs"

PROVIDER = """
[provider]
name = shop
id = 0a7bdc0e-47a5-4d5f-9f43-0d4f1f0b7d11
description = A shop, with volumes that somebody else has made a plugin for
bank = karbor.protections.embank-filesystem-bank-plugin
plugin = karbor.protections.embank-application-protection-plugin
plugin = karbor.protections.embank-directory-protection-plugin
plugin = karbor.protections.embank-sqlite-protection-plugin
plugin = karbor.protections.remote-volume
[filesystem_bank]
path = $here/../bank
[remote_volume]
service = $here/../service
[local_application]
application = shop
contains = shop Local::Directory#files Local::SQLite#orders
freeze = shop /bin/touch $here/../frozen
thaw = shop /bin/rm -f $here/../frozen
stop = shop /bin/touch $here/../stopped
start = shop /bin/rm -f $here/../stopped
[local_directory]
directory = files $here/../shop/files
[local_sqlite]
database = orders $here/../shop/orders.sqlite
"""
GRAPH = """
version: 1
resources:
  - type: Local::Application
    id: shop
    dependents:
      - {type: Local::Directory, id: files}
      - {type: Local::SQLite, id: orders}
      - {type: Remote::Volume, id: v1}
  - {type: Local::Directory, id: files}
  - {type: Local::SQLite, id: orders}
  - {type: Remote::Volume, id: v1}
"""
PLAN = """
version: 1
name: shop
provider: shop
resources: [{under: {type: Local::Application, id: shop}}]
policies:
  Remote::Volume: {timeout: 60}
"""


class Shop:
    """A directory with a shop, and `embank` in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.world = path / "world"
        self.site = path / "site"

    @property
    def environment(self) -> dict[str, str]:
        """With the plugin."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith("EMBANK_")}
        return {**clean, "PYTHONPATH": os.pathsep.join((str(self.site), clean.get("PYTHONPATH", "")))}

    def build(self, retries: int = 0) -> None:
        """The shop, its provider, the plugin as pip would leave it there, and a compiled `protect`."""
        information = self.site / "remote-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: remote\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text(
            "[karbor.protections]\nremote-volume = remote_volume:RemoteVolume\n"
        )
        shutil.copy(PROGRAMS / "remote_volume.py", self.site)
        for name in ("providers.d", "shop/files", "service/operations"):
            (self.world / name).mkdir(parents=True)
        (self.world / "providers.d" / "shop.conf").write_text(PROVIDER)
        (self.world / "resources.yaml").write_text(GRAPH)
        more = f"retry: {{count: {retries}, delay: 1}}, " if retries else ""
        (self.world / "plan.yaml").write_text(PLAN.replace("timeout", f"{more}timeout"))
        (self.world / "shop" / "files" / "1.txt").write_text("Receipt 1\n")
        database = sqlite3.connect(self.world / "shop" / "orders.sqlite")
        database.execute("CREATE TABLE orders (number INTEGER PRIMARY KEY, item TEXT)")
        database.execute("INSERT INTO orders VALUES (1, 'tea')")
        database.commit()
        database.close()
        self.embank("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "workflow.yaml")

    def embank(self, *arguments: str, code: int = 0) -> str:
        """Run a command; gives what it printed on stdout."""
        done = forked.embank(self.world, *arguments, PYTHONPATH=str(self.site))
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def protect(self) -> str:
        """Protect it; gives the checkpoint's id."""
        self.embank("run", "workflow.yaml")
        (checkpoint,) = self.embank("checkpoint", "list", "--provider", "shop", "-f", "value", "-c", "id").split()
        return checkpoint

    def compile(self, operation: str, checkpoint: str) -> None:
        """A workflow of the checkpoint instead, and no trace of earlier executions."""
        self.embank("compile", operation, "--provider", "shop", "--checkpoint", checkpoint, "-o", "workflow.yaml")
        shutil.rmtree(self.world / ".embank")
        for name in ("started", "ran"):
            (self.world / "service" / name).unlink()

    def service(self, name: str, text: str) -> None:
        """Tell the service something (see remote_volume.py)."""
        (self.world / "service" / name).write_text(text)

    def lose_everything(self) -> None:
        """A disaster."""
        shutil.rmtree(self.world / "shop" / "files")
        (self.world / "shop" / "orders.sqlite").unlink()

    def sweep(self, mode: str = "run", first: int = 0, *, every: int = 1) -> Iterator[Killed]:
        """Kill it at every record of its journal in turn (see kill_points.py)."""
        command = [sys.executable, str(PROGRAMS / "kill_points.py"), str(self.path), mode, str(every), str(first)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment
        )
        count = 0
        with process:
            assert process.stdout is not None
            assert process.stderr is not None
            for line in process.stdout:
                found = json.loads(line)
                if "records" in found:
                    assert count >= 10 / every
                    return
                count += 1
                yield Killed(found)
            raise AssertionError(process.stderr.read())


class Killed:
    """What came of one kill and the resume after it."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.found = found

    def __getattr__(self, name: str) -> Any:
        return self.found[name]

    @contextmanager
    def told(self) -> Iterator[None]:
        """Add the whole story to what an assertion says."""
        try:
            yield
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self}") from None

    def __str__(self) -> str:
        code, out, err = self.resume
        dead, ended = self.dead["show"], self.ended["show"]
        resumed = f"{err}{out}resume exited with {code}\n"
        return f"killed at {self.at}, after {self.had['events'][-1:]}\n{dead}\n\n{resumed}\n{ended}"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Callable[..., Shop]]:
    """`shop(retries=0)`: built, with a compiled workflow."""

    def make(retries: int = 0) -> Shop:
        shop = Shop(tmp_path)
        shop.build(retries)
        return shop

    return make
