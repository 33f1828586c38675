"""A closer in the cleanup: it runs when there is anything to close, whatever becomes of the lease and the bank.

    ask the bank whether it is open ──► no: done
        └── yes, or nobody can say ──► call the plugin ──► record that it is closed, or say that this failed

Closing twice does no harm, and leaving something frozen does. A bank that hangs is waited for only so long
(decision ACT-3).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import TypeVar

from embank.actions.activity import RunningActivity
from embank.actions.banks import Banks
from embank.actions.context import Control
from embank.actions.leases import LeaseKeeper
from embank.actions.patience import Silent, within
from embank.actions.secrets import Scrubber
from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.errors import CheckpointError, CheckpointMissing
from embank.document import Closer
from embank.model import Operation
from embank.plugins import BankError, Poll
from embank.task_input import Run

PATIENCE = 5.0  # s that a closer waits for each answer of its bank
T = TypeVar("T")


class Closers:
    """The closers of this process. It remembers those that ran and could not be recorded."""

    def __init__(self, banks: Banks, leases: LeaseKeeper, patience: float = PATIENCE) -> None:
        self._banks = banks
        self._leases = leases
        self._patience = self._limit = patience
        self._unrecorded: dict[Run, list[RunningActivity]] = {}
        self._lock = threading.Lock()

    def steps(self, run: Run, closer: Closer, control: Control, secrets: list[Scrubber]) -> Iterator[Poll]:
        """Run a closer, if there is anything to close. The scrubber of its secrets is added to `secrets`."""
        if not self._is_open(run, closer, control):
            return
        activity = RunningActivity(self._banks, run, closer, control, cleanup=True)
        secrets.append(activity.scrubber)
        checkpoint = self._banks.checkpoint(run, look=False)
        with ExitStack() as stack:
            with suppress(BankError, CheckpointError):
                self._within(lambda: self._hold(checkpoint))
                stack.enter_context(self._leases.holding(checkpoint))
            with suppress(BankError, CheckpointError):  # if this fails its own closer finds that nobody can say
                self._within(activity.mark_started)
            yield from activity.call_plugin()
            try:
                self._within(activity.mark_closed)
            except (BankError, CheckpointError) as error:
                with self._lock:
                    self._unrecorded.setdefault(run, []).append(activity)
                control.tell(activity.scrubber.clean(f"closed, but the bank does not record it: {error}"))

    def record(self, run: Run) -> None:
        """Try once more to record what was closed: the bank may be back. What fails again is forgotten."""
        with self._lock:
            activities = self._unrecorded.pop(run, [])
        for activity in activities:
            with suppress(BankError, CheckpointError):
                self._within(activity.mark_closed)

    def _is_open(self, run: Run, closer: Closer, control: Control) -> bool:
        try:
            is_open = self._within(lambda: self._recorded_as_open(run, closer))
        except (BankError, CheckpointMissing) as error:
            if isinstance(error, CheckpointMissing) and run.operation is Operation.DELETE:
                return False  # it is gone because everything was done, and closed (decision ACT-4)
            # so that nothing stays frozen because its bank is away (decision ACT-1)
            text = f"nobody can say whether this is open, so it is closed: {error}"
            control.tell(self._banks.scrubber(run).clean(text))
            return True
        self._limit = self._patience  # it has answered
        return is_open

    def _recorded_as_open(self, run: Run, closer: Closer) -> bool:
        checkpoint = self._banks.checkpoint(run)
        if any(checkpoint.is_open(run.execution, resource.key, closer.closes) for resource in closer.resources):
            return True
        checkpoint.check_exists()
        return False

    def _hold(self, checkpoint: Checkpoint) -> None:
        """So that nobody deletes it meanwhile. A lease on what is not there would be all that there is of it."""
        checkpoint.check_exists()
        self._leases.refresh(checkpoint)

    def _within(self, ask: Callable[[], T]) -> T:
        """`ask`, with patience; with less of it when the bank was silent the last time: many closers may wait."""
        try:
            return within(self._limit, ask)
        except Silent:
            self._limit = self._patience / 10
            raise
