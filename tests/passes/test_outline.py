"""Outlining: everything once, nothing too large, no cycle, no order lost, and hardly any added."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embank.model import Body, Kind, Operation, Phase, Request, Resource, ResourceKey, Task, Workflow
from embank.passes import PASSES
from embank.passes.outline import outline
from embank.resource_graph import canonical, restrict
from kit import graphs, order
from kit.added_order import AddedOrder, added_order
from kit.examples import examples

PRE, READY, PARALLEL, POST = Phase
THREE, FOUR = "pre, parallel, post", "pre, ready, parallel, post"


# --- workflows -------------------------------------------------------------------------------------------


@st.composite
def workflows(draw: st.DrawFn, phases_ascend: bool = True) -> Workflow:
    """Any tasks with any requires, on any resources: more than the order rules can make. By the rules a task
    requires none of a later phase; without `phases_ascend` it may.
    """
    random = draw(st.randoms(use_true_random=False))
    size = draw(st.integers(1, 12))
    resources = [Resource("T", f"r{number:02}", "") for number in range(size)]
    pairs = [(a.key, b.key) for number, b in enumerate(resources) for a in resources[:number]]
    graph = canonical(resources, random.sample(pairs, min(len(pairs), draw(st.integers(0, 2 * size)))))
    tasks = [
        Task(
            random.choice([Kind.ACTIVITY, Kind.ACTIVITY, Kind.JOIN]),
            random.choice(list(Phase)),
            tuple(random.sample(resources, min(size, random.choice([1, 1, 1, 2, 3])))),
            description=str(number),
        )
        for number in range(draw(st.integers(0, 40)))
    ]
    order = list(range(len(tasks)))
    random.shuffle(order)
    if phases_ascend:
        order.sort(key=lambda task: list(Phase).index(tasks[task].phase or PRE))
    density = draw(st.sampled_from([0.5, 1.0, 2.0]))
    requires: list[set[int]] = [set() for _ in tasks]
    for _ in range(int(density * len(tasks)) if len(tasks) > 1 else 0):
        first, second = sorted(random.sample(range(len(tasks)), 2))
        requires[order[second]].add(order[first])
    body = Body(tuple(tasks), tuple(tuple(sorted(group)) for group in requires))
    request = Request(
        Operation.PROTECT, "nightly", "id", "local", "bank", graph, {}, max_tasks=draw(st.integers(2, 8))
    )
    return Workflow(request, (body,), (body,))


def before_outline(request: Request) -> Workflow | None:
    workflow = Workflow(request)
    for step in PASSES[: PASSES.index(outline)]:
        checked = step(workflow)
        if checked.value is None:
            return None
        workflow = checked.value
    return workflow


def outlined(workflow: Workflow) -> Workflow:
    checked = outline(workflow)
    assert checked.ok
    assert checked.value is not None
    return checked.value


def cut(request: Request) -> tuple[Workflow, AddedOrder]:
    workflow = before_outline(request)
    assert workflow is not None
    result = outlined(workflow)
    return result, added_order(workflow.bodies[0], result.bodies)


# --- what they say ---------------------------------------------------------------------------------------


def waits(bodies: Sequence[Body], names: dict[int, int]) -> list[int]:
    """For each task by its number (`names` is by identity) a bitmask of those it waits for, parts taken apart."""
    offset = [0]
    for body in bodies:
        offset.append(offset[-1] + len(body.tasks))
    total = offset[-1]
    edges = [(start, start + total) for start in range(total)]
    number: dict[int, int] = {}
    for start, body in zip(offset, bodies, strict=False):
        for me, (task, required) in enumerate(zip(body.tasks, body.requires, strict=True), start):
            edges += ((start + other + total, me) for other in required)
            if task.part is None:
                number[me] = names[id(task)]
            else:
                for inner in range(offset[task.part], offset[task.part + 1]):
                    edges += [(me, inner), (inner + total, me + total)]
    after = order.closure(2 * total, edges)
    assert after is not None, "a cycle"
    result = [0] * len(number)
    for me, name in number.items():
        for other in order.bits(after[me + total]):
            if other in number:
                result[number[other]] |= 1 << name
    return result


def check(body: Body, bodies: Sequence[Body], limit: int) -> None:
    names = {id(task): number for number, task in enumerate(body.tasks)}
    parts = [task for each in bodies for task in each.tasks if task.kind is Kind.PART]
    rest = [task for each in bodies for task in each.tasks if task.kind is not Kind.PART]
    assert sorted(names[id(task)] for task in rest) == list(range(len(body.tasks)))
    assert sorted(task.part for task in parts) == list(range(1, len(bodies)))
    assert all(len(each.tasks) <= limit for each in bodies)
    for each in bodies:
        edges = [(b, a) for a, group in enumerate(each.requires) for b in group]
        assert order.closure(len(each.tasks), edges) is not None, "a cycle"
        assert all(a < b for group in each.requires for a, b in pairwise(group))
    before, after = waits([body], names), waits(bodies, names)
    assert all(now & old == old for old, now in zip(before, after, strict=True))
    check_file_order(bodies, names)


def check_file_order(bodies: Sequence[Body], names: dict[int, int]) -> None:
    """Tasks in the order they had, parts where their first task was, bodies in the order of their parts."""
    first: dict[int, int] = {}
    met: list[int] = []
    for number in range(len(bodies) - 1, -1, -1):
        places = [names[id(task)] if task.part is None else first[task.part] for task in bodies[number].tasks]
        assert places == sorted(places)
        first[number] = min(places, default=0)
    stack = [0]
    while stack:
        met.append(stack.pop())
        stack += [task.part for task in reversed(bodies[met[-1]].tasks) if task.part is not None]
    assert met == list(range(len(bodies)))


def quick_waiting_for_slow(added: AddedOrder) -> int:
    return sum(
        count for (mine, other), count in added.added.items() if mine in (PRE, READY) and other in (PARALLEL, POST)
    )


def depth(bodies: Sequence[Body]) -> int:
    """How many parts there are around the innermost task."""
    level = [0] * len(bodies)
    for number, body in enumerate(bodies):
        for task in body.tasks:
            if task.part is not None:
                level[task.part] = level[number] + 1
    return max(level)


# --- any workflow ----------------------------------------------------------------------------------------


@examples(200)
@given(data=st.data(), phases_ascend=st.booleans())
def test_whatever_the_tasks_are(data: st.DataObject, phases_ascend: bool) -> None:
    workflow = data.draw(workflows(phases_ascend))
    result = outlined(workflow)
    limit = workflow.request.max_tasks
    check(workflow.bodies[0], result.bodies, limit)
    check(workflow.cleanup[0], result.cleanup, limit)
    if len(workflow.bodies[0].tasks) <= limit:
        assert result is workflow


@examples(200)
@given(workflow=workflows())
def test_no_snapshot_comes_to_wait_for_a_copy(workflow: Workflow) -> None:
    """The hard rule, and a little more: neither pre nor ready ever waits for a parallel or post."""
    assert not quick_waiting_for_slow(added_order(workflow.bodies[0], outlined(workflow).bodies))


@given(data=st.data())
def test_workflows_of_real_requests(data: st.DataObject) -> None:
    request = data.draw(graphs.requests(keys=data.draw(st.sampled_from([0, 4])), closers=True))
    workflow = before_outline(request)
    if workflow is None:
        return  # merging would make a cycle
    result = outlined(workflow)
    check(workflow.bodies[0], result.bodies, request.max_tasks)
    assert not quick_waiting_for_slow(added_order(workflow.bodies[0], result.bodies))
    for body in workflow.cleanup:
        check(body, result.cleanup, request.max_tasks)


@given(data=st.data())
def test_the_measure_agrees_with_counting(data: st.DataObject) -> None:
    workflow = data.draw(workflows())
    body, bodies = workflow.bodies[0], outlined(workflow).bodies
    names = {id(task): number for number, task in enumerate(body.tasks)}
    measured = added_order(body, bodies)
    assert measured.before.total() == sum(mask.bit_count() for mask in waits([body], names))
    assert measured.after.total() == sum(mask.bit_count() for mask in waits(bodies, names))
    assert measured.added.total() == measured.after.total() - measured.before.total()


# --- no order where none is needed -----------------------------------------------------------------------


def fan(size: int) -> str:
    return f"A1 > {' '.join(f'B{number}' for number in range(size))}"


def servers(count: int, volumes: int) -> str:
    """A project, its servers, and volumes for each."""
    groups = [f"server{a:03} > {' '.join(f'volume{a:03}{b}' for b in range(volumes))}" for a in range(count)]
    return ", ".join([f"project1 > {' '.join(f'server{a:03}' for a in range(count))}", *groups])


def tree(size: int, width: int) -> str:
    return ", ".join(f"T{(number - 1) // width} > T{number}" for number in range(1, size))


def chain(size: int) -> str:
    return ", ".join(f"T{number} > T{number + 1}" for number in range(size - 1))


@pytest.mark.parametrize("limit", [5, 13, 50])
@pytest.mark.parametrize(
    ("graph", "types"),
    [
        (fan(300), {"A": THREE, "B": THREE}),
        (fan(300), {"A": "pre, post", "B": "parallel"}),
        (servers(20, 4), {"project": "", "server": THREE, "volume": THREE}),
        (tree(200, 3), {"T": THREE}),
        (tree(200, 20), {"T": THREE}),
    ],
)
def test_trees_without_ready_get_no_order_at_all(graph: str, types: dict[str, str], limit: int) -> None:
    result, added = cut(graphs.request(graph, max_tasks=limit, **types))
    assert len(result.bodies) > 1
    assert not added.added


def test_servers_that_fit_are_not_taken_apart() -> None:
    """The freeze of a server ends when its own volumes have their snapshots, whatever else there is."""
    result, added = cut(graphs.request(servers(40, 4), project="pre, post", server=FOUR, volume=FOUR, max_tasks=50))
    assert not added.added
    where = {(task.resources[0].id[-4:][:3], number) for number, body in enumerate(result.bodies)
             for task in body.tasks if task.kind is Kind.ACTIVITY and task.resources[0].type == "volume"}  # fmt: skip
    assert len(where) == 40


def test_below_a_ready_the_snapshots_are_parts_of_their_own() -> None:
    """The project's ready waits for those of all servers, and so for the parts they are in: without copies."""
    result, added = cut(graphs.request(servers(40, 4), project=FOUR, server=FOUR, volume=FOUR, max_tasks=50))
    assert not quick_waiting_for_slow(added)
    assert {mine for mine, _ in added.added} == {PARALLEL, POST}
    assert {other for _, other in added.added} == {PRE, READY}
    assert added.share < 0.1
    for body in result.bodies[1:]:
        phases = {task.phase for task in body.tasks}
        assert phases <= {PRE, READY} or phases <= {PARALLEL, POST}


def test_a_chain_is_cut_into_bands() -> None:
    result, added = cut(graphs.request(chain(300), T=THREE, max_tasks=50))
    assert depth(result.bodies) <= 6
    assert added.share < 0.2
    # Downwards nothing is held up: what comes to wait are copies, for quick tasks, and the way back up
    assert set(added.added) <= {(PARALLEL, PRE), (POST, PARALLEL)}


# --- how it looks ----------------------------------------------------------------------------------------


def test_a_part_stands_where_its_first_task_stood_and_says_what_is_in_it() -> None:
    request = graphs.request("A1 > B1 B2", A="pre, post", B="pre, parallel, post", max_tasks=4)
    result, added = cut(request)
    assert not added.added
    top = [
        (str(task.resources[0]), task.kind.value, task.phase or task.description) for task in result.bodies[0].tasks
    ]
    assert top == [
        ("A#A1", "activity", PRE),
        ("A#A1", "activity", POST),
        ("B#B1", "part", "pre, parallel, post: 3 tasks of 1 resource"),
        ("B#B2", "part", "pre, parallel, post: 3 tasks of 1 resource"),
    ]
    assert result.bodies[0].requires == ((), (2, 3), (0,), (0,))
    assert [len(body.tasks) for body in result.bodies] == [4, 3, 3]
    assert result.bodies[1].requires == ((), (0,), (1,))


def test_a_body_that_fits_stays_as_it_is() -> None:
    workflow = before_outline(graphs.request("A1 > B1 B2", A=THREE, B=THREE, max_tasks=9))
    assert workflow is not None
    assert outlined(workflow) is workflow
    smaller = replace(workflow, request=replace(workflow.request, max_tasks=8))
    assert len(outlined(smaller).bodies) > 1


def test_a_cleanup_is_cut_by_itself() -> None:
    request = graphs.request(fan(30), A="parallel", B="pre, ready closes pre", max_tasks=20)
    workflow = before_outline(request)
    assert workflow is not None
    result = outlined(workflow)
    assert len(result.bodies) > 1
    assert sum(task.kind is Kind.CLOSER for body in result.cleanup for task in body.tasks) == 30
    check(workflow.cleanup[0], result.cleanup, 20)


# --- a small change, a small difference ------------------------------------------------------------------


def contents(request: Request) -> set[frozenset[tuple[str, ...]]]:
    """The bodies as sets of what a reader sees in them."""
    workflow = before_outline(request)
    assert workflow is not None
    return {
        frozenset((task.phase or task.kind, *(str(resource) for resource in task.resources)) for task in body.tasks)
        for body in outlined(workflow).bodies
    }


def drops(size: int) -> Iterator[int]:
    yield from range(1, size, size // 12)


@pytest.mark.parametrize(
    ("graph", "types", "most"),
    [
        (fan(400), {"A": THREE, "B": THREE}, 8),
        (fan(400), {"A": FOUR, "B": FOUR}, 12),
        (servers(40, 4), {"project": "pre, post", "server": FOUR, "volume": FOUR}, 6),
        (tree(400, 5), {"T": THREE}, 6),
    ],
)
def test_one_resource_less_changes_few_parts(graph: str, types: dict[str, str], most: int) -> None:
    request = graphs.request(graph, max_tasks=50, **types)
    before = contents(request)
    count = len(request.graph.resources)
    for drop in drops(count):
        smaller = restrict(request.graph, set(range(count)) - {drop})
        assert len(contents(replace(request, graph=smaller)) - before) <= most


# --- deep and wide ---------------------------------------------------------------------------------------


def wide(size: int) -> Iterator[tuple[int, int]]:
    yield from ((0, number) for number in range(1, size))


def deep(size: int) -> Iterator[tuple[int, int]]:
    yield from pairwise(range(size))


def ladder(size: int) -> Iterator[tuple[int, int]]:
    """Two a level, each of them a dependent of both above."""
    yield from ((a, b) for a in range(size) for b in (a // 2 * 2 + 2, a // 2 * 2 + 3) if b < size)


@pytest.mark.parametrize(
    ("shape", "size"),
    [(deep, 3000), (ladder, 3000), (wide, 3000), pytest.param(wide, 100_000, marks=pytest.mark.nightly)],
)
@pytest.mark.parametrize("activities", [THREE, FOUR])
def test_deep_and_wide(shape: Callable[[int], Iterator[tuple[int, int]]], size: int, activities: str) -> None:
    resources = [Resource("T", f"{number:06}", "") for number in range(size)]
    edges: list[tuple[ResourceKey, ResourceKey]] = [(resources[a].key, resources[b].key) for a, b in shape(size)]
    request = graphs.request_of(resources, edges, {"T": graphs.type_spec(activities)}, 50)
    workflow = before_outline(request)
    assert workflow is not None
    result = outlined(workflow)
    assert max(len(body.tasks) for body in result.bodies) <= 50
    assert depth(result.bodies) <= 16
    # Not more parts than there must be, give or take a half-filled one here and there
    assert len(result.bodies) < 3 * len(workflow.bodies[0].tasks) / 50
