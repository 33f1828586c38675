"""The facts of a checkpoint: what it was made from, by whom and when; and the note for whoever finds it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

from embank import __version__
from embank.checkpoint.errors import Damaged, Incomplete
from embank.checkpoint.keys import checkpoint_prefix
from embank.checkpoint.objects import read_json_or_none
from embank.plugins.bank import Bank

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """`provider` is the provider's id, `created` RFC 3339 in UTC (create fills it in), `version` Embank's."""

    plan: str
    provider: str
    execution: str
    provider_name: str = ""
    operation: str = "protect"
    created: str = ""
    version: str = __version__


def write_facts(facts: Facts) -> dict[str, str | int]:
    """As they lie in the bank."""
    return {"format": FORMAT, **asdict(facts)}


def read_facts(bank: Bank, checkpoint: str) -> Facts:
    """The facts. Raises Incomplete when there are none (any more), Damaged when they are no facts."""
    value = read_json_or_none(bank, f"{checkpoint_prefix(checkpoint)}facts")
    if value is None:
        raise Incomplete(f"the checkpoint {checkpoint} has no facts: it was not begun, or is half deleted")
    if value.pop("format", None) != FORMAT:
        raise Damaged(f"the facts of checkpoint {checkpoint} are of a format that this Embank does not know")
    try:
        facts = Facts(**value)
    except TypeError:
        raise Damaged(f"the facts of checkpoint {checkpoint} are damaged") from None
    if not all(isinstance(item, str) for item in value.values()):
        raise Damaged(f"the facts of checkpoint {checkpoint} are damaged")
    return facts


README: Final = b"""\
This is an Embank checkpoint, format 1: a backup of resources and of how they depend on each other.
Embank restores it: embank compile restore --provider ... --checkpoint ... | embank run -

To restore by hand:

facts                 JSON: plan, provider, execution, time, version of Embank
graph/00000001 ...    JSON: the rows of "tree" are [depth, type, id, name], each a dependent of the nearest less
                      deep one above it; "links" are [type, id, type, id], further parents and their dependents
resources/<type>/<id>/information
                      JSON: what the protection plugin of this type saved
resources/<type>/<id>/data/<name>/<number>/00000001 ...
                      the data, cut into pieces: concatenate them in order. Of several numbers the highest that
                      has an "index" is the one; the index (JSON) lists size and sha256 of each piece and the sha256
                      of the whole
manifest/...          JSON: every object with its size and sha256; no manifest/complete: the checkpoint is not whole
status/...            JSON: the highest number says what the checkpoint is good for

Types, ids and names are percent-encoded; over-long ones end with %~ and their sha256.
In a directory, the name of each of these objects ends in ".object".
"""
