"""Retention: the newest survive, for reasons that are given, and nothing goes that might be needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embank.checkpoint.records.status import Status
from embank.checkpoint.retention import Candidate, Decision, Keep, decide
from embank.errors import UsageError

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday
OTHERS = [Status.PROTECTING, Status.ERROR, Status.DELETING]


def candidate(id: str, created: datetime, status: Status = Status.AVAILABLE, **facts: bool | str) -> Candidate:
    return Candidate(id, str(facts.get("plan", "plan")), "provider", created, status, bool(facts.get("leased")))


def kept(decisions: Sequence[Decision]) -> Mapping[str, tuple[str, ...]]:
    return {decision.id: decision.reasons for decision in decisions if decision.keep}


def test_the_last_ones() -> None:
    days = [candidate(f"d{day}", NOON - timedelta(days=day)) for day in range(5)]
    assert kept(decide(days, Keep(last=2))) == {"d0": ("last",), "d1": ("last",)}
    assert [decision.id for decision in decide(reversed(days), Keep(last=2))] == ["d0", "d1", "d2", "d3", "d4"]


def test_of_a_day_the_newest_by_utc() -> None:
    east = timezone(timedelta(hours=10))
    candidates = [
        candidate("morning", NOON.replace(hour=1)),
        candidate("evening", NOON.replace(hour=23)),
        candidate("same day in UTC", datetime(2026, 11, 24, 9, 30, tzinfo=east)),  # 23:30 of the 23rd
        candidate("before", NOON - timedelta(days=3)),
    ]
    assert kept(decide(candidates, Keep(daily=2))) == {"same day in UTC": ("daily",), "before": ("daily",)}


def test_weeks_are_iso_weeks() -> None:
    """1 January 2027 is a Friday of week 53 of 2026; the Monday after it begins week 1."""
    candidates = [
        candidate("monday", datetime(2027, 1, 4, tzinfo=UTC)),
        candidate("new year", datetime(2027, 1, 1, tzinfo=UTC)),
        candidate("old year", datetime(2026, 12, 28, tzinfo=UTC)),
        candidate("week 52", datetime(2026, 12, 27, tzinfo=UTC)),
    ]
    assert set(kept(decide(candidates, Keep(weekly=3)))) == {"monday", "new year", "week 52"}
    assert set(kept(decide(candidates, Keep(monthly=3)))) == {"monday", "old year"}


def test_every_reason_is_given() -> None:
    candidates = [candidate("new", NOON), candidate("old", NOON - timedelta(days=40))]
    decisions = kept(decide(candidates, Keep(last=1, daily=2, weekly=2, monthly=1)))
    assert decisions == {"new": ("last", "daily", "weekly", "monthly"), "old": ("daily", "weekly")}


def test_each_plan_by_itself() -> None:
    candidates = [
        candidate(f"{plan}{day}", NOON - timedelta(days=day), plan=plan) for plan in "ab" for day in range(3)
    ]
    assert set(kept(decide(candidates, Keep(last=1)))) == {"a0", "b0"}


def test_a_failed_one_goes_when_a_newer_one_is_complete() -> None:
    candidates = [
        candidate("failed last", NOON, Status.ERROR),
        candidate("complete", NOON - timedelta(days=1)),
        candidate("failed before", NOON - timedelta(days=2), Status.ERROR),
        candidate("failed elsewhere", NOON - timedelta(days=2), Status.ERROR, plan="other"),
    ]
    assert set(kept(decide(candidates, Keep(last=1)))) == {"failed last", "complete", "failed elsewhere"}


def test_a_failed_one_takes_nobodys_place() -> None:
    """Karbor counted them, and kept the oldest."""
    candidates = [candidate(f"bad{n}", NOON - timedelta(days=n), Status.ERROR) for n in range(5)]
    candidates.append(candidate("good", NOON - timedelta(days=9)))
    assert kept(decide(candidates, Keep(last=1)))["good"] == ("last",)


def test_a_leased_one_stays() -> None:
    candidates = [candidate("new", NOON), candidate("old", NOON - timedelta(days=9), leased=True)]
    assert "leased" in kept(decide(candidates, Keep(last=1)))["old"][0]


@pytest.mark.parametrize(("counts", "complaint"), [({}, "--keep-last"), ({"last": -1, "daily": 3}, "negative")])
def test_rules_that_would_keep_nothing_are_refused(counts: dict[str, int], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        Keep(**counts)


counts = st.integers(0, 4)
keeps = st.builds(lambda *numbers: Keep(*numbers) if any(numbers) else Keep(last=1), counts, counts, counts, counts)
candidate_lists = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.integers(0, 24 * 90).map(lambda hours: NOON - timedelta(hours=hours)),
        st.sampled_from([Status.AVAILABLE] * 3 + OTHERS),
        st.integers(0, 9).map(lambda number: number == 0),
    ),
    max_size=30,
).map(
    lambda rows: [
        Candidate(f"c{number}", plan, "provider", created, status, leased)
        for number, (plan, created, status, leased) in enumerate(rows)
    ]
)


@given(candidate_lists, keeps)
def test_every_one_is_decided_once_with_a_reason(candidates: list[Candidate], keep: Keep) -> None:
    decisions = decide(candidates, keep)
    assert sorted(decision.id for decision in decisions) == sorted(candidate.id for candidate in candidates)
    assert all(decision.reasons and all(decision.reasons) for decision in decisions)


@given(candidate_lists, keeps)
def test_the_newest_complete_one_always_stays(candidates: list[Candidate], keep: Keep) -> None:
    survivors = kept(decide(candidates, keep))
    for plan in "ab":
        complete = [each for each in candidates if each.plan == plan and each.status is Status.AVAILABLE]
        if complete:
            assert max(complete, key=lambda each: (each.created, each.id)).id in survivors


@given(candidate_lists, keeps)
def test_what_goes_is_known_to_be_dispensable(candidates: list[Candidate], keep: Keep) -> None:
    survivors = kept(decide(candidates, keep))
    for gone in candidates:
        if gone.id in survivors:
            continue
        assert not gone.leased
        assert gone.status in (Status.AVAILABLE, Status.ERROR)
        assert any(
            other.id in survivors
            and other.status is Status.AVAILABLE
            and other.plan == gone.plan
            and other.created >= gone.created
            for other in candidates
        )


@given(candidate_lists, keeps)
def test_doing_it_again_deletes_nothing_more(candidates: list[Candidate], keep: Keep) -> None:
    first = kept(decide(candidates, keep))
    again = kept(decide([each for each in candidates if each.id in first], keep))
    assert again == first


@given(candidate_lists, keeps, st.integers(1, 3))
def test_more_generous_rules_keep_no_less(candidates: list[Candidate], keep: Keep, more: int) -> None:
    generous = Keep(keep.last + more, keep.daily + more, keep.weekly, keep.monthly)
    assert set(kept(decide(candidates, keep))) <= set(kept(decide(candidates, generous)))


@given(candidate_lists, keeps, st.randoms())
def test_the_order_of_the_input_does_not_matter(candidates: list[Candidate], keep: Keep, random: object) -> None:
    shuffled = list(candidates)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert decide(shuffled, keep) == decide(candidates, keep)


@given(candidate_lists, st.integers(1, 5))
def test_each_rule_keeps_as_many_as_it_says(candidates: list[Candidate], count: int) -> None:
    for plan in "ab":
        complete = [each for each in candidates if each.plan == plan and each.status is Status.AVAILABLE]
        for rule, periods in (
            ("last", {each.id for each in complete}),
            ("daily", {each.created.date() for each in complete}),
            ("weekly", {each.created.isocalendar()[:2] for each in complete}),
            ("monthly", {(each.created.year, each.created.month) for each in complete}),
        ):
            survivors = kept(decide(complete, Keep(**{rule: count})))
            assert sum(rule in reasons for reasons in survivors.values()) == min(count, len(periods))


def test_an_interrupted_one_stays_and_it_is_said_how_to_get_rid_of_it() -> None:
    (decision,) = decide([candidate("dead", NOON, Status.PROTECTING)], Keep(last=1))
    assert decision.keep
    assert "it was interrupted; `embank checkpoint delete`" in decision.reasons[0]
