"""The banks and checkpoints that the actions of this process work on, each opened once."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from embank.actions.guarded_bank import GuardedBank
from embank.actions.late_bank import LateBank
from embank.actions.secrets import Scrubber
from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.checkpoints import Checkpoints
from embank.diagnostics import did_you_mean
from embank.inputs.provider.find import Provider
from embank.plugins import Bank
from embank.task_input import BadInput, Run

KEPT = 16  # checkpoints; an executor of an engine sees many in its life


class Banks:
    """Providers by id, with their banks, and the checkpoints in use. Safe for threads."""

    def __init__(self, providers: Sequence[Provider]) -> None:
        self._providers = {provider.id: provider for provider in providers}
        self._banks: dict[str, Bank] = {}
        self._checkpoints: dict[tuple[str, str, str], Checkpoint] = {}
        self._lock = threading.Lock()

    def provider(self, run: Run) -> Provider:
        """The provider of an execution. Raises BadInput."""
        if run.provider not in self._providers:
            hint = did_you_mean(run.provider, self._providers)
            raise BadInput(
                f"there is no provider with the id {run.provider!r:.100} here" + (f": {hint}" if hint else "")
            )
        return self._providers[run.provider]

    def checkpoints(self, run: Run) -> Checkpoints:
        """The checkpoints of the provider's bank. Raises BankError, BadInput."""
        return Checkpoints(self.bank(run), self.provider(run).saved_schema)

    def bank(self, run: Run) -> Bank:
        """The bank of the provider: one instance for all threads. Raises BadInput."""
        provider = self.provider(run)
        with self._lock:
            if provider.id not in self._banks:
                self._banks[provider.id] = GuardedBank(LateBank(provider.open_bank), provider.without_secrets)
            return self._banks[provider.id]

    def checkpoint(self, run: Run, *, look: bool = True) -> Checkpoint:
        """The checkpoint of an execution. One instance for all its activities: what one has read of the
        resource graph is read once. Raises CheckpointMissing, if it is to `look` for it, and BankError.
        """
        key = (run.provider, run.checkpoint, run.execution)
        found = self._checkpoints.get(key)
        if found is None:
            above = self.checkpoints(run)
            if not look:
                return Checkpoint(above.bank, run.checkpoint, run.execution, above.schema_of)
            found = above.open(run.checkpoint, run.execution)
            with self._lock:
                self._checkpoints[key] = found
                while len(self._checkpoints) > KEPT:
                    del self._checkpoints[next(iter(self._checkpoints))]
        return found

    def scrubber(self, run: Run, values: Sequence[str] = ()) -> Scrubber:
        """Takes the secrets of the provider's configuration, and these values, out of texts."""
        return Scrubber(values, self.provider(run).without_secrets)
