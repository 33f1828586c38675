"""Kills a run of a workflow at every record of its journal in turn, resumes it, and says what came of it.

kill_points.py TEMPLATE MODE EVERY [FIRST]

TEMPLATE holds `world/`: a directory with providers.d, workflow.yaml and all that they act upon. For every so-manieth
(EVERY) record the world is put back, something happens there, and the execution is taken up in a new process, as the
command line does it. One JSON object a line says how that went. MODE is what happens:

run      the run is killed with SIGKILL: before the record is written, torn in its middle, and after it is written and
         before anything follows from it
resume   the run is killed after record FIRST, and its resume at every record as above; the second resume is judged
closers  the run ends with something open, and the resume that runs the closers again is killed
closers-cancel  the same, and then it is cancelled, not resumed
full     nothing can be written from the record on: the disk is full, until the runner has ended
damage   the run is killed after record FIRST; then a line of the journal is damaged, and the execution cancelled
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from embank.checkpoint.checkpoints import Checkpoints
from embank.cli import executing, telling
from embank.cli.commands import resume, run  # noqa: F401  # all modules are there before anything is forked
from embank.cli.main import main
from embank.clock import SystemClock
from embank.errors import EmbankError
from embank.inputs.provider.find import find_provider, load_providers
from embank.inputs.workflow import read_workflow
from embank.journal.closers_again import closers_alone
from embank.journal.directory import ExecutionDirectory, Record, StateDirectory
from embank.journal.file import Contents, Journal, JournalFailed, read_journal
from embank.journal.heading import heading_of
from embank.journal.kept import read_kept
from embank.journal.standing import glance
from embank.journal.standing_text import standing_text
from embank.reporting.summary_text import summary_text
from embank.runner.local import TakenUp

template, mode, every = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
work, dead = template / "work", template / "dead"
EXECUTION = "e0000000-0000-4000-8000-000000000000"
WATCHING = Namespace(events=None, grace=30, state_dir=None)
Result = tuple[int, str, str]  # exit code (negative: the signal), stdout, stderr


class Point(NamedTuple):
    """A record, counted from 1 in the whole journal, and what happens there: before, torn, after, full."""

    number: int
    what: str


class FatalJournal(Journal):
    """A journal whose process dies at one of its records; or whose disk is full from there on."""

    def __init__(self, path: Path, point: Point, *, written: Contents | None = None) -> None:
        self.point = point
        self.number = len(written.entries) if written else 0
        super().__init__(path, written=written)

    def append(self, at: str, event: str, values: Mapping[str, Any]) -> None:
        self.number += 1
        if self.number != self.point.number:
            super().append(at, event, values)
            return
        super().flush()
        before = self.path.stat().st_size
        super().append(at, event, values)
        if self.point.what == "full":
            return
        super().flush()
        after = self.path.stat().st_size
        os.truncate(self.path, {"before": before, "torn": (before + after) // 2, "after": after}[self.point.what])
        os.kill(os.getpid(), signal.SIGKILL)

    def flush(self) -> None:
        if self.point.what == "full" and self.number >= self.point.number:
            raise JournalFailed(f"the journal {self.path} cannot be written: No space left on device")
        super().flush()


def in_a_process(work: Callable[[], int]) -> Result:
    """What comes of something that is done in a process of its own."""
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


def embank(*arguments: str) -> Result:
    return in_a_process(lambda: main([*arguments]))


def new_world(source: Path = template / "world") -> None:
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(source, work, symlinks=True)
    os.chdir(work)


def kept() -> ExecutionDirectory:
    return StateDirectory(work / ".embank").find(EXECUTION)


# What the commands do, with a journal that is fatal.


def begin(point: Point) -> int:
    """`embank run`."""
    directory = StateDirectory(work / ".embank").create(EXECUTION, Path("workflow.yaml").read_bytes())
    where = str(work / "providers.d")
    heading = heading_of(document, provider, EXECUTION, providers=where, parallel=2, fail_fast=False)
    clock = SystemClock()
    with directory.locked():
        journal = FatalJournal(directory.journal, point)
        journal.append(clock.now().isoformat(), "execution", heading.to_json())
        journal.commit()
        record = Record(journal, directory)
        outcome = executing.execute(document, provider, heading, record, WATCHING, (), clock=clock, debug=False)
        telling.tell(outcome.summary, WATCHING)
    return outcome.exit_code


def take_up(point: Point) -> int:
    """`embank resume`, of an execution that was killed or has ended with something open."""
    directory, clock = kept(), SystemClock()
    with directory.locked():
        found = read_kept(directory, clock)
        journal = FatalJournal(directory.journal, point, written=found.contents)
        record = Record(journal, directory)
        how: dict[str, Any] = {"clock": clock, "debug": False}
        if found.finished:
            journal.append(clock.now().isoformat(), "closers", {})
            alone = closers_alone(document)
            return executing.execute(alone, provider, found.heading, record, WATCHING, (), **how).exit_code
        how["taken_up"] = TakenUp(found.replayed)
        return executing.execute(document, provider, found.heading, record, WATCHING, (), **how).exit_code


# What happens to an execution.


def run_dies(point: Point) -> Result:
    new_world()
    return in_a_process(lambda: begin(point))


def resume_dies(point: Point) -> Result:
    new_world(dead)
    return in_a_process(lambda: take_up(point))


def dies_once() -> None:
    """Make a dead execution, or one that has ended with something open, to be copied."""
    code, out, err = run_dies(Point(first, "after"))
    assert code == (-signal.SIGKILL if first else 5), out + err
    (work / "service" / "stuck").unlink(missing_ok=True)
    shutil.copytree(work, dead, symlinks=True)


def records() -> list[bytes]:
    return (work / ".embank" / "executions" / EXECUTION / "journal").read_bytes().splitlines(keepends=True)


def damages() -> Iterator[tuple[str, bytes]]:
    """Every way to damage every line but the last one: a name, and what the journal is then."""
    lines = records()
    for at in range(len(lines) - 1):
        line = lines[at]
        middle = len(line) // 2
        flipped = line[:middle] + bytes((line[middle] ^ 1,)) + line[middle + 1 :]
        for name, instead in (("flipped", [flipped]), ("lost", []), ("doubled", [line, line])):
            yield f"line {at + 1} {name}", b"".join([*lines[:at], *instead, *lines[at + 1 :]])


# What comes of it.


def look() -> dict[str, Any]:
    """How the execution stands, as `execution list` and `execution show` say it, and as the world shows it."""
    directory = kept()
    seen, clock, shown, data = glance(directory), SystemClock(), "", None
    try:
        found = read_kept(directory, clock)
        lines = summary_text(found.summary(clock)) if found.finished else standing_text(found, seen, clock)
        shown, data = "\n".join(lines), found.summary(clock).to_data()
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


def bank() -> list[dict[str, Any]]:
    checkpoints = Checkpoints(provider.open_bank(), provider.saved_schema)
    found = []
    for id in checkpoints.ids():
        checkpoint = checkpoints.open(id)
        status = str(checkpoint.status().status)
        found.append(
            {
                "id": id,
                "status": status,
                "findings": [str(each) for each in checkpoint.verify()] if status == "available" else [],
                "leased": checkpoint.leases.current() is not None,
                "open": [str(each) for each in checkpoint.open_brackets(EXECUTION)],
                "operation": checkpoint.operation_state(EXECUTION),
            }
        )
    return found


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def world() -> dict[str, Any]:
    return {
        "events": [entry["event"] for entry in read_journal(kept().journal).entries],
        "checkpoints": bank(),
        "started": sorted(set(lines_of(work / "service" / "started"))),
        "ran": lines_of(work / "service" / "ran"),
        "operations": sorted(path.name for path in (work / "service" / "operations").iterdir()),
        "files": sorted(str(path.relative_to(work)) for path in (work / "shop").rglob("*")),
    }


def judged(at: str, dying: Result) -> dict[str, Any]:
    """Look, resume, look again."""
    directory = kept()
    while directory.is_locked():  # a command that was being started has the lock until it is
        time.sleep(0.01)
    before, had = look(), world()
    resumed = embank("cancel" if mode == "closers-cancel" else "resume", EXECUTION)
    return {"at": at, "dying": dying, "dead": before, "had": had, "resume": resumed, "ended": look(), **world()}


def say(value: Any) -> None:
    sys.stdout.write(f"{json.dumps(value)}\n")
    sys.stdout.flush()


def sweep() -> None:
    """At every record."""
    number = len(read_journal(kept().journal).entries) + 1 if dead.exists() else 1
    die = resume_dies if dead.exists() else run_dies
    while True:
        for what in ("full",) if mode == "full" else ("before", "torn", "after"):
            point = Point(number, what)
            dying = die(point)
            if dying[0] >= 0 and (mode != "full" or b'"finished"' in b"".join(records()[-1:])):
                say({"undisturbed": dying, "records": number - 1})
                return
            say(judged(f"{number} {what}", dying))
        number += every


def sweep_damages() -> None:
    """Every damage: it is refused, and the execution cancelled."""
    new_world(dead)
    for name, content in [*damages()][::every]:
        new_world(dead)
        kept().journal.write_bytes(content)
        before = world()
        shown, refused = embank("execution", "show", EXECUTION), embank("resume", EXECUTION)
        untouched = world() == before and kept().journal.read_bytes() == content
        cancelled = embank("cancel", EXECUTION)
        beside = kept().journal.with_name("journal.damaged")
        say(
            {
                "at": name,
                "show": shown,
                "refused": refused,
                "untouched": untouched,
                "cancel": cancelled,
                "beside": beside.exists() and beside.read_bytes() == content,
                "ended": look(),
                **world(),
            }
        )
    say({"records": len(records())})


with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
    main(["execution", "list", "--state-dir", str(template)])  # loads for all what a first command loads
new_world()
document = read_workflow("workflow.yaml").value
found = find_provider(load_providers(str(work / "providers.d")).value or (), "shop")
assert document is not None
assert found.value is not None, found.diagnostics
provider = found.value
if mode in ("resume", "closers", "closers-cancel", "damage"):
    dies_once()
if mode == "damage":
    sweep_damages()
else:
    sweep()
