"""What the four actions of a workflow do: begin, activity, complete, cleanup. Neutral to what runs them.

Everything may be done again: after a crash, a lost answer, a retry.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

from embank.actions.activity import RunningActivity
from embank.actions.banks import Banks
from embank.actions.closers import Closers
from embank.actions.context import Control
from embank.actions.leases import LeaseKeeper
from embank.actions.patience import Silent, within
from embank.actions.secrets import Scrubber
from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.errors import CheckpointError, CheckpointMissing
from embank.checkpoint.facts import Facts
from embank.checkpoint.records.lease import TTL
from embank.checkpoint.records.status import Status
from embank.conductor.execution import Job
from embank.document import Activity, Begin, Closer, Complete
from embank.inputs.provider.find import Provider
from embank.model import Operation
from embank.plugins import BankError, Poll
from embank.reasons import ActionFailed, code_of, short, text_of
from embank.task_input import BadInput, Run, run_of, value_of
from embank.task_parameters import FAILED, NO_GRAPH

PATIENCE = 30.0  # s

T = TypeVar("T")


class Actions:
    """The actions, on these providers. `debug` is given the traceback of every failure, without secrets. When an
    execution has failed, its bank has `patience` seconds to take that in.
    """

    def __init__(
        self,
        providers: Sequence[Provider],
        *,
        debug: Callable[[str], None] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._banks = Banks(providers)
        self._leases = LeaseKeeper()
        self._closers = Closers(self._banks, self._leases)
        self._debug = debug
        self._patience = patience

    def perform(self, job: Job, control: Control) -> Iterator[Poll]:
        """Do one action, step by step. Raises ActionFailed, whose message is fit to be shown."""
        secrets: list[Scrubber] = []
        try:
            run = run_of(job.action, job.input)
            self._banks.bank(run)
            secrets.append(self._banks.scrubber(run))
            does = value_of(job.action, job.input, run)
            if isinstance(does, Begin):
                self._begin(run, does)
            elif isinstance(does, Complete):
                self._closers.record(run)
                self._complete(run, does.status, control)
            elif isinstance(does, Activity):
                yield from self._activity(run, does, control, secrets)
            elif isinstance(does, Closer):
                yield from self._closers.steps(run, does, control, secrets)
        except GeneratorExit:
            raise
        except BaseException as error:  # also SystemExit: somebody else's code
            raise self._failure(error, secrets[-1] if secrets else Scrubber()) from None

    def _failure(self, error: BaseException, scrubber: Scrubber) -> ActionFailed:
        if self._debug:
            self._debug(scrubber.clean("".join(traceback.format_exception(error))))
        return ActionFailed(short(scrubber.clean(text_of(error))), code_of(error))

    def _activity(self, run: Run, does: Activity, control: Control, secrets: list[Scrubber]) -> Iterator[Poll]:
        with self._leases.holding(self._banks.checkpoint(run)):
            activity = RunningActivity(self._banks, run, does, control)
            secrets.append(activity.scrubber)
            yield from activity.steps()

    def close(self) -> None:
        """End the thread that keeps leases."""
        self._leases.close()

    # begin

    def _begin(self, run: Run, begin: Begin) -> None:
        if run.operation is Operation.PROTECT:
            facts = Facts(run.plan, run.provider, run.execution, self._banks.provider(run).name)
            checkpoint = self._banks.checkpoints(run).create(run.checkpoint, facts)
            self._leases.take(checkpoint)
            if begin.graph is None:
                raise BadInput(NO_GRAPH)
            checkpoint.save_graph_chunk(begin.chunk, begin.chunks, begin.graph)
            return
        checkpoint = self._banks.checkpoints(run).open(run.checkpoint, run.execution)
        if run.operation is Operation.DELETE:
            self._begin_delete(checkpoint)
            return
        self._check_available(run, checkpoint)  # before its lease is taken: a killed protect needs it to be resumed
        self._leases.take(checkpoint)
        try:
            self._check_available(run, checkpoint)
        except CheckpointError:
            self._release(checkpoint)
            raise
        checkpoint.record_operation(run.execution, run.operation, "started")

    def _begin_delete(self, checkpoint: Checkpoint) -> None:
        """Mark it as being deleted, which says it all (decision CHECKPOINT-5). That takes two small records, for
        which a full bank may have no room.
        """
        lease = _with_room(checkpoint, lambda: self._leases.take(checkpoint))
        _with_room(checkpoint, lambda: checkpoint.move(Status.DELETING, token=lease.token))

    def _check_available(self, run: Run, checkpoint: Checkpoint) -> None:
        status = checkpoint.status()
        if status.status is not Status.AVAILABLE:
            why = f" ({status.reason})" if status.reason else ""
            raise CheckpointError(
                f"the checkpoint {run.checkpoint} is {status.status}{why}: there is nothing to {run.operation}"
            )

    # complete

    def _complete(self, run: Run, status: str, control: Control) -> None:
        if status == FAILED:
            self._within_patience(run, control)
        elif run.operation is Operation.PROTECT:
            self._make_available(run)
        elif run.operation is Operation.DELETE:
            self._erase(run, control)
        else:
            checkpoint = self._banks.checkpoint(run)
            if checkpoint.operation_state(run.execution) != status:  # its answer was not lost before
                self._leases.take(checkpoint)
                checkpoint.record_operation(run.execution, run.operation, status)
            self._release(checkpoint)

    def _make_available(self, run: Run) -> None:
        checkpoint = self._banks.checkpoint(run)
        now = checkpoint.status()
        if now.status is not Status.AVAILABLE or now.execution != run.execution:
            with self._leases.holding(checkpoint):
                checkpoint.seal()
                checkpoint.move(Status.AVAILABLE, token=checkpoint.token)
        self._release(checkpoint)

    def _erase(self, run: Run, control: Control) -> None:
        try:
            self._banks.checkpoints(run).open(run.checkpoint, run.execution)
        except CheckpointMissing:
            return  # an earlier attempt has done it, maybe of a process that was killed then
        checkpoint = self._banks.checkpoint(run)
        self._leases.take(checkpoint)
        self._leases.forget(checkpoint)  # a renewal would leave something behind
        erased = checkpoint.erase()
        control.tell(f"deleted {erased.objects} objects, {erased.size} bytes; nothing is left")

    def _within_patience(self, run: Run, control: Control) -> None:
        """The last word of an execution that failed must not wait for ever for a bank that hangs."""
        try:
            within(self._patience, lambda: self._abandon(run, control))
        except Silent as error:
            raise BankError(
                f"{error}: the checkpoint {run.checkpoint} stays as it is, and its lease ends by itself, "
                f"within {TTL.total_seconds() / 60:.0f} min"
            ) from error

    def _abandon(self, run: Run, control: Control) -> None:
        """Say that the execution failed, if it had begun: what others did to the checkpoint stays."""
        try:
            checkpoint = self._banks.checkpoints(run).open(run.checkpoint, run.execution)
        except CheckpointMissing:
            control.tell(f"there is no checkpoint {run.checkpoint}: nothing to change")
            return
        lease = checkpoint.leases.current()
        mine = lease is not None and lease.owner == run.execution
        state = checkpoint.operation_state(run.execution)
        if not mine and not state and run.execution not in (checkpoint.begun_by(), checkpoint.status().execution):
            control.tell(f"this execution had not begun: it has changed nothing in the checkpoint {run.checkpoint}")
            return
        if run.operation is Operation.PROTECT and checkpoint.begun_by() == run.execution:
            if checkpoint.status().status is Status.PROTECTING:
                checkpoint.move(Status.ERROR, reason="the execution failed")
        elif state == "started":
            checkpoint.record_operation(run.execution, run.operation, "error")
        if mine:
            self._release(checkpoint)

    def _release(self, checkpoint: Checkpoint) -> None:
        """Give the lease back; if that fails it expires."""
        with suppress(BankError, CheckpointError):
            self._leases.release(checkpoint)


def _with_room(checkpoint: Checkpoint, write: Callable[[], T]) -> T:
    """`write` a record; when that fails, make room and do so again (decision CHECKPOINT-8)."""
    try:
        return write()
    except BankError:
        checkpoint.make_room()
    try:
        return write()
    except BankError as error:
        raise BankError(
            f"{error} (a deletion begins with two records of some hundred bytes, and there is nothing in the "
            "checkpoint that may go before: if the bank is full, free some kilobytes, then delete it again)"
        ) from error
