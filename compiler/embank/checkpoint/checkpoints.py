"""The checkpoints of a bank: begin one, find one, list them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

from embank.checkpoint.checkpoint import Checkpoint, SchemaOf
from embank.checkpoint.errors import CheckpointExists, CheckpointMissing, Damaged, Incomplete
from embank.checkpoint.facts import README, Facts, write_facts
from embank.checkpoint.keys import CHECKPOINT_ID, ROOT, check_id, checkpoint_prefix
from embank.checkpoint.objects import Clock, children, create_json, timestamp, utc_now
from embank.checkpoint.records.lease import Lease
from embank.checkpoint.records.status import Status, StatusRecord, status_record
from embank.diagnostics import did_you_mean
from embank.plugins.bank import Bank, ObjectExists


@dataclass(frozen=True, slots=True)
class CheckpointInfo:
    """A checkpoint in a list. `facts` is None when it is too damaged, or too deleted, to say."""

    id: str
    status: StatusRecord
    facts: Facts | None
    lease: Lease | None
    size: int


class Checkpoints:
    """The checkpoints of one bank. `schema_of(type)` is the schema of the information saved for a type."""

    def __init__(self, bank: Bank, schema_of: SchemaOf = lambda resource_type: None, clock: Clock = utc_now) -> None:
        self.bank = bank
        self.schema_of = schema_of
        self.clock = clock

    def create(self, id: str, facts: Facts) -> Checkpoint:
        """Begin a checkpoint: its status is `protecting`. The same execution may do so again.

        Raises CheckpointExists when another execution has this id.
        """
        checkpoint = self._checkpoint(check_id(id), facts.execution)
        now = timestamp(self.clock())
        first = StatusRecord(1, Status.PROTECTING, now, facts.execution)
        if not checkpoint.statuses.records.create(1, first.to_json()):
            found = status_record(1, checkpoint.statuses.records.read(1))
            if found.execution != facts.execution:
                raise CheckpointExists(
                    f"the checkpoint {id} exists: execution {found.execution!r} began it at {found.at}"
                )
        with suppress(ObjectExists):
            create_json(
                self.bank, f"{checkpoint.above}facts", write_facts(replace(facts, created=facts.created or now))
            )
        with suppress(ObjectExists):
            self.bank.put(f"{checkpoint.above}README", [README], if_absent=True)
        return checkpoint

    def open(self, id: str, execution: str = "") -> Checkpoint:
        """The checkpoint with this id, as `execution` sees it (none given: as the one that made it).

        Raises CheckpointMissing.
        """
        if not self.bank.list(checkpoint_prefix(id), limit=1):
            hint = did_you_mean(id, self.ids())
            raise CheckpointMissing(f"the bank has no checkpoint {id}" + (f": {hint}" if hint else ""))
        if not execution:
            with suppress(Incomplete, Damaged):
                execution = self._checkpoint(id, "").facts.execution
        return self._checkpoint(id, execution)

    def resolve(self, prefix: str) -> str:
        """The id that is `prefix`, or begins with it when only one does. Raises CheckpointMissing."""
        if CHECKPOINT_ID.fullmatch(prefix) and self.bank.list(checkpoint_prefix(prefix), limit=1):
            return prefix
        matches = sorted(islice(self.ids(prefix), 6))
        if len(matches) == 1:
            return matches[0]
        if matches:
            some = ", ".join(matches[:5]) + (", …" if len(matches) > 5 else "")
            raise CheckpointMissing(f"several checkpoints begin with {prefix!r}: {some}; say more of the id")
        hint = did_you_mean(prefix, self.ids())
        raise CheckpointMissing(f"the bank has no checkpoint {prefix!r}" + (f": {hint}" if hint else ""))

    def ids(self, prefix: str = "") -> Iterator[str]:
        """The ids that begin with `prefix`, sorted. One call to the bank each, however much they hold."""
        return (id for id in children(self.bank, ROOT, prefix) if CHECKPOINT_ID.fullmatch(id))

    def info(self, id: str) -> CheckpointInfo:
        """What a list shows of a checkpoint."""
        checkpoint = self._checkpoint(id, "")
        facts = None
        with suppress(Incomplete, Damaged):
            facts = checkpoint.facts
        lease = None
        with suppress(Damaged):  # whoever wants to work on it will be told
            lease = checkpoint.leases.current()
        return CheckpointInfo(id, checkpoint.status(), facts, lease, checkpoint.size())

    def infos(self) -> Sequence[CheckpointInfo]:
        """Every checkpoint, the newest first."""
        found = [self.info(id) for id in self.ids()]
        return sorted(found, key=lambda info: (info.facts.created if info.facts else "", info.id), reverse=True)

    def _checkpoint(self, id: str, execution: str) -> Checkpoint:
        return Checkpoint(self.bank, id, execution, self.schema_of, self.clock)
