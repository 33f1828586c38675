"""The quickstart on a Mistral of several processes, one executor of which is killed in the middle."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kit.mistral.cluster import Cluster, start_cluster

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("cluster")]
EMBANK = Path(sys.executable).parent / "embank"
QUICKSTART = Path(__file__).resolve().parents[2] / "examples" / "quickstart"
SOME, MANY = 12, 60  # files: more than a segment in the bank, and what takes a second to copy
TYPES = ("Local::Application", "Local::Directory", "Local::SQLite")
RETRY = "retry: {count: 3, delay: 1}, timeout: 120"
Embank = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with start_cluster() as started:
        yield started


@pytest.fixture
def shop(tmp_path: Path, cluster: Cluster) -> Path:
    """The quickstart's shop, with files of 8 MiB."""
    for name in ("shop", "resources.yaml"):
        copy = shutil.copytree if (QUICKSTART / name).is_dir() else shutil.copy
        copy(QUICKSTART / name, tmp_path / name)
    policies = "\n".join(f"  {kind}: {{{RETRY}}}" for kind in TYPES)
    plan = (QUICKSTART / "plan.yaml").read_text().partition("policies:")[0]
    (tmp_path / "plan.yaml").write_text(f"{plan}policies:\n{policies}\n")
    (tmp_path / "restore.parameters.yaml").write_text(f"version: 1\npolicies:\n{policies}\n")
    provider = next((QUICKSTART / "providers.d").glob("*.conf")).read_text().replace("$here/..", str(tmp_path))
    (tmp_path / "providers.d").mkdir()
    for directory in (tmp_path / "providers.d", cluster.providers):
        (directory / "local.conf").write_text(provider)
    (tmp_path / "shop" / "files").mkdir()
    fill(tmp_path, SOME)
    with sqlite3.connect(tmp_path / "shop" / "orders.sqlite") as database:
        database.execute("CREATE TABLE orders (number INTEGER PRIMARY KEY, item TEXT, receipt TEXT)")
        database.execute("INSERT INTO orders VALUES (1, 'tea', 'x')")
    database.close()
    return tmp_path


@pytest.fixture
def embank(shop: Path, cluster: Cluster) -> Embank:
    settings = {key: value for key, value in os.environ.items() if not key.startswith(("EMBANK_", "OS_"))}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        env = settings | {"OS_MISTRAL_URL": cluster.url}
        return subprocess.run(
            [EMBANK, *arguments], cwd=shop, env=env, capture_output=True, text=True, timeout=280, check=False
        )

    return run


def is_frozen(shop: Path) -> bool:
    return (shop / "shop" / "control" / "freeze").exists()


def fill(shop: Path, count: int) -> None:
    for number in range(count):
        (shop / "shop" / "files" / f"{number}.raw").write_bytes(os.urandom(8 << 20))


def wait_until_copying(shop: Path) -> None:
    """Until some of the files are in the bank; the others take a while from then on."""
    for _ in range(12_000):
        if any(size_of(path) > 1 << 20 for path in (shop / "bank").rglob("*")):
            return
        time.sleep(0.01)
    raise AssertionError("nothing is copied")


def size_of(path: Path) -> int:
    """0 when it has been renamed meanwhile."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def test_a_killed_executor_costs_time_and_nothing_else(shop: Path, cluster: Cluster, embank: Embank) -> None:
    fill(shop, MANY)
    cluster.kill("executor-2")  # so that it is known who does the work
    compiled = ("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "shop.yaml")
    assert embank(*compiled).returncode == 0
    submitted = embank("submit", "shop.yaml")
    assert submitted.returncode == 0, submitted.stderr
    id_ = submitted.stdout.strip()
    wait_until_copying(shop)
    cluster.kill("executor-1")
    assert is_frozen(shop)
    cluster.launch("executor-2")
    done = embank("watch", id_)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Heartbeat" in embank("execution", "logs", id_).stdout, "the attempt that was lost is told"
    assert not is_frozen(shop)
    shown = json.loads(embank("checkpoint", "show", "--provider", "quickstart", id_, "-f", "json").stdout)
    assert (shown["status"], shown["open"]) == ("available", [])
    verified = embank("checkpoint", "verify", "--provider", "quickstart", id_)
    assert verified.returncode == 0, verified.stderr


def test_protect_lose_restore_verify_delete(shop: Path, cluster: Cluster, embank: Embank) -> None:
    for name in ("executor-1", "executor-2"):
        if cluster.processes[name].poll() is not None:
            cluster.launch(name)
    before = {path.name: path.read_bytes() for path in (shop / "shop" / "files").iterdir()}
    compiled = ("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "shop.yaml")
    assert embank(*compiled).returncode == 0
    assert embank("submit", "shop.yaml", "--watch").returncode == 0
    (id_,) = embank("checkpoint", "list", "--provider", "quickstart", "-f", "value", "-c", "id").stdout.split()
    shutil.rmtree(shop / "shop" / "files")
    (shop / "shop" / "orders.sqlite").unlink()
    for operation in ("verify", "restore", "delete"):
        done = embank(
            "compile", operation, "--provider", "quickstart", "--checkpoint", id_, "-o", f"{operation}.yaml"
        )
        assert done.returncode == 0, done.stderr
        done = embank("submit", f"{operation}.yaml", "--watch")
        assert done.returncode == 0, done.stdout + done.stderr
        if operation == "restore":
            assert {path.name: path.read_bytes() for path in (shop / "shop" / "files").iterdir()} == before
            with sqlite3.connect(shop / "shop" / "orders.sqlite") as database:
                assert database.execute("SELECT item FROM orders").fetchall() == [("tea",)]
            database.close()
    assert not is_frozen(shop)
    assert embank("checkpoint", "list", "--provider", "quickstart", "-f", "value", "-c", "id").stdout == ""
