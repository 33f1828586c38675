"""What a journal makes of what an engine says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from embank.clock import SystemClock
from embank.document import Document
from embank.journal.replay import Replayed, replay
from embank.mistral.api.seen import Seen
from embank.mistral.translate import translate
from embank.reporting.events import Event


@dataclass
class Told:
    """What a journal says that was made of an execution in an engine."""

    lines: list[tuple[datetime, str, dict[str, Any]]]
    replayed: Replayed
    events: list[Event]

    @property
    def states(self) -> dict[str, str]:
        """The last state of every task that is known."""
        execution = self.replayed.conductor.execution
        return {execution.path(row): str(state) for row, state in enumerate(execution.state.task)}

    @property
    def story(self) -> list[str]:
        """The lines in short: "begun begin", "failed activities/copy: no"."""
        return [_short(name, values, self.replayed) for _, name, values in self.lines]

    @property
    def end(self) -> tuple[str, int] | None:
        """The state and the exit code in the last line, if there is one."""
        _, name, values = self.lines[-1] if self.lines else (None, "", {})
        return (values["state"], values["exit_code"]) if name == "finished" else None


def tell(document: Document, seen: Seen) -> Told:
    """Translate, and replay what came out of it."""
    lines = translate(document, seen)
    moments = [seen.started, *(moment for moment, _, _ in lines)]
    assert moments == sorted(moments), "times go back"
    head = {"event": "execution", "at": seen.started.isoformat(), "execution": seen.execution, "fail_fast": False}
    entries = [{"at": moment.isoformat(), "event": name, **values} for moment, name, values in lines]
    events: list[Event] = []
    journal = [{"n": number, **entry} for number, entry in enumerate([head, *entries], 1)]
    return Told(lines, replay(document, journal, SystemClock(), [events.append]), events)


def _short(name: str, values: dict[str, Any], replayed: Replayed) -> str:
    path = replayed.conductor.execution.path(values["row"]) if "row" in values else ""
    more = values.get("reason") or values.get("text") or ""
    return " ".join(filter(None, (name, path))) + (f": {more}" if more else "")
