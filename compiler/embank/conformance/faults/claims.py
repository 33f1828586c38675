"""What must be true after an operation, whatever went wrong: the four claims.

truth       nothing is reported that is not so
safety      nothing is lost that was saved; the original is as it was
release     closers ran: nothing is frozen, stopped or staged, or it is said with exit code 5
recovery    the exit code is right, and with a healthy bank the operation can be repeated
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from embank.checkpoint.records.lease import UNKNOWN
from embank.checkpoint.records.status import Status
from embank.conformance.faults.memory_bank import MemoryBank
from embank.conformance.faults.run import Site, copy_of, keys
from embank.errors import ExitCode
from embank.model import Operation
from embank.plugins import Bank
from embank.runner.local import Outcome

ENDS = {ExitCode.OK: "SUCCESS", ExitCode.FAILED: "ERROR", ExitCode.FAILED_OPEN: "ERROR"}


@dataclass(frozen=True)
class Trial:
    """An operation that has ended: `bank` is the bank itself, without faults.

    `lease_lost`: the fault was such that nobody can say who holds the lease. `waited`: the execution waited until
    a call stalled no longer. `destroyed`: the originals were lost before it began.
    """

    site: Site
    operation: Operation
    bank: Bank
    checkpoint: str
    outcome: Outcome
    lease_lost: bool = False
    waited: bool = False
    destroyed: bool = True

    @property
    def execution(self) -> str:
        """Its id."""
        return self.outcome.summary.execution

    @property
    def ok(self) -> bool:
        """Whether success was reported."""
        return self.outcome.exit_code is ExitCode.OK

    @property
    def status(self) -> Status:
        """What a list of the checkpoints shows."""
        checkpoints = self.site.checkpoints(self.bank)
        return checkpoints.info(self.checkpoint).status.status if self.exists else Status.GONE

    @property
    def exists(self) -> bool:
        """Whether the bank holds anything of the checkpoint."""
        return bool(keys(self.bank, self.prefix))

    @property
    def prefix(self) -> str:
        """What the keys of the checkpoint begin with."""
        return f"checkpoints/{self.checkpoint}/"


def check(trial: Trial) -> None:
    """Assert all four. The original is there afterwards, and the checkpoint is not."""
    check_exit_code(trial)
    check_release(trial)
    AFTER[trial.operation](trial)
    check_recovery(trial)


def check_exit_code(trial: Trial) -> None:
    """0, 4 or 5, and the one that fits: nobody else works on the checkpoint, nobody interrupts."""
    outcome = trial.outcome
    if not (trial.lease_lost and outcome.exit_code is ExitCode.LOCKED):
        assert ENDS.get(outcome.exit_code) == outcome.state, f"exit code {outcome.exit_code} for {outcome.state}"
    assert trial.ok or outcome.summary.failures, "it failed, and nothing says what did"


def check_release(trial: Trial) -> None:
    """Nothing is held; or exit code 5 says that something may be, and a closer is named."""
    summary = trial.outcome.summary
    if trial.outcome.exit_code is ExitCode.FAILED_OPEN:
        assert summary.open or any(failure.closer for failure in summary.failures), "exit code 5 names no closer"
    else:
        assert not summary.open, f"{summary.open} stays open, and the exit code does not say so"
        trial.site.assert_released()


def _after_protect(trial: Trial) -> None:
    trial.site.compare()
    assert trial.status is Status.AVAILABLE or not trial.ok, f"success, but the checkpoint is {trial.status}"
    if trial.status is Status.AVAILABLE:
        check_whole(trial)


def _after_restore(trial: Trial) -> None:
    if trial.ok or not trial.destroyed:
        trial.site.compare()
    if trial.ok:
        said = [record.state for record in trial.site.checkpoints(trial.bank).open(trial.checkpoint).operations()]
        assert said == ["restored"], f"success, and the checkpoint tells of {said}"
    _is_still_whole(trial)


def _after_verify(trial: Trial) -> None:
    _is_still_whole(trial)


def _after_delete(trial: Trial) -> None:
    trial.site.compare()
    assert trial.status is Status.GONE or not trial.ok, f"success, but there is {keys(trial.bank, trial.prefix)[:5]}"
    if trial.status is Status.AVAILABLE:
        check_whole(trial)


def _is_still_whole(trial: Trial) -> None:
    assert trial.status is Status.AVAILABLE, f"the checkpoint was available, and is {trial.status}"
    check_manifest(trial)  # its plugins read it in `check_recovery`


AFTER: dict[Operation, Callable[[Trial], None]] = {
    Operation.PROTECT: _after_protect,
    Operation.RESTORE: _after_restore,
    Operation.VERIFY: _after_verify,
    Operation.DELETE: _after_delete,
}


def check_manifest(trial: Trial) -> None:
    """Everything that the manifest lists is there as it was written."""
    findings = list(trial.site.checkpoints(trial.bank).open(trial.checkpoint).verify())
    assert not findings, f"available, but {findings[0].message}"


def check_whole(trial: Trial) -> None:
    """The same, and the plugins can verify it."""
    check_manifest(trial)
    copy = copy_of(trial.bank, MemoryBank())
    expire(trial.site, copy, trial.checkpoint, trial.execution)
    outcome = trial.site.run(Operation.VERIFY, copy, "kit-verify", trial.checkpoint)
    assert outcome.exit_code is ExitCode.OK, f"available, but {outcome.summary.failures[0].reason}"


def check_recovery(trial: Trial) -> None:
    """With a healthy bank: protect, restore and verify can be done again, and a delete leaves nothing."""
    site = trial.site
    if trial.operation is Operation.PROTECT:
        _succeeds(site, Operation.PROTECT, trial.bank, "kit-again")
    if trial.exists:
        expire(site, trial.bank, trial.checkpoint, trial.execution)
        if trial.operation in (Operation.RESTORE, Operation.VERIFY):
            _succeeds(site, trial.operation, trial.bank, "kit-again", trial.checkpoint)
        _succeeds(site, Operation.DELETE, trial.bank, "kit-delete", trial.checkpoint)
    site.compare()
    assert not trial.exists, f"the delete leaves {keys(trial.bank, trial.prefix)[:5]}"


def _succeeds(site: Site, operation: Operation, bank: Bank, execution: str, checkpoint: str = "") -> None:
    outcome = site.run(operation, bank, execution, checkpoint)
    why = outcome.summary.failures[0].reason if outcome.summary.failures else outcome.state
    assert outcome.exit_code is ExitCode.OK, f"with a healthy bank, {operation} fails afterwards: {why}"
    site.assert_released()


def expire(site: Site, bank: Bank, checkpoint: str, execution: str) -> None:
    """Let the time pass until the lease of an execution that could not give it back is over."""
    leases = site.checkpoints(bank).open(checkpoint).leases
    lease = leases.current()
    if lease is not None:
        assert lease.owner in (execution, UNKNOWN), f"{lease.owner} holds the lease"
        leases.release(lease)
