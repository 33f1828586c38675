"""A real Mistral for the tests here; all of them are marked `service`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from embank.document import Document, Expression
from embank.inputs.workflow import parse_workflow
from kit.mistral.oracle import Oracle, start_oracle
from kit.mistral.server import Server, start_mistral
from kit.mistral.trials.site import install_plugin

PATIENCE = 120  # seconds
ENDED = ("SUCCESS", "ERROR", "CANCELLED", "PAUSED")
LINES = 40  # of its log, in the report of a test that failed


Agree = Callable[[str], Document | None]
Execute = Callable[..., "Executed"]


class Executed(NamedTuple):
    """How an execution ended in Mistral: its state, the reason, and the states of its tasks by name."""

    state: str
    reason: str
    tasks: dict[str, str]


# Files with few tests that take long begin first, so that nobody is waited for at the end.
FIRST = ("test_cluster.py", "test_same_result.py", "test_commands.py", "test_trouble.py", "test_postgresql.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else len(FIRST))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the plugin of the trials is installed."""
    made = tmp_path_factory.mktemp("site")
    install_plugin(made)
    return made


@pytest.fixture(scope="session")
def mistral(site: Path) -> Iterator[Server]:
    """The server, started once. Its executors have the plugin of the trials, too."""
    with start_mistral(environment={"PYTHONPATH": str(site)}) as server:
        yield server


@pytest.fixture(scope="session")
def oracle() -> Iterator[Oracle]:
    """Mistral's parser, without a server."""
    with start_oracle() as parser:
        yield parser


@pytest.fixture(scope="session")
def agree(oracle: Oracle) -> Agree:
    """`agree(text)`: what we accept Mistral accepts, too, and reads the same values from it. None when we refuse."""

    def compare(text: str) -> Document | None:
        document = parse_workflow(text.encode(), "x.yaml").value
        if document is not None:
            answer = oracle.ask(text)
            assert "refused" not in answer, f"Mistral refuses this: {answer['refused']}"
            assert list(document.workflows) == list(answer["workflows"])
            for name, workflow in document.workflows.items():
                read = answer["workflows"][name]
                same(workflow.vars, read["vars"])
                same({task.name: task.input for task in workflow.tasks.values()}, read["tasks"])
        return document

    return compare


def same(ours: Any, theirs: Any) -> None:
    """Equal, but for what only a running workflow knows."""
    if isinstance(ours, Expression):
        return
    if hasattr(ours, "items"):
        assert list(ours) == list(theirs)
        for name, value in ours.items():
            same(value, theirs[name])
    elif isinstance(ours, list):
        assert len(ours) == len(theirs)
        for left, right in zip(ours, theirs, strict=True):
            same(left, right)
    else:
        assert (ours, type(ours)) == (theirs, type(theirs))


@pytest.fixture
def execute(mistral: Server) -> Execute:
    """`execute(text)`: upload workflows, run the first of them to its end, and say what Mistral says of it. It knows
    nothing of Embank. `task_name=…`: the target of a reverse workflow.
    """

    def run(text: str, **parameters: str) -> Executed:
        namespace = f"test-{time.monotonic_ns()}"
        names = [workflow["name"] for workflow in mistral.upload(text, namespace)]
        asked = {"workflow_name": names[0], "workflow_namespace": namespace, "params": json.dumps(parameters)}
        path = f"/executions/{mistral.request('POST', '/executions', asked)['id']}"
        deadline = time.monotonic() + PATIENCE
        while (execution := mistral.request("GET", path))["state"] not in ENDED:
            assert time.monotonic() < deadline, "Mistral takes too long"
            time.sleep(0.05)
        tasks = mistral.request("GET", f"{path}/tasks")["tasks"]
        return Executed(
            execution["state"], execution["state_info"] or "", {task["name"]: task["state"] for task in tasks}
        )

    return run


@pytest.fixture
def providers(mistral: Server) -> Iterator[Path]:
    """The directory that executors read provider files from; empty before and after a test."""
    yield mistral.providers
    for file in mistral.providers.iterdir():
        file.unlink()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    server = getattr(item, "funcargs", {}).get("mistral")
    if report.failed and server is not None and server.log.exists():
        report.sections.append(("the last lines of Mistral's log", server.last_lines(LINES)))
    return report
