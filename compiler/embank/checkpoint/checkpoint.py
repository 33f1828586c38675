"""A checkpoint: what one protect execution keeps in a bank. Implements `embank.plugins.Checkpoint`.

What it consists of is in the docstring of this folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy

from embank.checkpoint.erasing import Erased, erase, erase_content
from embank.checkpoint.errors import CheckpointMissing, Damaged, Incomplete, Sealed, StatusRefused
from embank.checkpoint.facts import Facts, read_facts
from embank.checkpoint.keys import checkpoint_prefix
from embank.checkpoint.objects import Clock, delete_all, objects, utc_now
from embank.checkpoint.records.brackets import Brackets
from embank.checkpoint.records.lease import Leases
from embank.checkpoint.records.operations import Executions, OperationRecord
from embank.checkpoint.records.status import Status, StatusRecord
from embank.checkpoint.records.status_history import Statuses
from embank.checkpoint.saved_graph import SavedGraph
from embank.checkpoint.seal.manifest import Manifest, Summary
from embank.checkpoint.seal.verification import Finding, Progress, verify
from embank.checkpoint.section.once import Starts
from embank.checkpoint.section.section import Section
from embank.model import Json, Phase, Resource, ResourceGraph, ResourceKey
from embank.plugins.bank import Bank

SchemaOf = Callable[[str], Mapping[str, Json] | None]


class Checkpoint:
    """One checkpoint, as one execution sees it (`execution`: whose notes its sections show)."""

    def __init__(
        self,
        bank: Bank,
        id: str,
        execution: str,
        schema_of: SchemaOf = lambda resource_type: None,
        clock: Clock = utc_now,
    ) -> None:
        self.bank = bank
        self._id = id
        self.execution = execution
        self.schema_of = schema_of
        self.clock = clock
        self.token = 0  # of the lease under which this is used: when somebody else takes it, writes are refused
        self.above = checkpoint_prefix(id)
        self.manifest = Manifest(bank, id)
        self.leases = Leases(bank, id, clock)
        self.saved_graph = SavedGraph(bank, id)
        self.statuses = Statuses(bank, id, self.manifest, self.leases, clock)

    @property
    def id(self) -> str:
        """The checkpoint's id."""
        return self._id

    @property
    def facts(self) -> Facts:
        """What it was made from. Raises Incomplete when a delete has got that far already, Damaged."""
        return read_facts(self.bank, self._id)

    def unfenced(self) -> Checkpoint:
        """The same without a lease: closers do their work whoever holds it."""
        other = copy(self)
        other.token = 0
        return other

    # status

    def check_exists(self) -> None:
        """Raise CheckpointMissing unless it has a status; one that was deleted has none, whoever has it in hand."""
        if not self.bank.list(self.statuses.records.prefix, limit=1):
            raise CheckpointMissing(
                f"there is no checkpoint {self.id}: it was deleted, or this is not the bank that it is in"
            )

    def begun_by(self) -> str:
        """The execution that made it; "" when nothing says so (any more)."""
        return self.statuses.begun_by()

    def status(self) -> StatusRecord:
        """The latest status. `available` is believed only when the manifest is complete; damage is `error`."""
        return self.statuses.now()

    def history(self) -> Sequence[StatusRecord]:
        """Every status it had, as recorded, the oldest first."""
        return self.statuses.history()

    def move(self, to: Status, *, execution: str = "", reason: str = "", token: int = 0) -> StatusRecord:
        """Change the status; once more by the same execution is fine. `token`: of the lease that it holds.

        Raises StatusRefused, Incomplete, Fenced, LeaseHeld: see Statuses.
        """
        return self.statuses.move(to, execution or self.execution, reason=reason, token=token)

    # content

    def section(self, resource: Resource) -> Section:
        """The bank section of a resource."""
        return Section(
            self.bank,
            self.id,
            resource.key,
            self.execution,
            self.schema_of(resource.type),
            self._check_open,
            self._check_clearable,
            self.check_exists,
        )

    def save_graph_chunk(self, index: int, chunks: int, chunk: Mapping[str, Json]) -> None:
        """Save chunk `index` (from 1) of the resource graph. Repeatable. Raises Sealed, CheckpointError."""
        if not self.saved_graph.has_chunk(index, chunks, chunk):
            self._check_open()
            self.saved_graph.save_chunk(index, chunks, chunk)

    def graph(self) -> ResourceGraph:
        """The saved resource graph. Raises Incomplete when chunks are missing."""
        return self.saved_graph.graph()

    def dependents(self, resource: Resource) -> Sequence[Resource]:
        """The dependents of a resource in the saved resource graph."""
        return self.saved_graph.dependents(resource.key)

    def parents(self, resource: Resource) -> Sequence[Resource]:
        """The resources that a resource is a dependent of."""
        return self.saved_graph.parents(resource.key)

    def seal(self) -> Summary:
        """Write the manifest: nothing can be added from now on. Repeatable. Raises Incomplete, Damaged."""
        if not self.manifest.is_complete():
            self._check_open()
            self.graph()
        summary = self.manifest.seal(self.clock)
        try:
            self.check_exists()
        except CheckpointMissing:  # it was deleted meanwhile, and what is written here is all there is
            delete_all(self.bank, f"{self.above}manifest/")
            raise
        return summary

    def verify(self, progress: Progress = lambda done, total: None) -> Iterator[Finding]:
        """Read everything back and compare it with the manifest."""
        return verify(self.manifest, progress)

    def size(self) -> int:
        """Bytes: of what the manifest lists, or of whatever is there when it was never completed."""
        try:
            return self.manifest.summary().size
        except (Incomplete, Damaged):
            return sum(info.size for info in objects(self.bank, self.above))

    def erase(self) -> Erased:
        """Delete every object, the status and the leases last, and prove it. May be called again after a crash.

        Raises StatusRefused unless the status is `deleting`, CheckpointError when something keeps appearing.
        """
        now = self.status()
        if now.status is not Status.DELETING:
            raise StatusRefused(f"the checkpoint {self.id} is {now.status}: only a deleting one can be erased")
        return erase(self.bank, self.id)

    def make_room(self) -> None:
        """For a bank that is too full to record even a deletion: delete what says nothing any more, and the
        content of a checkpoint that is good for nothing and that nobody is at work on.
        """
        self.leases.drop_superseded()
        lease = self.leases.current()
        if self.status().status is not Status.AVAILABLE and (lease is None or lease.owner == self.execution):
            erase_content(self.bank, self.id)

    # executions

    def mark_started(self, execution: str, resource: ResourceKey, phase: Phase) -> None:
        """Say that a phase that has a closer is about to start."""
        self._check_mine()
        self._brackets(execution).start(resource, phase)

    def mark_closed(self, execution: str, resource: ResourceKey, phase: Phase) -> None:
        """Say that the closer of a phase has run."""
        self.check_exists()
        self._brackets(execution).close(resource, phase)

    def is_open(self, execution: str, resource: ResourceKey, phase: Phase) -> bool:
        """Whether a phase was started and not closed since."""
        return self._brackets(execution).is_open(resource, phase)

    def open_brackets(self, execution: str) -> Sequence[tuple[ResourceKey, Phase]]:
        """Everything that this execution has started and not closed."""
        return tuple(self._brackets(execution).open())

    def record_restored(self, execution: str, resource: Resource, information: Mapping[str, Json]) -> None:
        """Say what a resource was restored as: once; the same again is fine. Raises CheckpointError."""
        self._check_mine()
        self._executions.record_restored(execution, resource.key, information)

    def restored(self, execution: str, resource: Resource) -> Mapping[str, Json]:
        """What a resource was restored as in this execution. Raises Incomplete when nothing was said."""
        return self._executions.restored(execution, resource.key)

    def starts(self, execution: str) -> Starts:
        """What one run of an activity starts elsewhere, once in this execution."""
        return Starts(self.bank, self.id, execution, self.clock, self._check_mine, self.begun_by)

    def record_operation(
        self, execution: str, operation: str, state: str, details: Mapping[str, Json] | None = None
    ) -> None:
        """Add to the story of an execution on this checkpoint (restore: started, restored, error)."""
        self._check_mine()
        self._executions.record_operation(execution, operation, state, details or {})

    def operation_state(self, execution: str) -> str:
        """How an execution stands, as it said last; "" when it left no record."""
        return self._executions.operation_state(execution)

    def operations(self) -> Sequence[OperationRecord]:
        """The latest record of each execution, the oldest first."""
        return tuple(sorted(self._executions.operations(), key=lambda record: (record.at, record.execution)))

    def _brackets(self, execution: str) -> Brackets:
        return Brackets(self.bank, self.id, execution, self.clock)

    @property
    def _executions(self) -> Executions:
        return Executions(self.bank, self.id, self.clock)

    # what the sections ask

    def _check_mine(self) -> None:
        """Raise CheckpointMissing, or Fenced when this works under a lease that somebody else has taken."""
        self.check_exists()
        if self.token:
            self.leases.check(self.token)

    def _check_open(self) -> None:
        self._check_mine()
        if self.manifest.is_sealed() or self.statuses.has_moved():
            raise Sealed(f"the checkpoint {self.id} is {self.status().status} and takes no more information or data")

    def _check_clearable(self) -> None:
        if self.manifest.is_sealed() and self.status().status is not Status.DELETING:
            raise Sealed(f"the checkpoint {self.id} is complete: only its deletion can remove anything from it")
