"""The statuses of one checkpoint in its bank: what it is now, what it was, and what may be recorded next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from embank.checkpoint.errors import Damaged, Fenced, Incomplete, StatusRefused
from embank.checkpoint.keys import checkpoint_prefix
from embank.checkpoint.objects import Clock, timestamp
from embank.checkpoint.records.lease import Leases
from embank.checkpoint.records.status import FOLLOWS, Status, StatusRecord, status_record
from embank.checkpoint.seal.manifest import Manifest
from embank.checkpoint.write_once import Records
from embank.plugins.bank import Bank, ObjectMissing


class Statuses:
    """Write-once records, the last of which counts: see status.py for what may follow what."""

    def __init__(self, bank: Bank, checkpoint: str, manifest: Manifest, leases: Leases, clock: Clock) -> None:
        self.records = Records(bank, f"{checkpoint_prefix(checkpoint)}status/")
        self._bank = bank
        self._checkpoint = checkpoint
        self._manifest = manifest
        self._leases = leases
        self._clock = clock

    def begun_by(self) -> str:
        """The execution that wrote the first; "" when nothing says so (any more)."""
        try:
            return status_record(1, self.records.read(1)).execution
        except (Damaged, ObjectMissing):
            return ""

    def has_moved(self) -> bool:
        """Whether there is more than the first, which is `protecting`: one look instead of reading them all."""
        return self._bank.stat(self.records.key(2)) is not None

    def now(self) -> StatusRecord:
        """The latest. `available` is believed only when the manifest is complete (decision CHECKPOINT-2); damage is
        `error`.
        """
        number = self.records.last()
        if not number:
            return StatusRecord(0, Status.ERROR, "", "", "there is no record of its status")
        try:
            record = status_record(number, self.records.read(number))
        except Damaged as error:  # it is no good for anything but to be deleted
            return StatusRecord(number, Status.ERROR, "", "", str(error))
        if record.status is Status.AVAILABLE and not self._manifest.is_complete():
            return replace(
                record, status=Status.ERROR, reason="it was said to be available, but its manifest is not complete"
            )
        return record

    def history(self) -> Sequence[StatusRecord]:
        """All of them, as recorded, the oldest first."""
        return tuple(status_record(number, value) for number, value in self.records.all())

    def move(self, to: Status, execution: str, *, reason: str = "", token: int = 0) -> StatusRecord:
        """Record another; once more by the same execution is fine. `token`: of the lease that it holds.

        Raises StatusRefused when the table does not allow it or somebody else was faster, Incomplete when
        it is to be available without a manifest, Fenced or LeaseHeld when another execution holds a lease.
        """
        if to is Status.GONE:
            raise ValueError("a checkpoint is gone when erase() has deleted it; there is nothing to record it in")
        now = self.now()
        if now.status is to and now.execution == execution:
            return now
        self._check_lease(execution, token, now)
        if to not in FOLLOWS[now.status]:
            why = f" ({now.reason})" if now.reason else ""
            raise StatusRefused(f"the checkpoint {self._checkpoint} is {now.status}{why}: it cannot become {to}")
        if to is Status.AVAILABLE and not self._manifest.is_complete():
            raise Incomplete(
                f"the checkpoint {self._checkpoint} has no complete manifest: it cannot become available"
            )
        record = StatusRecord(now.number + 1, to, timestamp(self._clock()), execution, reason, token)
        if self.records.create(record.number, record.to_json()):
            return record
        now = self.now()
        if now.status is to and now.execution == execution:
            return now
        raise StatusRefused(
            f"the checkpoint {self._checkpoint} cannot become {to}: "
            f"execution {now.execution!r} made it {now.status} just now"
        )

    def _check_lease(self, execution: str, token: int, now: StatusRecord) -> None:
        if token:
            self._leases.check(token)
            if token < now.token:
                raise Fenced(
                    f"the lease {token} on checkpoint {self._checkpoint} is older than its status (lease {now.token})"
                )
        elif (lease := self._leases.current()) and lease.owner != execution:
            raise self._leases.held(lease)
