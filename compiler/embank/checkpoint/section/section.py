"""A bank section: all that one resource keeps in a checkpoint. See `embank.plugins.BankSection`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from embank.checkpoint.errors import Damaged, Incomplete, Unfit
from embank.checkpoint.keys import notes_prefix, resource_prefix
from embank.checkpoint.objects import delete_all, encode, read_json_or_none
from embank.checkpoint.section.fitness import check_fits
from embank.checkpoint.section.segments import Data, data_names
from embank.checkpoint.write_once import Records
from embank.model import Json, ResourceKey
from embank.plugins.bank import Bank
from embank.plugins.contract import DataInfo


@dataclass(frozen=True)
class Section:
    """Implements BankSection. Notes belong to the execution, all else to the checkpoint.

    The three checks raise unless the checkpoint takes data, lets data be removed, takes notes.
    """

    bank: Bank
    checkpoint: str
    resource: ResourceKey
    execution: str
    schema: Mapping[str, Json] | None
    check_open: Callable[[], None]
    check_clearable: Callable[[], None]
    check_alive: Callable[[], None]

    @property
    def prefix(self) -> str:
        """What the keys of this section begin with."""
        return resource_prefix(self.checkpoint, self.resource)

    def save(self, information: Mapping[str, Json]) -> None:
        """See BankSection.save. Raises Unfit, Sealed."""
        self.check_open()
        data = encode(information)
        check_fits(json.loads(data), self.schema, self._what)
        self.bank.put(f"{self.prefix}information", [data])

    def load(self) -> Mapping[str, Json]:
        """See BankSection.load. Raises Incomplete when nothing was saved, Damaged when it does not fit."""
        information = read_json_or_none(self.bank, f"{self.prefix}information")
        if information is None:
            raise Incomplete(f"the checkpoint {self.checkpoint} has no information of {self.resource}")
        try:
            check_fits(information, self.schema, self._what)
        except Unfit as error:
            raise Damaged(str(error)) from None
        return information

    def write(self, name: str, chunks: Iterable[bytes]) -> DataInfo:
        """See BankSection.write. Never holds more than a chunk."""
        self.check_open()
        return Data(self.bank, self.prefix, name, self.check_open).write(chunks)

    def read(self, name: str) -> Iterator[bytes]:
        """See BankSection.read. A segment is checked when its last byte was handed out."""
        return Data(self.bank, self.prefix, name).read()

    def info(self, name: str) -> DataInfo:
        """What `write` returned for the data that `read` reads."""
        return Data(self.bank, self.prefix, name).info()

    def names(self) -> Sequence[str]:
        """See BankSection.names."""
        return data_names(self.bank, self.prefix)

    def note(self, name: str, value: Json) -> None:
        """See BankSection.note. Notes may also be taken when the checkpoint is sealed."""
        self.check_alive()
        self._notes(name).append({"name": name, "value": value})

    def noted(self, name: str) -> Json:
        """See BankSection.noted. Only notes of the same execution are seen."""
        record = self._notes(name).latest()[1]
        return None if record is None else record.get("value")

    def clear(self) -> None:
        """See BankSection.clear. Proves that nothing is left."""
        self.check_clearable()
        delete_all(self.bank, self.prefix)
        if left := self.bank.list(self.prefix, limit=1):
            raise Damaged(f"the bank section of {self.resource} was deleted, but {left[0].key!r} is still there")

    @property
    def _what(self) -> str:
        return f"the information of {self.resource}"

    def _notes(self, name: str) -> Records:
        return Records(self.bank, notes_prefix(self.checkpoint, self.execution, self.resource, name))
