"""How an execution is run: what a person may say about it, and how long the runner waits for what is to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from embank.errors import UsageError

GRACE = 30.0  # s (decision RUN-4)
CLOSE_GRACE = 10.0  # s (decision RUN-1)

Confirm = Callable[[str], bool]  # asks a person whether the task of this path may start


@dataclass(frozen=True, slots=True)
class Options:
    """`parallel` actions work at once. `fail_fast`: nothing else is started when one has failed.

    What is interrupted has `grace` seconds to come to an end, and what is closed `close_grace` seconds more: after
    that their workers are abandoned. `confirm` is asked before what is to pause; without it nothing may pause.
    `keep_signals`: those that come after the end do nothing, for this process is to do nothing else.

    Raises UsageError for what cannot be.
    """

    parallel: int = 4
    fail_fast: bool = False
    grace: float = GRACE
    close_grace: float = CLOSE_GRACE
    confirm: Confirm | None = None
    keep_signals: bool = False

    def __post_init__(self) -> None:
        if self.parallel < 1:
            raise UsageError(f"--parallel must be at least 1, not {self.parallel}")


PLAIN = Options()
