"""The status of a checkpoint: numbered write-once records and a table of what may follow what.

    protecting ──► available ──► deleting ──► (all its objects are gone)
        ├────────► error ───────────▲
        └───────────────────────────┘

Restore and verify read a checkpoint and change no status; they leave a record of their execution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from embank.checkpoint.errors import Damaged
from embank.model import Json


class Status(StrEnum):
    """What a checkpoint is good for. `gone` is what a delete ends with: nothing is left to say so."""

    PROTECTING = "protecting"
    AVAILABLE = "available"
    ERROR = "error"
    DELETING = "deleting"
    GONE = "gone"


FOLLOWS: Mapping[Status, frozenset[Status]] = {
    Status.PROTECTING: frozenset({Status.AVAILABLE, Status.ERROR, Status.DELETING}),
    Status.AVAILABLE: frozenset({Status.DELETING}),
    Status.ERROR: frozenset({Status.DELETING}),
    Status.DELETING: frozenset({Status.DELETING, Status.GONE}),
    Status.GONE: frozenset(),
}


@dataclass(frozen=True, slots=True)
class StatusRecord:
    """One step: when (RFC 3339), by which execution, why, and under which lease (token 0: none)."""

    number: int
    status: Status
    at: str
    execution: str
    reason: str = ""
    token: int = 0

    def to_json(self) -> dict[str, Json]:
        """As it lies in the bank; the number is in the key."""
        return {
            "status": self.status.value,
            "at": self.at,
            "execution": self.execution,
            "reason": self.reason,
            "token": self.token,
        }


def status_record(number: int, value: Mapping[str, Json]) -> StatusRecord:
    """The record that `to_json` wrote. Raises Damaged for anything else."""
    try:
        at, execution, reason, token = (value[name] for name in ("at", "execution", "reason", "token"))
        if not all(isinstance(text, str) for text in (at, execution, reason)) or type(token) is not int:
            raise TypeError
        return StatusRecord(number, Status(value["status"]), at, execution, reason, token)
    except (KeyError, ValueError, TypeError):
        raise Damaged(f"the status record {number} is damaged: it is none that Embank writes") from None
