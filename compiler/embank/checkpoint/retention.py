"""Which checkpoints to keep and which to delete. Pure: a function of a list and of the rules.

Only complete (`available`) checkpoints satisfy a rule, and of a day, week or month the newest one does. Each
plan of each provider is judged by itself. What is not known to be worthless stays: a failed checkpoint goes
only when a complete one of its plan is newer, a leased one never.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from embank.checkpoint.records.status import Status
from embank.errors import UsageError


@dataclass(frozen=True, slots=True)
class Candidate:
    """What retention needs to know of a checkpoint. `created` is aware of its time zone."""

    id: str
    plan: str
    provider: str
    created: datetime
    status: Status
    leased: bool = False


@dataclass(frozen=True, slots=True)
class Keep:
    """How many to keep: the last ones, and the newest of each of the last days, weeks and months (UTC, ISO
    weeks) that have one. Raises UsageError when nothing at all would be kept, or a number is negative.
    """

    last: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0

    def __post_init__(self) -> None:
        counts = [getattr(self, field.name) for field in fields(self)]
        if min(counts) < 0:
            raise UsageError("a number of checkpoints to keep cannot be negative")
        if not any(counts):
            raise UsageError(
                "nothing would be kept: say at least one of --keep-last, --keep-daily, --keep-weekly, --keep-monthly"
            )


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to a checkpoint, and why (for people; never empty)."""

    id: str
    keep: bool
    reasons: tuple[str, ...]


def decide(candidates: Iterable[Candidate], keep: Keep) -> Sequence[Decision]:
    """A decision for each candidate, the newest first."""
    plans: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    ordered = sorted(candidates, key=lambda candidate: (candidate.created, candidate.id), reverse=True)
    for candidate in ordered:
        plans[candidate.provider, candidate.plan].append(candidate)
    reasons: dict[str, list[str]] = {candidate.id: [] for candidate in ordered}
    newest: dict[tuple[str, str], Candidate] = {}
    for plan, members in plans.items():
        complete = [candidate for candidate in members if candidate.status is Status.AVAILABLE]
        if complete:
            newest[plan] = complete[0]
        for rule, count, period in _rules(keep):
            for candidate in _newest_of_each(complete, period, count):
                reasons[candidate.id].append(rule)
    return [_decision(each, reasons[each.id], newest.get((each.provider, each.plan))) for each in ordered]


def _rules(keep: Keep) -> Iterable[tuple[str, int, Callable[[Candidate], Hashable]]]:
    return (
        ("last", keep.last, lambda candidate: candidate.id),
        ("daily", keep.daily, lambda candidate: candidate.created.astimezone(UTC).date()),
        ("weekly", keep.weekly, lambda candidate: candidate.created.astimezone(UTC).isocalendar()[:2]),
        ("monthly", keep.monthly, lambda candidate: candidate.created.astimezone(UTC).timetuple()[:2]),
    )


def _newest_of_each(
    complete: Sequence[Candidate], period: Callable[[Candidate], Hashable], count: int
) -> Sequence[Candidate]:
    """The newest candidate of each of the `count` newest periods that have one."""
    first: dict[Hashable, Candidate] = {}
    for candidate in complete:
        first.setdefault(period(candidate), candidate)
    return list(first.values())[:count]


def _decision(candidate: Candidate, rules: Sequence[str], newest: Candidate | None) -> Decision:
    if rules:
        return Decision(candidate.id, True, tuple(rules))
    if candidate.leased:
        return Decision(candidate.id, True, ("leased: an execution is working on it",))
    if candidate.status is Status.AVAILABLE:
        return Decision(candidate.id, False, ("no rule keeps it",))
    if candidate.status is Status.ERROR:
        if newest and candidate.created < newest.created:
            return Decision(candidate.id, False, (f"it failed, and {newest.id} is newer and complete",))
        return Decision(candidate.id, True, ("it failed, and no newer one of its plan is complete",))
    interrupted = f"it is {candidate.status.value}, and no execution works on it: it was interrupted"
    return Decision(candidate.id, True, (f"{interrupted}; `embank checkpoint delete` it when nobody needs it",))
