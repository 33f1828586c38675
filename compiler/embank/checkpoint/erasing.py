"""Deleting what a checkpoint consists of: in an order in which whoever comes after a crash can go on."""

from __future__ import annotations

from typing import NamedTuple

from embank.checkpoint.errors import CheckpointError
from embank.checkpoint.keys import checkpoint_prefix
from embank.checkpoint.objects import children, delete_all
from embank.plugins.bank import Bank

# First what says that it is complete, last what says what it was and that it is being deleted. The leases even later:
# an older status would refuse the tokens of a new series, whoever wants to go on with this.
FIRST = ("manifest",)
LAST = ("README", "facts", "status", "leases")
CONTENT = ("resources/", "graph/", "README")  # not what its executions say of what is open


class Erased(NamedTuple):
    """How much a delete has deleted: objects, bytes."""

    objects: int
    size: int


def erase(bank: Bank, checkpoint: str) -> Erased:
    """Delete every object of a checkpoint, and prove it. Raises CheckpointError when something keeps appearing."""
    above = checkpoint_prefix(checkpoint)
    count = size = 0
    for name in [*FIRST, *(name for name in children(bank, above) if name not in LAST), *LAST]:
        deleted = delete_all(bank, above + name)
        count, size = count + deleted[0], size + deleted[1]
    if left := bank.list(above, limit=1):
        raise CheckpointError(
            f"the checkpoint {checkpoint} was deleted, but {left[0].key!r} is there: is an execution still writing?"
        )
    return Erased(count, size)


def erase_content(bank: Bank, checkpoint: str) -> None:
    """Delete what takes room."""
    for name in CONTENT:
        delete_all(bank, checkpoint_prefix(checkpoint) + name)
