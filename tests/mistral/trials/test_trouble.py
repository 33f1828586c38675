"""What goes wrong between us and Mistral, or in Mistral itself."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from embank.mistral.api.client import namespace_of
from kit.mistral.proxy import Proxy, Trouble, start_proxy
from kit.mistral.server import Server
from kit.mistral.trials.trial import Trial
from kit.mistral.trials.world import World

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("trouble")]
T = TypeVar("T")
EXECUTIONS, WORKFLOWS = "/v2/executions", "/v2/workflows"


@pytest.fixture
def proxy(mistral: Server) -> Iterator[Proxy]:
    with start_proxy(mistral.url) as started:
        yield started


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A plan's, from that of the test."""
    return re.sub(r"\W+", "_", request.node.name).strip("_")[5:]


@pytest.fixture
def place(world: World, name: str) -> Path:
    """A directory with a workflow of a few tasks, there.yaml."""
    return world.prepare(Trial(name, {"guest1": (), "disk1": ("guest1",)}))


def executions(world: World, place: Path) -> list[dict[str, Any]]:
    """Those in Mistral that run the workflow in a directory."""
    name = f"{place.name}_protect"
    found: list[dict[str, Any]] = world.server.request("GET", f"/executions?workflow_name={name}")["executions"]
    return found


@pytest.mark.parametrize("what", ["swallow", "time out"])
@pytest.mark.parametrize("path", [EXECUTIONS, WORKFLOWS])
def test_an_answer_to_submit_that_is_lost(world: World, proxy: Proxy, place: Path, path: str, what: str) -> None:
    """Mistral has done what it did not answer to, or does it a little later: one execution is started."""
    proxy.troubles = [Trouble("POST", path, what)]
    done = world.embank(place, "submit", "there.yaml", "--watch", url=proxy.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert proxy.troubles[0].times == 0
    (execution,) = executions(world, place)
    assert execution["state"] == "SUCCESS"
    assert execution["id"] in done.stdout


def test_a_connection_that_is_gone_when_it_is_to_be_started(world: World, proxy: Proxy, place: Path) -> None:
    """Then nobody knows; the person is told how to find out."""
    proxy.troubles = [Trouble("POST", EXECUTIONS, "swallow"), Trouble("GET", EXECUTIONS, "cut")]
    done = world.embank(place, "submit", "there.yaml", url=proxy.url)
    assert done.returncode == 8
    (execution,) = executions(world, place)
    assert f"embank watch {execution['id']}" in done.stderr
    assert world.embank(place, "watch", execution["id"]).returncode == 0


@pytest.mark.parametrize(
    ("part", "what"),
    [("/tasks?", "time out"), ("/executions?", "half"), (EXECUTIONS, "cut")],
    ids=lambda each: each,
)
def test_a_connection_that_drops_while_it_is_watched(
    world: World, proxy: Proxy, place: Path, part: str, what: str
) -> None:
    id_ = world.embank(place, "submit", "there.yaml").stdout.strip()
    proxy.troubles = [Trouble("GET", part, what)]
    watched = world.embank(place, "watch", id_, url=proxy.url)
    assert watched.returncode == 0, watched.stdout + watched.stderr
    assert "asking again" in watched.stderr
    assert proxy.troubles[0].times == 0


@pytest.mark.parametrize("what", ["cut", "swallow"])
def test_a_connection_that_drops_while_it_is_cancelled(world: World, proxy: Proxy, name: str, what: str) -> None:
    """The closers run all the same."""
    place = world.prepare(Trial(name, {"guest1": ()}, {("guest1", "pre"): ("hang",)}))
    id_ = world.embank(place, "submit", "there.yaml").stdout.strip()
    world.log.wait_for(id_, "pre")
    proxy.troubles = [Trouble("PUT", EXECUTIONS, what), Trouble("GET", "/tasks?", "cut")]
    done = world.embank(place, "cancel", "--grace", "1", id_, url=proxy.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "INTERRUPTED" in done.stdout
    assert [line.what for line in world.log.so_far(id_) if line.phase == "ready"] == ["begin", "end"]
    world.log.let_go(id_)


def test_an_engine_that_restarts_while_it_is_watched(world: World, place: Path) -> None:
    """While nothing runs there: for what runs in an executor that ends see test_cluster.py."""
    text = (place / "there.yaml").read_text()
    paused = text.replace("    complete:\n", "    complete:\n      pause-before: true\n", 1)
    assert paused != text
    (place / "there.yaml").write_text(paused)
    watching = world.begin(place, "submit", "there.yaml", "--watch", "--events", "events.jsonl")
    (execution,) = until(lambda: [each for each in executions(world, place) if each["state"] == "PAUSED"])
    world.server.restart(kill=True)
    world.server.request("PUT", f"/executions/{execution['id']}", {"state": "RUNNING"})
    done = watching.wait()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "asking again" in done.stderr
    assert "succeeded" in done.stdout


def test_a_success_that_is_none(world: World, place: Path) -> None:
    """Somebody has put another workflow there under the same digest, whose target requires nothing."""
    text = (place / "there.yaml").read_text()
    head, sink, tail = text.partition("    done:\n")
    less = head + sink + re.sub(r"      requires:\n(        - \w+\n)+", "", tail, count=1)
    assert less != text
    world.server.upload(less, namespace_of(hashlib.sha256(text.encode()).hexdigest()))
    done = world.embank(place, "submit", "there.yaml", "--watch")
    assert [each["state"] for each in executions(world, place)] == ["SUCCESS"]
    assert done.returncode == 4, done.stdout + done.stderr
    for task in ("guest_guest1_pre", "disk_disk1_post"):
        assert f"activities/{task} (never run)" in done.stdout


def until(ask: Callable[[], T]) -> T:
    """The first answer that is something."""
    for _ in range(1200):
        if answer := ask():
            return answer
        time.sleep(0.05)
    raise AssertionError("it never came")
