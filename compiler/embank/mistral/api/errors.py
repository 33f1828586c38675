"""What can be wrong with an engine.

EngineError            8  base class
├── EngineUnreachable  8  no answer
└── EngineRefused      8  the answer is no
"""

from __future__ import annotations

from embank.errors import EmbankError, ExitCode


class EngineError(EmbankError):
    """The engine is unreachable, or refused."""

    exit_code = ExitCode.ENGINE

    @property
    def is_final(self) -> bool:
        """Whether it says what happened, and asking again is of no use."""
        return False


class EngineUnreachable(EngineError):
    """The engine does not answer."""


class EngineRefused(EngineError):
    """The engine answered that it will not do it. `status` is that of HTTP."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status

    @property
    def is_final(self) -> bool:
        """A server that says that it has failed may have done what it was asked for, or do it later."""
        return self.status < 500
