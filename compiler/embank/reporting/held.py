"""What stays held although the activity that was to let it go will not run: the closers do, when all else has ended.

That may take as long as somebody's longest copy. People must hear of it soon, and what they can do.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from embank.conductor.execution import Execution
from embank.conductor.state import CANCELLED
from embank.conductor.states import FAILED, SKIPPED, SUCCEEDED, TaskState
from embank.document import Activity
from embank.model import ResourceKey
from embank.reporting.command_lines import STATE, command_line
from embank.reporting.windows import closers_of

SOON = 2.0  # s; what has ended by then need not be told
SHOWN = 3  # resources of one task


class Held:
    """The resources whose opening activity has begun, and the tasks that were to close them and will not."""

    def __init__(self, execution: Execution, state: Path = STATE) -> None:
        """`state`: the state directory that it is kept in."""
        self._execution = execution
        self._cancel = command_line("cancel", execution.id, state)
        self._closers = closers_of(execution.program.document)
        self._open: set[tuple[ResourceKey, str]] = set()  # with the phase that closes it
        self._stranded: dict[int, list[ResourceKey]] = {}
        self._since: float | None = None

    def begun(self, row: int) -> None:
        """An attempt has begun."""
        does = self._execution.specs[row].does
        if isinstance(does, Activity):
            for key in (resource.key for resource in does.resources):
                closers = self._closers.get(key, ())
                self._open.update((key, closer) for opener, closer in closers if opener == does.phase)

    def ended(self, row: int, state: TaskState) -> None:
        """A task has come to this state, and does not leave it."""
        does = self._execution.specs[row].does
        if not isinstance(does, Activity):
            return
        closing = [resource.key for resource in does.resources if (resource.key, does.phase) in self._open]
        if state is SUCCEEDED:
            self._open.difference_update((key, does.phase) for key in closing)
        elif closing and state in (FAILED, SKIPPED):
            self._stranded[row] = closing

    def stranded(self, running: Iterable[int], now: float) -> dict[int, str]:
        """What to say of which tasks, once each, when closers have waited SOON for one of the `running` tasks.
        `now` is in seconds on any clock.
        """
        state = self._execution.state
        advice_taken = state.stopped == CANCELLED
        if not self._stranded or advice_taken or all(state.rescue[row] for row in running):
            self._since = None
            return {}
        self._since = now if self._since is None else self._since
        if now < self._since + SOON:
            return {}
        found, self._stranded = self._stranded, {}
        sooner = f"`{self._cancel}` runs them now"
        then = f"held until what is running has ended; then the closers run. {sooner}"
        return {row: f"{_names(keys)} {then}" for row, keys in found.items()}


def _names(keys: list[ResourceKey]) -> str:
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return f"{', '.join(map(str, keys[:SHOWN]))}{more} stay{'s' if len(keys) == 1 else ''}"
