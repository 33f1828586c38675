"""What the four actions of a workflow do: begin, activity, complete, cleanup. Neutral to what runs them.

Everything may be done again: after a crash, a lost answer, a retry.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.errors import CheckpointError, CheckpointMissing
from embank.checkpoint.facts import Facts
from embank.checkpoint.status import Status
from embank.inputs.provider import Provider
from embank.model import Json, Operation, Parameters, Phase
from embank.plugins import BankError, Poll
from embank.run.activity import Activity, Call, is_to_be_closed, parse_call, phase_of
from embank.run.banks import BadInput, Banks, Run, parse_run
from embank.run.execution import Job
from embank.run.leases import LeaseKeeper
from embank.run.messages import Control
from embank.run.reasons import ActionFailed, code_of, short, text_of
from embank.run.secrets import Scrubber

# What each action may be given, besides `run`.
INPUTS: Mapping[str, frozenset[str]] = {
    "embank.begin": frozenset(("graph", "chunk", "chunks")),
    "embank.activity": frozenset(("activity", "resource", "resources", "parameters", "poll_interval")),
    "embank.cleanup": frozenset(("activity", "closes", "resource", "resources", "parameters", "poll_interval")),
    "embank.complete": frozenset(("status",)),
}
ENDS = {"restored": Operation.RESTORE, "verified": Operation.VERIFY, "deleted": Operation.DELETE}


class Actions:
    """The actions, on these providers. `debug` is given the traceback of every failure, without secrets."""

    def __init__(self, providers: Sequence[Provider], *, debug: Callable[[str], None] | None = None) -> None:
        self._banks = Banks(providers)
        self._leases = LeaseKeeper()
        self._debug = debug

    def perform(self, job: Job, control: Control) -> Iterator[Poll]:
        """Do one action, step by step. Raises ActionFailed, whose message is fit to be shown."""
        secrets: list[Scrubber] = []
        try:
            if job.action not in INPUTS:
                raise BadInput(f"there is no action {job.action!r:.100} here: there are {', '.join(INPUTS)}")
            if unknown := sorted(set(job.input) - INPUTS[job.action] - {"run"}):
                raise BadInput(f"{job.action} takes no input {unknown[0]!r:.100}")
            run = parse_run(job.input.get("run"))
            self._banks.bank(run)
            secrets.append(self._banks.scrubber(run))
            if job.action == "embank.begin":
                self._begin(run, job.input)
            elif job.action == "embank.complete":
                self._complete(run, job.input.get("status"), control)
            elif job.action == "embank.activity":
                yield from self._activity(parse_call(run, job.input), control, secrets)
            else:
                closes = phase_of(job.input.get("closes"))
                yield from self._cleanup(parse_call(run, job.input), closes, control, secrets)
        except GeneratorExit:
            raise
        except BaseException as error:  # also SystemExit: somebody else's code
            raise self._failure(error, secrets[-1] if secrets else Scrubber()) from None

    def _failure(self, error: BaseException, scrubber: Scrubber) -> ActionFailed:
        if self._debug:
            self._debug(scrubber.clean("".join(traceback.format_exception(error))))
        return ActionFailed(short(scrubber.clean(text_of(error))), code_of(error))

    def _activity(self, call: Call, control: Control, secrets: list[Scrubber]) -> Iterator[Poll]:
        with self._leases.holding(self._banks.checkpoint(call.run)):
            activity = Activity(self._banks, call, control)
            secrets.append(activity.scrubber)
            yield from activity.steps()

    def _cleanup(self, call: Call, closes: Phase, control: Control, secrets: list[Scrubber]) -> Iterator[Poll]:
        """Run a closer if there is anything to close. Neither a lost lease nor a lost bank keeps it from that."""
        if not is_to_be_closed(self._banks, call, closes, control):
            return
        activity = Activity(self._banks, call, control)
        secrets.append(activity.scrubber)
        try:
            yield from activity.steps()
        except (BankError, CheckpointError) as error:
            if not activity.called:
                raise
            control.tell(activity.scrubber.clean(f"closed, but the bank does not record it: {error}"))

    def close(self) -> None:
        """End the thread that keeps leases."""
        self._leases.close()

    # begin

    def _begin(self, run: Run, given: Parameters) -> None:
        if run.operation is Operation.PROTECT:
            facts = Facts(run.plan, run.provider, run.execution, self._banks.provider(run).name)
            checkpoint = self._banks.checkpoints(run).create(run.checkpoint, facts)
            self._leases.take(checkpoint)
            graph, chunk, chunks = given.get("graph"), given.get("chunk", 1), given.get("chunks", 1)
            if not isinstance(graph, Mapping) or type(chunk) is not int or type(chunks) is not int:
                raise BadInput("`graph` must be a mapping, `chunk` and `chunks` whole numbers")
            checkpoint.save_graph_chunk(chunk, chunks, graph)
            return
        checkpoint = self._banks.checkpoints(run).open(run.checkpoint, run.execution)
        lease = self._leases.take(checkpoint)
        if run.operation is Operation.DELETE:
            checkpoint.move(Status.DELETING, execution=run.execution, token=lease.token)
            return
        status = checkpoint.status()
        if status.status is not Status.AVAILABLE:
            checkpoint.leases.release(lease)
            why = f" ({status.reason})" if status.reason else ""
            raise CheckpointError(
                f"the checkpoint {run.checkpoint} is {status.status}{why}: there is nothing to {run.operation}"
            )
        checkpoint.record_operation(run.execution, run.operation, "started")

    # complete

    def _complete(self, run: Run, status: Json, control: Control) -> None:
        if status == "error":
            self._abandon(run)
        elif status == "available" and run.operation is Operation.PROTECT:
            checkpoint = self._banks.checkpoint(run)
            self._forget(checkpoint)
            token = self._leases.take(checkpoint).token
            checkpoint.seal()
            checkpoint.move(Status.AVAILABLE, execution=run.execution, token=token)
            self._release(checkpoint)
        elif ENDS.get(str(status)) is not run.operation:
            raise BadInput(f"{run.operation} does not end as {status!r:.60}")
        elif run.operation is Operation.DELETE:
            self._erase(run, control)
        else:
            checkpoint = self._banks.checkpoint(run)
            checkpoint.record_operation(run.execution, run.operation, str(status))
            self._forget(checkpoint)
            self._release(checkpoint)

    def _erase(self, run: Run, control: Control) -> None:
        checkpoint = self._banks.checkpoint(run)
        self._forget(checkpoint)
        try:
            self._banks.checkpoints(run).open(run.checkpoint, run.execution)
        except CheckpointMissing:
            return  # an earlier attempt has done it
        self._leases.take(checkpoint)
        erased = checkpoint.erase()
        control.tell(f"deleted {erased.objects} objects, {erased.size} bytes; nothing is left")

    def _abandon(self, run: Run) -> None:
        """Say that the execution failed, if it had begun: what others did to the checkpoint stays."""
        try:
            checkpoint = self._banks.checkpoints(run).open(run.checkpoint, run.execution)
        except CheckpointMissing:
            return
        self._forget(checkpoint)
        lease = checkpoint.leases.current()
        mine = lease is not None and lease.owner == run.execution
        if run.operation is Operation.PROTECT:
            first, now = checkpoint.history()[0], checkpoint.status()
            if first.execution == run.execution and now.status is Status.PROTECTING:
                checkpoint.move(Status.ERROR, execution=run.execution, reason="the execution failed")
        elif mine:
            checkpoint.record_operation(run.execution, run.operation, "error")
        if mine:
            self._release(checkpoint)

    def _forget(self, checkpoint: Checkpoint) -> None:
        self._leases.forget(checkpoint)

    def _release(self, checkpoint: Checkpoint) -> None:
        """Give the lease back; if that fails it expires."""
        with suppress(BankError, CheckpointError):
            checkpoint.leases.release(self._leases.take(checkpoint))
