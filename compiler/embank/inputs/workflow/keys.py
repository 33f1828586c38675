"""What of Mistral's DSL 2.0 a workflow file may use, and why not the rest: one table for each level."""

from __future__ import annotations

import re
from collections.abc import Mapping

from embank.document import COMMANDS, Flow

VERSION = "2.0"
VERSIONS = ("2.0", "2", 2)  # and 2.0, which equals 2

# Names that work everywhere: in expressions, in both engines, in file names.
TASK_NAME = re.compile(r"[A-Za-z_]\w{0,254}", re.ASCII)
JOIN_NAME = 208  # characters: Mistral makes a key of 255 of it
WORKFLOW_NAME = re.compile(r"\w[\w.-]{0,254}", re.ASCII)
UUID_LIKE = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.ASCII | re.IGNORECASE)

# Mistral's engine commands that are not supported, and what to write instead. The others are `document.COMMANDS`.
COMMANDS_REFUSED: Mapping[str, str] = {"pause": "give the task that is to wait `pause-before: true`"}
RESERVED: Mapping[Flow, frozenset[str]] = {
    Flow.REVERSE: frozenset(("version",)),
    Flow.DIRECT: frozenset(("version", "pause")) | COMMANDS,
}

WORKFLOW = ("type", "description", "input", "output", "vars", "tasks")
TASK = (
    "description",
    "action",
    "workflow",
    "input",
    "requires",
    "on-success",
    "on-error",
    "on-complete",
    "join",
    "retry",
    "timeout",
    "wait-before",
    "wait-after",
    "pause-before",
)
RETRY = ("count", "delay")
SECONDS = 10**9  # thirty years; Mistral adds them to a date, and where that overflows the task never starts

# Keys of tasks that stand in the other type of workflow only.
MISPLACED: Mapping[Flow, Mapping[str, str]] = {
    Flow.REVERSE: dict.fromkeys(
        ("on-success", "on-error", "on-complete", "join"),
        "a reverse workflow has no such order: let the other task say `requires`",
    ),
    Flow.DIRECT: {"requires": "a direct workflow has no such order: let the task before say `on-success`"},
}

# Keys that Mistral knows and Embank does not support, with what to do instead.
NOT_SUPPORTED_IN_FILE: Mapping[str, str] = {
    "workflows": "this is a workbook; put its workflows at the top level of the file",
    "actions": "a task runs one of Embank's actions, std.noop, std.echo or std.fail",
    "tags": "a comment says the same",
}
_NO_DEFAULTS = "say it in each task, so that a task can be read by itself"
_NO_VARIABLES = "tasks hand each other nothing: what they share is in the checkpoint"
NOT_SUPPORTED_IN_WORKFLOW: Mapping[str, str] = {
    "task-defaults": _NO_DEFAULTS,
    "output-on-error": "the runner's summary says what failed and why",
    "tags": "a comment says the same",
}
NOT_SUPPORTED_IN_TASK: Mapping[str, str] = {
    "with-items": "write one task for each item, so that each can be seen, retried and required",
    "publish": _NO_VARIABLES,
    "publish-on-error": _NO_VARIABLES,
    "publish-on-skip": _NO_VARIABLES,
    "on-skip": "tasks are not skipped by hand: take the task out of the file",
    "concurrency": "limit a resource type instead: `concurrency` in the vars of the main workflow",
    "fail-on": "an activity that fails raises an error; use std.fail to fail on purpose",
    "keep-result": "results are not kept",
    "target": "it has no effect in Mistral 23",
    "safe-rerun": "it has no effect in Mistral 23; activities can always be run again",
    "tags": "a comment says the same",
    "name": "the name of a task is its key",
    "type": "the type belongs to the workflow",
}
NOT_SUPPORTED_IN_RETRY: Mapping[str, str] = {
    "break-on": "conditions are not supported: a task is retried when it fails",
    "continue-on": "conditions are not supported: a task is retried when it fails",
}
