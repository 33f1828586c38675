"""A third party's plugin, whose activities do what a script says, and write down in a log when they did it.

The script is a parameter: `{"pre": ["fail", "poll"]}` lets `pre` fail at the first attempt and be polled at the
second; what it does not say goes well. There is a log for each execution. A line of it is `{"resource", "phase",
"attempt", "what"}`, where `what` is begin, end, failed, closed (a generator that was given up) or went on (one that
should have been).

What hangs does so until there is `<execution>.over`; or until the next attempt has begun, when that is to hang as
well: Mistral then hears of the end of one during the other.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from oslo_config import cfg

from embank.plugins import Operation, Poll, ProtectionPlugin, closes

LONGEST = 120  # s that something hangs
LAST = 99  # attempt
OUTCOMES = {"enum": ["ok", "poll", "fail", "fail late", "hang"]}
PARAMETERS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"script": {"type": "object", "additionalProperties": {"type": "array", "items": OUTCOMES}}},
}


class Trial(ProtectionPlugin):
    """What all types have in common: every operation has the same phases."""

    aggregated = ""  # the phase that is one task for all resources of the type

    @classmethod
    def options(cls) -> Any:
        return {"trial": [cfg.StrOpt("log", help="A directory.")]}

    def parameters_schema(self, operation: Any, resource_type: str) -> Any:
        return PARAMETERS

    def aggregate(self, operation: Any, phase: Any, resource: Any, parents: Any) -> str | None:
        return "all" if phase == self.aggregated else None

    def act(self, phase: str, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> Any:
        """One attempt of an activity, of one resource or several."""
        resources = resource if isinstance(resource, tuple) else (resource,)
        (given, *_) = parameters if isinstance(parameters, tuple) else (parameters,)
        log = Path(self.conf.trial.log) / context.execution
        attempt = write(log, phase, resources, "begin")
        script = given.get("script", {}).get(phase, [])
        outcome = script[attempt - 1] if attempt <= len(script) else "ok"
        what = "closed"
        try:
            if outcome == "hang":
                yield from self.hang(log, phase, resources[0].id, attempt if script[attempt:] == ["hang"] else LAST)
            yield from self.do(outcome)
            if phase == "parallel" and outcome != "hang":
                for each in resources:
                    self.keep(checkpoint.section(each), context, each, attempt)
            what = "went on" if outcome == "hang" else "end"
            if outcome == "fail late":
                raise RuntimeError(f"{phase} of {resources[0].id} fails late, as it was told")
        except Exception:
            what = "failed"
            raise
        finally:
            write(log, phase, resources, what, attempt)

    def do(self, outcome: str) -> Any:
        """Take some time, or fail."""
        if outcome == "fail":
            raise RuntimeError("it fails, as it was told")
        if outcome == "poll":
            for step in range(3):
                yield Poll(after=0.1, progress=step / 3)
            yield

    def hang(self, log: Path, phase: str, resource: str, attempt: int) -> Any:
        """Take longer than there is time for, but not longer than until a later attempt than this has begun."""
        until = time.monotonic() + LONGEST
        over = log.with_name(f"{log.name}.over")
        while not over.exists() and time.monotonic() < until:
            with log.open() as file:
                fcntl.flock(file, fcntl.LOCK_SH)
                if begun(file, phase, resource) > attempt:
                    return
            yield Poll(after=0.2)

    def keep(self, section: Any, context: Any, resource: Any, attempt: int) -> None:
        """What the operation is there for."""
        if context.operation is Operation.PROTECT:
            section.write("data", [f"data of {resource.id}, ".encode(), b"in two chunks"])
            section.save({"attempt": attempt})
        elif context.operation is Operation.RESTORE:
            context.record_restored(resource, {"as": b"".join(section.read("data")).decode()})
        elif context.operation is Operation.VERIFY:
            b"".join(section.read("data"))
        else:
            section.clear()


def write(log: Path, phase: str, resources: Any, what: str, attempt: int = 0) -> int:
    """A line for each resource; the number of the attempt."""
    with log.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        attempt = attempt or 1 + begun(file, phase, resources[0].id)
        for each in resources:
            line = {"resource": each.id, "phase": phase, "attempt": attempt, "what": what}
            file.write(json.dumps(line) + "\n")
        file.flush()
    return attempt


def begun(lines: Iterable[str], phase: str, resource: str) -> int:
    """How many attempts there were."""
    about = {"resource": resource, "phase": phase, "what": "begin"}
    return sum(about.items() <= json.loads(line).items() for line in lines)


def plugin(name: str, phases: dict[str, str], aggregated: str = "") -> type[Trial]:
    """A plugin for the type `Trial::<name>`: its phases, and what each of them closes."""
    members: dict[str, Any] = {"resource_types": (f"Trial::{name}",), "aggregated": aggregated}
    for operation in Operation:
        for phase, closed in phases.items():
            members[f"activity_{operation}_{phase}"] = activity(phase, closed)
    return type(name, (Trial,), members)


def activity(phase: str, closed: str) -> Any:
    def act(self: Any, checkpoint: Any, context: Any, resource: Any, parameters: Any) -> Any:
        """Do as the script says."""
        yield from self.act(phase, checkpoint, context, resource, parameters)

    return closes(closed)(act) if closed else act


Guest = plugin("Guest", {"pre": "", "ready": "pre", "parallel": ""})
Disk = plugin("Disk", {"ready": "", "parallel": "", "post": "ready"})
Share = plugin("Share", {"pre": "", "parallel": "", "post": "pre"})
Note = plugin("Note", {"parallel": ""})
Member = plugin("Member", {"ready": "", "parallel": "", "post": "ready"}, aggregated="ready")
