"""Which brackets an execution has opened and not closed, so that closers know what to do.

The records of one phase of one resource take turns: an odd number says started, an even one closed. They are
write-once; of two workers who say the same, one writes it and the other finds it said.
"""

from __future__ import annotations

from collections.abc import Iterator

from embank.checkpoint.errors import Damaged
from embank.checkpoint.keys import bracket_prefix, execution_prefix
from embank.checkpoint.objects import Clock, children, timestamp
from embank.checkpoint.write_once import Records
from embank.model import Phase, ResourceKey
from embank.plugins.bank import Bank


class Brackets:
    """The brackets of one execution on one checkpoint."""

    def __init__(self, bank: Bank, checkpoint: str, execution: str, clock: Clock) -> None:
        self.bank = bank
        self.checkpoint = checkpoint
        self.execution = execution
        self.clock = clock

    def start(self, resource: ResourceKey, phase: Phase) -> None:
        """Say that a phase is about to start: from now on its closer has to run."""
        self._say(resource, phase, started=True)

    def close(self, resource: ResourceKey, phase: Phase) -> None:
        """Say that the closer of a phase has run; nothing to say when the phase was not open."""
        self._say(resource, phase, started=False)

    def is_open(self, resource: ResourceKey, phase: Phase) -> bool:
        """Whether a phase was started and not closed since."""
        return self._records(resource, phase).last() % 2 == 1

    def open(self) -> Iterator[tuple[ResourceKey, Phase]]:
        """Everything that was started and not closed, sorted by key."""
        above = f"{execution_prefix(self.checkpoint, self.execution)}brackets/"
        for type_ in children(self.bank, above):
            for id_ in children(self.bank, f"{above}{type_}/"):
                for phase in children(self.bank, f"{above}{type_}/{id_}/"):
                    records = Records(self.bank, f"{above}{type_}/{id_}/{phase}/")
                    number, record = records.latest()
                    if record is None or number % 2 == 0:
                        continue
                    try:
                        yield ResourceKey(record["type"], record["id"]), Phase(record["phase"])
                    except (KeyError, ValueError):
                        raise Damaged(f"the object {records.key(number)!r} is damaged: it names no phase") from None

    def _say(self, resource: ResourceKey, phase: Phase, *, started: bool) -> None:
        records = self._records(resource, phase)
        number = records.last()
        if number % 2 == started:
            return
        record = {
            "type": resource.type,
            "id": resource.id,
            "phase": phase.value,
            "event": "started" if started else "closed",
            "at": timestamp(self.clock()),
        }
        records.create(number + 1, record)  # when somebody else has written it, it says the same

    def _records(self, resource: ResourceKey, phase: Phase) -> Records:
        return Records(self.bank, bracket_prefix(self.checkpoint, self.execution, resource, phase))
