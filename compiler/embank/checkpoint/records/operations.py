"""What each execution leaves with a checkpoint: how it went, and what resources were restored as."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from embank.checkpoint.errors import CheckpointError, Damaged, Incomplete
from embank.checkpoint.keys import checkpoint_prefix, execution_prefix, restored_key
from embank.checkpoint.objects import Clock, children, create_json_or_same, read_json_or_none, timestamp
from embank.checkpoint.write_once import Records
from embank.model import Json, ResourceKey
from embank.plugins.bank import Bank


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """How an execution stands: operation (restore, verify…), state (started, restored, error…), when."""

    execution: str
    operation: str
    state: str
    at: str
    details: Mapping[str, Json]


class Executions:
    """The executions on one checkpoint."""

    def __init__(self, bank: Bank, checkpoint: str, clock: Clock) -> None:
        self.bank = bank
        self.checkpoint = checkpoint
        self.clock = clock

    def record_operation(self, execution: str, operation: str, state: str, details: Mapping[str, Json]) -> None:
        """Add a record behind the earlier ones of this execution."""
        record = {
            "execution": execution,
            "operation": operation,
            "state": state,
            "at": timestamp(self.clock()),
            "details": details,
        }
        Records(self.bank, f"{execution_prefix(self.checkpoint, execution)}operation/").append(record)

    def operation_state(self, execution: str) -> str:
        """The state in the latest record of an execution; "" when it left none. Raises Damaged."""
        number, value = Records(self.bank, f"{execution_prefix(self.checkpoint, execution)}operation/").latest()
        state = "" if value is None else value.get("state")
        if not isinstance(state, str):
            raise Damaged(f"the record {number} of execution {execution!r} is damaged")
        return state

    def operations(self) -> Iterator[OperationRecord]:
        """The latest record of each execution that left one, sorted by key."""
        above = f"{checkpoint_prefix(self.checkpoint)}executions/"
        for execution in children(self.bank, above):
            number, value = Records(self.bank, f"{above}{execution}/operation/").latest()
            if value is None:
                continue
            try:
                record = OperationRecord(
                    value["execution"], value["operation"], value["state"], value["at"], value["details"]
                )
                if not isinstance(record.at, str) or not isinstance(record.execution, str):
                    raise TypeError
                yield record
            except (KeyError, TypeError):
                raise Damaged(f"the record {number} of execution {execution!r} is damaged") from None

    def record_restored(self, execution: str, resource: ResourceKey, information: Mapping[str, Json]) -> None:
        """Write once what a resource was restored as. Raises CheckpointError when something else was said."""
        if not create_json_or_same(self.bank, restored_key(self.checkpoint, execution, resource), information):
            raise CheckpointError(
                f"execution {execution!r} has already recorded that it restored {resource} as something else"
            )

    def restored(self, execution: str, resource: ResourceKey) -> Mapping[str, Json]:
        """What was recorded. Raises Incomplete when nothing was."""
        information = read_json_or_none(self.bank, restored_key(self.checkpoint, execution, resource))
        if information is None:
            raise Incomplete(f"execution {execution!r} has not restored {resource} (yet)")
        return information
