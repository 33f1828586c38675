"""What can be wrong with a checkpoint.

EmbankError
├── BankError                 4  (embank.plugins)
│   └── Damaged               4  what the bank holds is not what was written
└── CheckpointError           4  the checkpoint does not allow it
    ├── CheckpointMissing    64  no checkpoint has this id
    ├── CheckpointExists      4  another execution has taken this id
    ├── StatusRefused         4  the status does not allow the step, or somebody else changed it first
    ├── Sealed                4  the checkpoint is complete and takes nothing more
    ├── Incomplete            4  something that belongs to the checkpoint is not there (yet)
    ├── Unfit                 4  information that does not fit its schema, or is not JSON
    ├── LeaseHeld             7  somebody else holds the lease
    └── Fenced                7  the lease was lost to somebody else
"""

from __future__ import annotations

from embank.errors import EmbankError, ExitCode
from embank.plugins.bank import BankError


class Damaged(BankError):
    """What the bank holds is not what was written."""


class CheckpointError(EmbankError):
    """The checkpoint does not allow it."""

    exit_code = ExitCode.FAILED


class CheckpointMissing(CheckpointError):
    """No checkpoint has this id."""

    exit_code = ExitCode.USAGE


class CheckpointExists(CheckpointError):
    """Another execution has taken this id."""


class StatusRefused(CheckpointError):
    """The status does not allow the step, or somebody else changed it first."""


class Sealed(CheckpointError):
    """The checkpoint is complete and takes nothing more."""


class Incomplete(CheckpointError):
    """Something that belongs to the checkpoint is not there (yet)."""


class Unfit(CheckpointError):
    """Information that does not fit its schema, or that JSON cannot say."""


class LeaseHeld(CheckpointError):
    """Somebody else holds the lease."""

    exit_code = ExitCode.LOCKED


class Fenced(CheckpointError):
    """The lease was lost to somebody else, who may be at work."""

    exit_code = ExitCode.LOCKED
