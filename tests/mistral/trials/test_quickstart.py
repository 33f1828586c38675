"""The example, protected, verified, restored and deleted here and on Mistral."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from embank.journal.directory import StateDirectory
from kit.mistral.trials.result import Result
from kit.mistral.trials.world import World

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("trouble")]
QUICKSTART = Path(__file__).resolve().parents[3] / "examples" / "quickstart"


@pytest.fixture
def shop(tmp_path: Path, world: World) -> Iterator[Path]:
    """The shop, where its provider says that it is."""
    for name in ("shop", "resources.yaml", "plan.yaml"):
        copy = shutil.copytree if (QUICKSTART / name).is_dir() else shutil.copy
        copy(QUICKSTART / name, tmp_path / name)
    file = world.server.providers / "quickstart.conf"
    file.write_text((QUICKSTART / "providers.d" / "quickstart.conf").read_text().replace("$here/..", str(tmp_path)))
    fill(tmp_path)
    yield tmp_path
    file.unlink()


def fill(shop: Path) -> None:
    (shop / "shop" / "files").mkdir()
    (shop / "shop" / "files" / "receipt.txt").write_text("one tea\n")
    with sqlite3.connect(shop / "shop" / "orders.sqlite") as database:
        database.execute("CREATE TABLE orders (item TEXT)")
        database.execute("INSERT INTO orders VALUES ('tea')")
    database.close()


def lose(shop: Path) -> None:
    shutil.rmtree(shop / "shop" / "files")
    (shop / "shop" / "orders.sqlite").unlink()


def holds(shop: Path) -> tuple[dict[str, str], list[tuple[str]]]:
    """What the shop has."""
    with sqlite3.connect(shop / "shop" / "orders.sqlite") as database:
        orders = database.execute("SELECT item FROM orders").fetchall()
    database.close()
    return {path.name: path.read_text() for path in (shop / "shop" / "files").iterdir()}, orders


def test_the_quickstart(shop: Path, world: World) -> None:
    compiled = ("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "protect.yaml")
    world.well(shop, *compiled)
    before = holds(shop)
    checkpoints = {}
    results: dict[tuple[str, str], Result] = {}
    for side, how in (("here", ("run",)), ("there", ("submit", "--watch"))):
        for operation in ("protect", "verify", "restore", "delete"):
            file, state = f"{operation}-{side}.yaml", f"{side}-{operation}"
            if operation == "protect":
                shutil.copy(shop / "protect.yaml", shop / file)
            else:
                given = ("--provider", "quickstart", "--checkpoint", checkpoints[side])
                world.well(shop, "compile", operation, *given, "-o", file)
            if operation == "restore":
                lose(shop)
            done = world.embank(shop, *how, file, "--state-dir", state)
            url = world.server.url if side == "there" else ""
            results[side, operation] = world.result(done, shop / state, url, "quickstart.conf")
            if operation == "protect":
                (checkpoints[side],) = (execution.id for execution in StateDirectory(shop / state).all())
            assert holds(shop) == before
            assert not (shop / "shop" / "control" / "freeze").exists()
    for operation in ("protect", "verify", "restore", "delete"):
        here, there = results["here", operation], results["there", operation]
        assert (here.exit_code, there.exit_code) == (0, 0), there.said
        assert there.tasks == here.tasks
        assert there.checkpoint == here.checkpoint
        assert there.summary.succeeded == here.summary.succeeded
    assert results["here", "delete"].checkpoint == {"status": "missing"}
