"""One cloud for all processes of a run: tests that have it alone, and what is left of it when they are killed."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kit.openstack.environment import ROOT
from kit.openstack.turns import turn

PATIENCE = 180  # s
USES_IT = """
import pathlib, sys, time
from kit.openstack.cloud import shared_cloud
with shared_cloud(pathlib.Path(sys.argv[1])) as cloud:
    print(cloud.admin.current_user_id, flush=True)
    time.sleep(600)
"""


def test_many_at_a_time_or_one_alone(tmp_path: Path) -> None:
    """Who waits to be alone comes before those who come later."""
    inside, done, said = threading.Barrier(3), threading.Event(), list[str]()

    def one_of_many() -> None:
        with turn(tmp_path, alone=False):
            inside.wait(PATIENCE)
            assert done.wait(PATIENCE)
            said.append("many")

    def alone() -> None:
        with turn(tmp_path, alone=True):
            said.append("alone")

    def late() -> None:
        with turn(tmp_path, alone=False):
            said.append("late")

    with ThreadPoolExecutor(4) as pool:
        ended = [pool.submit(one_of_many) for _ in range(2)]
        inside.wait(PATIENCE)
        ended.append(pool.submit(alone))
        while not gate_is_closed(tmp_path):
            time.sleep(0.01)
        ended.append(pool.submit(late))
        assert said == []
        done.set()
        for each in ended:
            each.result(PATIENCE)
    assert said == ["many", "many", "alone", "late"]


def gate_is_closed(directory: Path) -> bool:
    with (directory / "gate.lock").open("w") as gate:
        try:
            fcntl.flock(gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@pytest.mark.openstack
@pytest.mark.nightly
def test_who_is_killed_leaves_no_cloud(tmp_path: Path) -> None:
    """The other goes on with it; when that is killed, too, no process is left, and no directory."""
    begin = [sys.executable, "-c", USES_IT, str(tmp_path)]
    users = [
        subprocess.Popen(begin, cwd=ROOT / "tests", stdout=subprocess.PIPE, text=True, start_new_session=True)
        for _ in range(2)
    ]
    assert all(each.stdout and each.stdout.readline() for each in users)
    home = Path(json.loads((tmp_path / "cloud.json").read_text())["logs"]).parent
    users[0].kill()
    time.sleep(3)
    assert processes_of(home)
    users[1].kill()
    deadline = time.monotonic() + PATIENCE
    while processes_of(home) or home.exists():
        assert time.monotonic() < deadline, processes_of(home)
        time.sleep(0.5)
    for each in users:
        each.communicate()


def processes_of(home: Path) -> list[str]:
    """The command lines that name its directory."""
    found = subprocess.run(["pgrep", "--full", "--list-full", str(home)], capture_output=True, text=True, check=False)
    return found.stdout.splitlines()
