"""Executes workflows here and on Mistral, to be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from kit.mistral.server import Server
from kit.mistral.trials.result import Both
from kit.mistral.trials.trial import Trial
from kit.mistral.trials.world import World

AT_ONCE = 6


@pytest.fixture(scope="session")
def world(mistral: Server, site: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The provider and its plugin."""
    return World(tmp_path_factory.mktemp("trials"), mistral, site)


@pytest.fixture(scope="module", autouse=True)
def provider(world: World) -> Iterator[None]:
    """Its file, where Mistral's executors look for it, and so do we."""
    file = world.server.providers / "trial.conf"
    file.write_text(world.provider)
    yield
    file.unlink(missing_ok=True)


@pytest.fixture(scope="class")
def both(world: World, provider: None, request: pytest.FixtureRequest) -> Iterator[Callable[[Trial], Both]]:
    """`both(trial)`: the results of a trial. All trials of a class are executed, several at once, from the moment at
    which the first one is asked for: those first that wait.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures: dict[str, Future[Both]] = {}
        for trial in sorted(request.cls.trials, key=lambda each: not each.takes_long):
            futures[trial.name] = pool.submit(world.execute, trial)
        yield lambda trial: futures[trial.name].result()
        pool.shutdown(cancel_futures=True)
