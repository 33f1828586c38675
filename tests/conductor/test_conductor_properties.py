"""What holds for every document: random DAGs, cut into sub-workflows, with random failures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from embank.conductor.states import ENDED
from embank.document import Retry
from kit import documents as make
from kit.examples import examples
from kit.stage import play

SETTINGS = examples(150)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[list[int]], set[int], list[int], list[int]]:
    """Requires by task (always of smaller number), which tasks fail, retries, a permutation for the file."""
    size = draw(st.integers(1, 12))
    requires = [
        sorted(draw(st.sets(st.integers(0, max(0, task - 1)), max_size=3))) if task else [] for task in range(size)
    ]
    fails = draw(st.sets(st.integers(0, size - 1)))
    retries = draw(st.lists(st.integers(0, 2), min_size=size, max_size=size))
    return requires, fails, retries, draw(st.permutations(range(size)))


@SETTINGS
@given(case=cases())
def test_a_task_runs_exactly_when_all_that_it_requires_succeeded(
    case: tuple[list[list[int]], set[int], list[int], list[int]],
) -> None:
    requires, fails, retries, order = case
    tasks = [
        make.task(
            f"t{n}",
            requires=tuple(f"t{m}" for m in requires[n]),
            retry=Retry(retries[n], 1) if retries[n] else None,
        )
        for n in order
    ]
    played = play(make.bracketed(tasks, [make.task("thaw")]), fails=[f"activities/t{n}" for n in fails])

    succeeds: dict[int, bool] = {}
    for n, required in enumerate(requires):
        succeeds[n] = n not in fails and all(succeeds[m] for m in required)
    runs = {n for n, required in enumerate(requires) if all(succeeds[m] for m in required)}
    begun = [int(path.removeprefix("activities/t")) for path in played.begun if path.startswith("activities/")]
    attempts = {n: 1 + (retries[n] if n in fails else 0) for n in runs}

    assert {n: begun.count(n) for n in set(begun)} == attempts
    for n in runs:
        last = {m: max(i for i, other in enumerate(begun) if other == m) for m in requires[n]}
        assert all(position < begun.index(n) for position in last.values())
    assert all(state in ENDED for state in played.conductor.state.task)
    assert played.state == ("SUCCESS" if all(succeeds.values()) else "ERROR")
    assert ("cleanup/thaw" in played.begun) == (played.state == "ERROR")
    # every skipped task names a task that failed, and that it depends on
    for path, cause in played.causes.items():
        if played.states[path] == "skipped":
            assert played.states[cause] == "failed"


@SETTINGS
@given(case=cases(), where=st.integers(0, 11))
def test_a_cancelled_execution_ends_and_cleans_up(
    case: tuple[list[list[int]], set[int], list[int], list[int]], where: int
) -> None:
    requires, fails, _, order = case
    tasks = [make.task(f"t{n}", requires=tuple(f"t{m}" for m in requires[n])) for n in order]
    doc = make.bracketed(tasks, [make.task("thaw")])
    at = f"activities/t{where}"
    played = play(doc, fails=[f"activities/t{n}" for n in fails], cancel_at=at)
    assert all(state in ENDED for state in played.conductor.state.task)
    if at in played.begun:
        activities = [path for path in played.begun if path.startswith("activities/")]
        assert activities[-1] == at
        assert played.begun[-2:] == ["cleanup/thaw", "abandon"]
        assert played.state == "ERROR"


@SETTINGS
@given(case=cases())
def test_equal_events_give_equal_effects(case: tuple[list[list[int]], set[int], list[int], list[int]]) -> None:
    requires, fails, _, order = case
    tasks = [make.task(f"t{n}", requires=tuple(f"t{m}" for m in requires[n])) for n in order]
    doc = make.bracketed(tasks)
    first, second = (play(doc, fails=[f"activities/t{n}" for n in fails]) for _ in range(2))
    assert first.effects == second.effects
    assert first.conductor.state == second.conductor.state
