"""The banks and checkpoints that the actions of this process work on, each opened once."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embank.actions.guarded_bank import ForeignBank
from embank.actions.late_bank import LateBank
from embank.actions.secrets import Scrubber
from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.checkpoints import Checkpoints
from embank.diagnostics import did_you_mean
from embank.errors import EmbankError, ExitCode
from embank.inputs.provider.find import Provider
from embank.model import Json, Operation
from embank.plugins import Bank

KEPT = 16  # checkpoints; an executor of an engine sees many in its life


class BadInput(EmbankError):
    """The input of an action is not what a workflow file of Embank gives it."""

    exit_code = ExitCode.FAILED


@dataclass(frozen=True, slots=True)
class Run:
    """The `run` variable of a workflow."""

    provider: str
    plan: str
    operation: Operation
    checkpoint: str
    execution: str


def parse_run(value: Json) -> Run:
    """The `run` of an action's input. Raises BadInput."""
    names = ("provider", "plan", "operation", "checkpoint", "execution")
    if not isinstance(value, Mapping) or not all(isinstance(value.get(name), str) for name in names):
        raise BadInput(f"`run` must give {', '.join(names)}, each as text")
    try:
        operation = Operation(value["operation"])
    except ValueError:
        raise BadInput(f"`run` names an unknown operation {value['operation']!r:.60}") from None
    return Run(value["provider"], value["plan"], operation, value["checkpoint"], value["execution"])


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
                self._banks[provider.id] = ForeignBank(LateBank(provider.open_bank), provider.without_secrets)
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
