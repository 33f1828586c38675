"""Which ready task begins next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from embank.conductor.admission import Admission


def taken(admission: Admission) -> list[int]:
    return list(iter(admission.take, None))


def test_file_order_whatever_the_order_of_arrival() -> None:
    admission = Admission({})
    for order, row in [((2,), 5), ((1, 7), 9), ((1,), 4), ((1, 2), 8)]:
        admission.offer(order, row, [])
    assert taken(admission) == [4, 8, 9, 5]


def test_a_full_type_does_not_hold_up_others() -> None:
    admission = Admission({"A": 1})
    for row, kind in enumerate(["A", "A", "B", "A"]):
        admission.offer((row,), row, [kind])
    assert taken(admission) == [0, 2]
    admission.end(2)
    assert taken(admission) == []
    admission.end(0)
    assert taken(admission) == [1]


def test_a_task_of_several_types_needs_room_in_each() -> None:
    admission = Admission({"A": 1, "B": 1})
    for row, kinds in enumerate([["A"], ["A", "B"], ["B"]]):
        admission.offer((row,), row, kinds)
    assert taken(admission) == [0, 2]
    admission.end(0)
    assert taken(admission) == []  # B has no room
    admission.end(2)
    assert taken(admission) == [1]


@given(
    limits=st.dictionaries(st.sampled_from("ABC"), st.integers(1, 3)),
    tasks=st.lists(st.lists(st.sampled_from("ABCD"), max_size=3), max_size=40),
    data=st.data(),
)
def test_limits_hold_and_nobody_is_forgotten(
    limits: dict[str, int], tasks: list[list[str]], data: st.DataObject
) -> None:
    admission = Admission(limits)
    for row, kinds in enumerate(tasks):
        admission.offer((row,), row, kinds)
    active: list[int] = []
    done: list[int] = []
    while True:
        active += taken(admission)
        for kind, limit in limits.items():
            assert sum(kind in tasks[row] for row in active) <= limit
        if not active:
            break
        ended = data.draw(st.sampled_from(active))
        active.remove(ended)
        done.append(ended)
        admission.end(ended)
    assert sorted(done) == list(range(len(tasks)))
