"""`embank.plugins.Context`, as an activity sees the execution that it is part of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from embank.actions.secrets import Scrubber
from embank.checkpoint.checkpoint import Checkpoint
from embank.model import Json, Operation, Resource
from embank.plugins import Started


class Control(Protocol):
    """What an action can ask of, and say to, whatever runs it."""

    @property
    def cancelled(self) -> bool:
        """The action should come to an end soon: the execution is being stopped, or it timed out."""

    def tell(self, text: str) -> None:
        """Tell the person who watches."""


class ActivityContext:
    """Implements Context. Made for one activity; `control` is whatever runs it."""

    def __init__(
        self,
        execution: str,
        operation: Operation,
        checkpoint: Checkpoint,
        control: Control,
        scrubber: Scrubber,
        *,
        closing: bool = False,
    ) -> None:
        self.execution = execution
        self.operation = operation
        self.closing = closing
        self._checkpoint = checkpoint
        self._starts = checkpoint.starts(execution)
        self._control = control
        self._scrubber = scrubber

    @property
    def cancelled(self) -> bool:
        """The execution is being stopped, or the activity timed out."""
        return self._control.cancelled

    def log(self, message: str) -> None:
        """Tell the person who watches; secrets that are known are taken out."""
        self._control.tell(self._scrubber.clean(str(message)))

    def record_restored(self, resource: Resource, information: Mapping[str, Json]) -> None:
        """Into the bank, where every worker finds it. Raises CheckpointError when something else was said."""
        self._checkpoint.record_restored(self.execution, resource, information)

    def restored(self, resource: Resource) -> Mapping[str, Json]:
        """What was recorded. Raises Incomplete when nothing was."""
        return self._checkpoint.restored(self.execution, resource)

    def once(self, resource: Resource | Sequence[Resource], name: str, start: Callable[[str], Json]) -> Json:
        """Found in the bank, by any worker. Raises CheckpointError when another run gave it up meanwhile."""
        return self._starts.once(resource, name, start)

    def started(
        self, resource: Resource | Sequence[Resource], name: str, *, protecting: bool = False
    ) -> Started | None:
        """Whatever run of whatever activity started it."""
        return self._starts.started(resource, name, protecting=protecting)

    def forget(self, resource: Resource | Sequence[Resource], name: str) -> None:
        """Unless another run of the activity has started another one since."""
        self._starts.forget(resource, name)
