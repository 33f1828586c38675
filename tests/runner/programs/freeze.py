"""A program that tests interrupt: runs a workflow file with an application that is frozen until it is thawed.

freeze.py WORKFLOW LOG MODE    MODE: pending (a generator that polls), plain (looks at `cancelled`), stuck
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from embank.inputs.workflow import read_workflow
from embank.plugins import Poll
from embank.reporting.progress import PlainProgress
from embank.reporting.summary_text import summary_text
from embank.runner.local import execute
from embank.runner.options import Options

workflow, log, mode = sys.argv[1:]


def say(text: str) -> None:
    with Path(log).open("a") as stream:
        stream.write(f"{text}\n")


def perform(job, control) -> Iterator[Poll]:
    what = f"{job.action} {job.input.get('activity', job.input.get('status', ''))}".strip()
    say(f"start {what}")
    if (job.action, job.input.get("activity")) == ("embank.activity", "parallel"):
        say("waiting")
        try:
            while mode == "pending":
                yield Poll(after=60.0, message="copying")
            while mode == "plain" and not control.cancelled:
                time.sleep(0.01)
            while mode == "stuck":
                time.sleep(0.01)
            if mode == "plain":
                raise InterruptedError("the copy was stopped")
        finally:
            say("closed")
    say(f"end {what}")


document = read_workflow(workflow).value
assert document is not None
outcome = execute(
    document, perform, execution="e", options=Options(parallel=2), listeners=[PlainProgress(sys.stderr)]
)
sys.stdout.write("\n".join(summary_text(outcome.summary)) + "\n")
sys.exit(int(outcome.exit_code))
