"""What Mistral says of executions, tasks and actions, in our words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from embank.errors import ExitCode
from embank.mistral.api.seen import OVER, SeenTask
from embank.model import Json

LATE = re.compile(r"The action raised an exception \[.*msg='Timeout after (\d+) seconds'", re.DOTALL)


def task_of(path: str, row: Mapping[str, Any]) -> SeenTask:
    """A row of its list of tasks, at its path in the execution."""
    started = row.get("started_at") or row["created_at"]
    ended = (row.get("finished_at") or row["updated_at"]) if row["state"] in OVER else None
    return SeenTask(
        path, row["state"], time_of(started), time_of(ended) if ended else None, _plainly(row.get("state_info") or "")
    )


def reason_of(output: Json) -> tuple[str, int]:
    """What an action said of its failure: ours in two fields, Mistral itself in a sentence."""
    result = output.get("result") if isinstance(output, Mapping) else output
    if isinstance(result, Mapping) and isinstance(result.get("reason"), str):
        code = result.get("exit_code")
        return result["reason"], code if type(code) is int else int(ExitCode.FAILED)
    return (_plainly(result) if isinstance(result, str) else json.dumps(result)) or "it failed without a word", 0


def _plainly(text: str) -> str:
    """An executor's word for an action that took too long, which it has once the action has come to its end."""
    late = LATE.match(text)
    return f"timed out after {late[1]} s" if late else text


def time_of(text: str) -> datetime:
    """Mistral's times are UTC, without saying so."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
