"""Whether the checkpoint of an execution says that it has failed, although its journal does not say so.

So it is when the disk of the journal was full: closers and the last word that followed are recorded nowhere else.
"""

from __future__ import annotations

from embank.actions.guarded_bank import GuardedBank
from embank.actions.patience import within
from embank.checkpoint.checkpoints import Checkpoints
from embank.checkpoint.errors import CheckpointError
from embank.checkpoint.records.status import Status
from embank.conductor.conductor import Conductor
from embank.inputs.provider.find import Provider
from embank.model import Operation
from embank.plugins import BankError
from embank.task_input import BadInput, parse_run

PATIENCE = 5.0  # s


def says_it_failed(conductor: Conductor, provider: Provider) -> bool:
    """Ask the bank; one that does not answer says nothing."""

    def ask() -> bool:
        run = parse_run(conductor.state.frames[0].context.get("run"))
        checkpoint = Checkpoints(GuardedBank(provider.open_bank())).open(run.checkpoint, run.execution)
        if run.operation is Operation.PROTECT:
            return checkpoint.begun_by() == run.execution and checkpoint.status().status is Status.ERROR
        return checkpoint.operation_state(run.execution) == "error"

    try:
        return within(PATIENCE, ask)
    except (BankError, CheckpointError, BadInput):
        return False
