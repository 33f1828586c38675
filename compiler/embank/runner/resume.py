"""What `embank resume` and `embank cancel` do with an execution whose runner is not at work any more. Pure.

    how the execution stands                      resume                  cancel
    ───────────────────────────────────────────   ─────────────────────   ─────────────────────
    ended; something is open                      run its closers again   run its closers again
    ended; nothing is open                        nothing to do           nothing to do
    … and its journal has no last line            complete the journal    complete the journal
    its closers were running again                finish its closers      finish its closers
    left off                                      go on                   cancel it
    … after somebody had asked to cancel it       cancel it               cancel it
    … and its checkpoint says that it has failed  cancel it               cancel it
    … when it had been interrupted already        go on: with its end     cancel it

Only what goes on needs everything as it was, and refuses a provider that has changed: closers run all the same
(decision RUN-2). While a runner is at work nothing is decided here: the lock of the execution says so, `resume` is
refused, and `cancel` asks that runner (decision RUN-3). Commands carry out what is decided (decision RUN-9).
"""

from __future__ import annotations

from dataclasses import dataclass

from embank.clock import Clock
from embank.conductor.resuming import CHECKPOINT_FAILED
from embank.errors import ExitCode
from embank.journal.kept import KeptExecution
from embank.runner.interruptions import CANCEL


@dataclass(frozen=True, slots=True)
class Situation:
    """How an execution stands whose runner is not at work any more.

    `is_open`: it has ended with something open. `says_so`: its journal has a last line. `closers_again`: it had
    ended, and its closers were running again. `cancel_asked`: somebody did before the runner left off.
    `checkpoint_failed`: so the checkpoint says. It is asked only about what would go on.
    """

    ended: bool = False
    is_open: bool = False
    says_so: bool = False
    closers_again: bool = False
    interrupted: bool = False
    cancel_asked: bool = False
    checkpoint_failed: bool = False


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """It has ended, and nothing is open."""


@dataclass(frozen=True, slots=True)
class CompleteJournal:
    """Write the last line of the journal, which is all that its runner had left to do."""


@dataclass(frozen=True, slots=True)
class RunClosersAgain:
    """It has ended: run its closers until they have succeeded (decision RUN-5)."""


@dataclass(frozen=True, slots=True)
class FinishClosers:
    """It has ended, and its closers did not come to their end: go on with them. There is nothing to cancel."""


@dataclass(frozen=True, slots=True)
class GoOn:
    """Repeat what had begun and not ended, then do the rest. Everything must be as it was."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Begin nothing but what a failure calls for: closers. `why`, for a person; "" when that person asks for it."""

    by: str
    why: str = ""


Decision = NothingToDo | CompleteJournal | RunClosersAgain | FinishClosers | GoOn | Cancel


def situation_of(found: KeptExecution, clock: Clock, *, cancel_asked: bool) -> Situation:
    """How a kept execution stands; of its checkpoint nothing is known yet."""
    return Situation(
        ended=found.finished,
        is_open=found.finished and found.summary(clock).exit_code is ExitCode.FAILED_OPEN,
        says_so=found.says_so,
        closers_again=found.replayed.before is not None,
        interrupted=bool(found.replayed.interrupted_by),
        cancel_asked=cancel_asked,
    )


def decide(now: Situation, *, cancel: bool) -> Decision:
    """What to do. `cancel`: that is what the person asks for; otherwise it is to be resumed."""
    if now.ended and now.is_open:
        return RunClosersAgain()
    if now.ended:
        return NothingToDo() if now.says_so else CompleteJournal()
    if now.closers_again:
        return FinishClosers()
    if cancel:
        return Cancel(CANCEL)
    if now.cancel_asked and not now.interrupted:
        return Cancel(CANCEL, "somebody asked to cancel it before its runner left off: it is cancelled")
    if now.checkpoint_failed:
        return Cancel(
            CHECKPOINT_FAILED,
            "its checkpoint says that it has failed: the journal could not be written to the end. Nothing is "
            "repeated; what is still open is closed",
        )
    return GoOn()
