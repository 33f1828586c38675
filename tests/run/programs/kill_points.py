"""Kills a run of a workflow at every record of its journal in turn, resumes it, and says what came of it.

kill_points.py TEMPLATE EVERY MODE [FIRST]

TEMPLATE holds `world/`: a directory with providers.d, workflow.yaml and all that they act upon.
For each record, and for each place (before it is written, torn in its middle, after it is written and before anything
follows from it), the world is put back, the run is killed with SIGKILL, and resumed in a new process as the command
line does it. One JSON object a line says how it went. EVERY: look at every so-manieth record.
MODE: run       kill the run
      resume    kill the run before record FIRST, then its resume at every record; the second resume is judged
      closers   the run ends with something open; kill the resume that runs the closers again
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from embank.checkpoint.store import Checkpoints
from embank.cli import resume, run  # noqa: F401  # all modules are there before anything is forked
from embank.cli.main import main
from embank.errors import EmbankError
from embank.inputs.provider import find_provider, load_providers
from embank.inputs.workflow import read_workflow
from embank.run.clock import SystemClock
from embank.run.executions import StateDirectory
from embank.run.glance import glance
from embank.run.heading import heading_of
from embank.run.journal import Contents, Journal, read_journal
from embank.run.kept import read_kept
from embank.run.local import Record, TakenUp
from embank.run.standing_text import standing_text
from embank.run.summary_text import summary_text

template, every, mode = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
work = template / "work"
EXECUTION = "e0000000-0000-4000-8000-000000000000"
PLACES = ("before", "torn", "after")
WATCHING = Namespace(events=None, grace=30)


class Point(NamedTuple):
    """Where to kill: at which record, counted from 1 in the whole journal, and where in it."""

    number: int
    place: str


class FatalJournal(Journal):
    """A journal whose process dies at one of its records."""

    def __init__(self, path: Path, point: Point, *, written: Contents | None = None) -> None:
        self.point = point
        self.number = len(written.entries) if written else 0
        super().__init__(path, written=written)

    def append(self, at: str, event: str, values: Mapping[str, Any]) -> None:
        self.number += 1
        if self.number != self.point.number:
            super().append(at, event, values)
            return
        self.flush()
        before = self.path.stat().st_size
        super().append(at, event, values)
        self.flush()
        after = self.path.stat().st_size
        os.truncate(self.path, {"before": before, "torn": (before + after) // 2, "after": after}[self.point.place])
        os.kill(os.getpid(), signal.SIGKILL)


def in_a_process(work: Callable[[], int]) -> tuple[int, str, str]:
    """Exit code (negative: the signal), stdout and stderr of what is done in a process of its own."""
    out, err = template / "out", template / "err"
    child = os.fork()
    if not child:
        code = 99
        try:
            for number, path in ((1, out), (2, err)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
            code = int(work())
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code, out.read_text(), err.read_text()


def embank(*arguments: str) -> tuple[int, str, str]:
    return in_a_process(lambda: main([*arguments]))


def new_world() -> None:
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(template / "world", work, symlinks=True)
    os.chdir(work)


def begin(point: Point) -> int:
    """What `embank run` does, with a journal that is fatal."""
    state = StateDirectory(work / ".embank")
    directory = state.create(EXECUTION, Path("workflow.yaml").read_bytes())
    where = str(work / "providers.d")
    heading = heading_of(document, provider, EXECUTION, providers=where, parallel=2, fail_fast=False)
    clock = SystemClock()
    with directory.locked():
        journal = FatalJournal(directory.journal, point)
        journal.append(clock.now().isoformat(), "execution", heading.to_json())
        journal.commit()
        record = Record(journal, directory.cancel)
        return run.execute(document, provider, heading, record, WATCHING, clock=clock, debug=False).exit_code


def take_up(point: Point) -> int:
    """What `embank resume` does, with a journal that is fatal."""
    directory = StateDirectory(work / ".embank").find(EXECUTION)
    clock = SystemClock()
    with directory.locked():
        found = read_kept(directory, clock)
        journal = FatalJournal(directory.journal, point, written=found.contents)
        record = Record(journal, directory.cancel)
        taken_up = TakenUp(found.replayed)
        outcome = run.execute(
            document, provider, found.heading, record, WATCHING, clock=clock, debug=False, taken_up=taken_up
        )
    return outcome.exit_code


def look() -> dict[str, Any]:
    """How the execution stands, as `execution list` and `execution show` say it, and as the world shows it."""
    directory = StateDirectory(work / ".embank").find(EXECUTION)
    seen, clock, shown, data = glance(directory), SystemClock(), "", None
    try:
        kept = read_kept(directory, clock)
        lines = summary_text(kept.summary(clock)) if kept.finished else standing_text(kept, seen, clock)
        shown, data = "\n".join(lines), kept.summary(clock).to_data()
    except EmbankError as error:
        shown = str(error)
    return {
        "show": shown,
        "data": data,
        "state": str(seen.state),
        "exit_code": seen.exit_code,
        "frozen": Path("frozen").exists(),
        "stopped": Path("stopped").exists(),
        "held": [path.name for path in Path("service").glob("held-*")],
    }


def events() -> list[str]:
    path = work / ".embank" / "executions" / EXECUTION / "journal"
    return [entry["event"] for entry in read_journal(path).entries]


def bank() -> list[dict[str, Any]]:
    checkpoints = Checkpoints(provider.open_bank(), provider.saved_schema)
    found = []
    for id in checkpoints.ids():
        checkpoint = checkpoints.open(id)
        status = checkpoint.status()
        lease = checkpoint.leases.current()
        findings = [str(each) for each in checkpoint.verify()] if status.status == "available" else []
        open_ = [str(each) for each in checkpoint.open_brackets(EXECUTION)]
        operation = checkpoint.operation_state(EXECUTION)
        found.append(
            {
                "id": id,
                "status": str(status.status),
                "findings": findings,
                "leased": lease is not None,
                "open": open_,
                "operation": operation,
            }
        )
    return found


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def judged(point: Point, dying: tuple[int, str, str]) -> dict[str, Any]:
    """Look, resume, look again."""
    directory = StateDirectory(work / ".embank").find(EXECUTION)
    while directory.is_locked():  # a command that was being started has the lock until it is
        time.sleep(0.01)
    dead, had = look(), events()
    resumed = embank("resume", EXECUTION)
    return {
        "at": f"{'+'.join(map(str, (first, point.number) if first else (point.number,)))} {point.place}",
        "died": dying[0],
        "had": had,
        "dead": dead,
        "resume": resumed,
        "ended": look(),
        "events": events(),
        "checkpoints": bank(),
        "started": lines(work / "service" / "started"),
        "ran": lines(work / "service" / "ran"),
        "operations": sorted(path.name for path in (work / "service" / "operations").iterdir()),
        "files": sorted(str(path.relative_to(work)) for path in (work / "shop").rglob("*")),
    }


def say(value: Any) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


def sweep() -> None:
    number = first + 1
    while True:
        for place in PLACES:
            new_world()
            point = Point(number, place)
            if mode == "run":
                dying = in_a_process(lambda: begin(point))  # noqa: B023
            else:
                dying = in_a_process(lambda: begin(Point(first, "after")))
                assert dying[0] == -signal.SIGKILL, dying
                dying = in_a_process(lambda: take_up(point))  # noqa: B023
            if dying[0] >= 0:
                say({"undisturbed": dying, "records": number - 1})
                return
            say(judged(point, dying))
        number += every


new_world()
document = read_workflow("workflow.yaml").value
found = find_provider(load_providers(str(work / "providers.d")).value or (), "shop")
assert document is not None
assert found.value is not None, found.diagnostics
provider = found.value
sweep()
