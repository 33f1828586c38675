"""Executes a workflow here and on Mistral, and says what came of it in terms that can be compared."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.errors import CheckpointMissing
from embank.clock import SystemClock
from embank.document import Document
from embank.journal.directory import StateDirectory
from embank.journal.kept import read_kept
from embank.mistral.api.client import Mistral
from embank.mistral.api.connection import connect
from embank.mistral.api.seen import OVER
from embank.reporting.summary import Summary
from embank_plugins.banks.filesystem.bank import FilesystemBank

HERE = Path(__file__).parent
EMBANK = Path(sys.executable).parent / "embank"
AT_ONCE = 4
LONGEST = 60  # s that an action may go on after its execution has ended
MISTRAL_STATES = {"succeeded": "SUCCESS", "failed": "ERROR"}

_trials = runpy.run_path(str(HERE / "trials.py"))
PROVIDER = """
[provider]
name = trial
id = {id}
description = What a third party has
bank = karbor.protections.embank-filesystem-bank-plugin
{plugins}
[filesystem_bank]
path = {bank}
[trial]
log = {log}
"""


@dataclass(frozen=True)
class Line:
    """What the plugin wrote down."""

    resource: str
    phase: str
    attempt: int
    what: str


@dataclass(frozen=True)
class Result:
    """What came of a workflow: `tasks` are the states of those that ran, in Mistral's words, by path. `attempts`: of
    each activity, that of a resource's id and a phase, without those in the cleanup.
    """

    exit_code: int
    said: str
    document: Document
    tasks: Mapping[str, str]
    attempts: Mapping[tuple[str, str], int]
    summary: Summary
    checkpoint: Mapping[str, Any]
    log: tuple[Line, ...]


@dataclass(frozen=True)
class Both:
    """The results of the same file."""

    here: Result
    there: Result


Command = Callable[..., subprocess.CompletedProcess[str]]


class World:
    """A provider that Mistral and we share, and a directory for each trial."""

    def __init__(self, home: Path, server: Any) -> None:
        self.home = home
        self.server = server
        self.bank = home / "bank"
        self.log = home / "log"
        self.log.mkdir()
        self.site = _installed(home / "site")
        self.provider = PROVIDER.format(id=uuid.uuid4(), bank=self.bank, log=self.log, plugins=_plugin_lines())

    def prepare(self, trial: Any) -> Path:
        """A directory with the file of a trial for each side."""
        place = self.home / trial.name
        place.mkdir()
        (place / "plan.yaml").write_text(trial.plan)
        (place / "resources.yaml").write_text(trial.resources)
        (place / "parameters.yaml").write_text(json.dumps({"version": 1, **trial.settings}))
        options = ("--lower", trial.lower, "--max-tasks", str(trial.max_tasks))
        protect = ("compile", "protect", "plan.yaml", "--resources", "resources.yaml")
        if trial.operation == "protect":
            self.well(place, *protect, *options, "-o", "here.yaml")
            (place / "there.yaml").write_bytes((place / "here.yaml").read_bytes())
        else:
            self.well(place, *protect, "-o", "protect.yaml")
            for side in ("here", "there"):
                self.well(place, "run", "protect.yaml", "--state-dir", f"before-{side}")
                (before,) = StateDirectory(place / f"before-{side}").all()
                compiled = ("compile", trial.operation, "--provider", "trial", "--checkpoint", before.id)
                self.well(place, *compiled, "--parameters", "parameters.yaml", *options, "-o", f"{side}.yaml")
        return place

    def execute(self, trial: Any) -> Both:
        """The file of a trial, here and there."""
        place = self.prepare(trial)
        here = self.embank(place, "run", "here.yaml", "--state-dir", "here")
        there = self.embank(place, "submit", "there.yaml", "--watch", "--state-dir", "there")
        return Both(self.result(here, place / "here"), self.result(there, place / "there", self.server.url))

    def embank(
        self, place: Path, *arguments: str, url: str = "", patience: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run it in a directory to its end."""
        process = self.begin(place, *arguments, url=url)
        out, err = process.communicate(timeout=patience)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def begin(self, place: Path, *arguments: str, url: str = "") -> subprocess.Popen[str]:
        """`url`: of another way to Mistral."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("EMBANK_", "OS_"))}
        own = {
            "PYTHONPATH": str(self.site),
            "OS_MISTRAL_URL": url or self.server.url,
            "EMBANK_PROVIDER_CONFIG_DIR": str(self.server.providers),
        }
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([EMBANK, *arguments], cwd=place, env=kept | own, text=True, **pipes)

    def well(self, place: Path, *arguments: str) -> None:
        done = self.embank(place, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr

    def result(
        self, done: subprocess.CompletedProcess[str], state: Path, url: str = "", provider: str = "trial.conf"
    ) -> Result:
        """What came of the one execution in a state directory; `url`: of the Mistral that executed it."""
        executions = list(StateDirectory(state).all())
        assert len(executions) == 1, done.stdout + done.stderr
        (execution,) = executions
        clock = SystemClock()
        kept = read_kept(execution, clock)
        rows = kept.replayed.conductor.execution
        states = {rows.path(row): str(state) for row, state in enumerate(rows.state.task)}
        made = {rows.path(row): count for row, count in enumerate(rows.state.attempt)}
        if url:
            seen = Mistral(connect(url, None, {})).look(execution.id, lambda workflow, task: True)
            assert seen.state in OVER
            ran = {path: task.state for path, task in seen.tasks.items()}
            made = {path: len(task.attempts) for path, task in seen.tasks.items()}
        else:
            ran = {path: MISTRAL_STATES.get(state, state) for path, state in states.items() if state != "skipped"}
        attempts = {
            (resource["id"], spec.input["activity"]): made[path]
            for row, spec in enumerate(rows.specs)
            if spec.action == "embank.activity" and (path := rows.path(row)) in ran
            for resource in spec.input.get("resources", [spec.input.get("resource")])
        }
        return Result(
            done.returncode,
            done.stdout + done.stderr,
            kept.document,
            ran,
            attempts,
            kept.summary(clock),
            self.checkpoint(provider, kept.document.run["checkpoint"], execution.id),
            self.lines(execution.id),
        )

    def checkpoint(self, provider: str, id_: Any, execution: str) -> dict[str, Any]:
        """What it holds, but for ids and times."""
        checkpoints = Checkpoints(_bank(self.server.providers / provider))
        try:
            checkpoint = checkpoints.open(id_ if isinstance(id_, str) else execution)
        except CheckpointMissing:
            return {"status": "missing"}
        graph = checkpoint.graph()
        sections = {}
        for resource in graph.resources:
            section = checkpoint.section(resource)
            names = section.names()
            data = {name: (section.info(name), b"".join(section.read(name))) for name in names}
            sections[str(resource)] = {"data": data, "saved": section.load() if data else None}
        return {
            "status": [(step.status, step.reason) for step in checkpoint.history()],
            "graph": graph,
            "sections": sections,
            "open": {(key.id, str(phase)) for key, phase in checkpoint.open_brackets(execution)},
            "operation": checkpoint.operation_state(execution),
            "is held": checkpoint.leases.current() is not None,
        }

    def wait_for(self, execution: str, phase: str) -> None:
        """Until an activity of this phase has begun."""
        for _ in range(LONGEST * 20):
            if any(line.phase == phase for line in self.lines_so_far(execution)):
                return
            time.sleep(0.05)
        raise AssertionError(f"{phase} never began")

    def restart(self, *, kill: bool = False) -> None:
        """Mistral, with the plugin."""
        self.server.restart({"PYTHONPATH": str(self.site)}, kill=kill)

    def lines(self, execution: str) -> tuple[Line, ...]:
        """The log, when nothing of it goes on any more."""
        for _ in range(LONGEST * 10):
            lines = self.lines_so_far(execution)
            if 2 * sum(line.what == "begin" for line in lines) == len(lines):
                return lines
            time.sleep(0.1)
        raise AssertionError(f"some activities never end: {lines}")

    def lines_so_far(self, execution: str) -> tuple[Line, ...]:
        log = self.log / execution
        return tuple(Line(**json.loads(line)) for line in log.read_text().splitlines()) if log.exists() else ()


def _installed(site: Path) -> Path:
    """A directory for PYTHONPATH in which the plugin is installed, as pip would do it."""
    information = site / "trial_plugin-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: trial-plugin\nVersion: 1.0\n")
    entries = (f"trial-{name.lower()} = trial_plugin:{name}\n" for name in _trials["IMPLEMENTED"])
    (information / "entry_points.txt").write_text("[karbor.protections]\n" + "".join(entries))
    (site / "trial_plugin.py").write_bytes((HERE / "trial_plugin.py").read_bytes())
    return site


def _bank(provider: Path) -> FilesystemBank:
    conf = cfg.ConfigOpts()
    for group, options in FilesystemBank.options().items():
        conf.register_opts(options, group=group)
    conf(["--config-file", str(provider)])
    return FilesystemBank(conf)


def _plugin_lines() -> str:
    return "\n".join(f"plugin = karbor.protections.trial-{name.lower()}" for name in _trials["IMPLEMENTED"])


@pytest.fixture(scope="session")
def world(mistral: Any, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The provider and its plugin, known to Mistral's executors."""
    made = World(tmp_path_factory.mktemp("trials"), mistral)
    made.restart()
    return made


@pytest.fixture(scope="module", autouse=True)
def provider(world: World) -> Iterator[None]:
    """Its file, where Mistral's executors look for it, and so do we."""
    file = world.server.providers / "trial.conf"
    file.write_text(world.provider)
    yield
    file.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def both(world: World, provider: None, request: pytest.FixtureRequest) -> Iterator[Callable[[Any], Both]]:
    """`both(trial)`: the results of a trial. The trials of all tests are executed, several at once, from the
    moment at which the first one asks.
    """
    marked = (getattr(item, "callspec", None) for item in request.session.items if item.path == request.path)
    trials = [spec.params["trial"] for spec in marked if spec and "trial" in spec.params]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures: dict[str, Future[Both]] = {}
        for trial in trials:
            if trial.name not in futures:
                futures[trial.name] = pool.submit(world.execute, trial)
        yield lambda trial: futures[trial.name].result()
        pool.shutdown(cancel_futures=True)
