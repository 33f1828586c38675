"""What came of a workflow, in terms that can be compared."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from kit.mistral.trials.log import Line, Log

MISTRAL_STATES = {"succeeded": "SUCCESS", "failed": "ERROR"}


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


def read_result(
    done: subprocess.CompletedProcess[str], state: Path, log: Log, provider: Path, url: str = ""
) -> Result:
    """What came of the one execution in a state directory; `url`: of the Mistral that executed it."""
    executions = list(StateDirectory(state).all())
    assert len(executions) == 1, done.stdout + done.stderr
    (execution,) = executions
    clock = SystemClock()
    kept = read_kept(execution, clock)
    rows = kept.replayed.conductor.execution
    if url:
        seen = Mistral(connect(url, None, {})).look(execution.id, lambda workflow, task: True)
        assert seen.state in OVER
        ran = {path: task.state for path, task in seen.tasks.items()}
        made = {path: len(task.attempts) for path, task in seen.tasks.items()}
    else:
        states = {rows.path(row): str(state) for row, state in enumerate(rows.state.task)}
        ran = {path: MISTRAL_STATES.get(state, state) for path, state in states.items() if state != "skipped"}
        made = {rows.path(row): count for row, count in enumerate(rows.state.attempt)}
    attempts = {
        (resource["id"], spec.input["activity"]): made[path]
        for row, spec in enumerate(rows.specs)
        if spec.action == "embank.activity" and (path := rows.path(row)) in ran
        for resource in spec.input.get("resources", [spec.input.get("resource")])
    }
    id_ = kept.document.run["checkpoint"]
    return Result(
        done.returncode,
        done.stdout + done.stderr,
        kept.document,
        ran,
        attempts,
        kept.summary(clock),
        _checkpoint(provider, id_ if isinstance(id_, str) else execution.id, execution.id),
        log.whole(execution.id),
    )


def _checkpoint(provider: Path, id_: str, execution: str) -> dict[str, Any]:
    """What it holds, but for ids and times."""
    try:
        checkpoint = Checkpoints(_bank(provider)).open(id_)
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


def _bank(provider: Path) -> FilesystemBank:
    conf = cfg.ConfigOpts()
    for group, options in FilesystemBank.options().items():
        conf.register_opts(options, group=group)
    conf(["--config-file", str(provider)])
    return FilesystemBank(conf)
