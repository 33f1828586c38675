"""What became of each attempt of a task, from what an engine says of it.

The state of the task decides how its last attempt ended: Mistral lets the action of a task that timed out go on, and
such an attempt may say anything. An attempt that another one followed has failed, whatever it says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from embank.document import TaskSpec
from embank.mistral.api.seen import CANCELLED, ERROR, OVER, SUCCESS, SeenAttempt, SeenTask
from embank.reasons import short

IDLE, WAITING, DELAYED, SKIPPED = "IDLE", "WAITING", "DELAYED", "SKIPPED"
ENDED = OVER | {SKIPPED}
TIMED_OUT = "Task timed out"  # Mistral's explanation begins so; that of what is above the task quotes it
NEVER_CAME = "Failed by tasks: "  # the same, of a `join: all`
MADE_UP = 20  # attempts that no engine has made; `retry` may allow a million
BEFORE, AFTER, RETRY = "wait-before", "wait-after", "retry"  # one of them in that of a delay


@dataclass(frozen=True, slots=True)
class Attempted:
    """One attempt. `ended` is None while it runs; `reason` and `code` are of one that failed. `before` is to be said
    before its end, and `after` after it.
    """

    started: datetime
    ended: datetime | None = None
    failed: bool = False
    reason: str = ""
    code: int = 0
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def has_begun(task: SeenTask) -> bool:
    """Whether the engine has come further than to know that the task exists."""
    return bool(task.attempts) or not (task.state in (IDLE, WAITING) or never_came(task))


def never_came(task: SeenTask) -> bool:
    """Whether Mistral let a join fail without running it, because a task will never lead to it."""
    return task.state == ERROR and not task.attempts and task.info.startswith(NEVER_CAME)


def attempted(task: SeenTask, spec: TaskSpec, *, all_made: bool = True) -> tuple[Attempted, ...]:
    """The attempts of a task with an action, no more than its `retry` allows. `all_made`: of one that failed, no
    fewer, which cannot be said when the execution was cancelled.
    """
    allowed = 1 + (spec.retry.count if spec.retry else 0)
    seen = sorted(task.attempts, key=lambda attempt: attempt.started)
    policy = _delayed_by(task)
    if not seen:
        if not has_begun(task) or policy == BEFORE:
            return ()
        seen = [SeenAttempt(task.state, task.started, task.ended)]
    early, seen = seen[:-allowed], seen[-allowed:]
    made = [_followed(each, then, spec) for each, then in pairwise(seen)]
    made.append(_last(seen[-1], task, spec, policy))
    if early:  # it was run again by hand
        texts = (_said("an earlier attempt failed, and it was run again by hand", each.reason) for each in early)
        made[0] = replace(made[0], before=(*texts, *made[0].before))
    if all_made and task.state in ENDED and made[-1].failed and len(made) < allowed:
        made += _never_made(made[-1], min(allowed - len(made), MADE_UP), told=bool(task.attempts))
    return tuple(made)


def reason_of(task: SeenTask, spec: TaskSpec) -> str:
    """Why a task failed, as far as the task itself says."""
    if timed_out(task) and spec.timeout:
        return f"timed out after {spec.timeout} s"
    if task.state == SKIPPED:
        return "skipped by hand in the engine: it was not done"
    if task.state == CANCELLED:
        return "cancelled in the engine"
    return short(task.info) or "the engine does not say why"


def timed_out(task: SeenTask) -> bool:
    """Whether the engine failed it because it took too long: what it runs goes on."""
    return task.info.startswith(TIMED_OUT)


def _delayed_by(task: SeenTask) -> str:
    """What delays a task, as Mistral explains it."""
    named = (policy for policy in (BEFORE, AFTER, RETRY) if policy in task.info)
    return next(named, "") if task.state == DELAYED else ""


def _followed(attempt: SeenAttempt, then: SeenAttempt, spec: TaskSpec) -> Attempted:
    """An attempt that was followed by another one."""
    late = attempt.state != ERROR
    ended, reason = attempt.ended, attempt.reason or "it was tried again"
    if late and spec.timeout:
        ended, reason = attempt.started + timedelta(seconds=spec.timeout), f"timed out after {spec.timeout} s"
    ended = min(ended or then.started, then.started)
    return Attempted(attempt.started, ended, True, reason, attempt.exit_code, attempt.messages, _late(attempt, late))


def _last(attempt: SeenAttempt, task: SeenTask, spec: TaskSpec, policy: str) -> Attempted:
    if task.state == SUCCESS:
        ended = attempt.ended if attempt.state == SUCCESS and attempt.ended else task.ended
        return Attempted(attempt.started, ended or attempt.started, before=attempt.messages)
    if task.state not in ENDED and (policy in ("", BEFORE) or _has_just_begun(attempt, spec, policy)):
        return Attempted(attempt.started, before=attempt.messages)
    failed = policy != AFTER or attempt.state not in (SUCCESS, DELAYED)
    late = failed and bool(task.attempts) and (attempt.state != ERROR or timed_out(task))
    ended = (None if late else attempt.ended) or task.ended or attempt.ended or attempt.started
    if not failed:
        return Attempted(attempt.started, ended, before=attempt.messages)
    reason = _said(reason_of(task, spec), attempt.reason) if task.state == SKIPPED else ""
    reason = reason or ("" if late else attempt.reason) or reason_of(task, spec)
    code = 0 if late else attempt.exit_code
    return Attempted(attempt.started, ended, True, reason, code, attempt.messages, _late(attempt, late))


def _has_just_begun(attempt: SeenAttempt, spec: TaskSpec, policy: str) -> bool:
    """Whether the task was looked at before an attempt began that was looked at afterwards."""
    return policy == RETRY and attempt.state not in (*OVER, DELAYED) and not spec.timeout


def _never_made(last: Attempted, count: int, *, told: bool) -> list[Attempted]:
    """The attempts that `retry` still allows and the engine did not make: as if they had failed at once."""
    again = replace(last, started=last.ended or last.started, before=(), after=())
    first = ("the engine made no further attempt",) if told else ()
    return [replace(again, before=first), *([again] * (count - 1))]


def _late(attempt: SeenAttempt, late: bool) -> tuple[str, ...]:
    if not late:
        return ()
    if attempt.ended is None:
        return ("its action goes on in the engine, although the task has failed",)
    return (_said(f"its action went on after the task had failed, and ended with {attempt.state}", attempt.reason),)


def _said(text: str, reason: str) -> str:
    return f"{text}: {reason}" if reason else text
