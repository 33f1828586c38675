"""Names: safe for Mistral whatever a resource is called, readable where that is possible, and stable."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embank.model import Body, Phase, Request, Resource, ResourceKey, Workflow
from embank.passes import compile_workflow
from embank.passes.name import base_names
from kit import graphs

RESERVED = {
    "version",
    "noop",
    "fail",
    "succeed",
    "pause",
    "done",
    "begin",
    "activities",
    "complete",
    "cleanup",
    "abandon",
}
SAFE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NASTY = [
    "🐘", "🦊🦊", "", "…", "e" * 5000, "🐘" * 5000, "it's \"quoted\"", "<% $.secret %>", "{{ 7*7 }}",
    "{% raw %}", "a\nb", "a\x00b", "\x85", "\ufffe", "\ud800", "done", "version", "noop", "null", "1e3", "123",
    "&a", "*a", ": ",
    "- ", "\u202egnp.exe", "A", "a", "ä", "a b", "a_b", "a-b", "a.b", "a  b", "_", "__", "-", "part", "wait", "group",
    "pre", "a_pre", "group_pre",
    "3e8a1f0c-5d2b-4c7e-9f6a-0b1c2d3e4f50", "3e8a1f0c-aaaa-4c7e-9f6a-0b1c2d3e4f50", "deadbeefdeadbeef",
]  # fmt: skip


def compiled(request: Request) -> Workflow:
    checked = compile_workflow(request)
    assert checked.diagnostics == ()
    assert checked.value is not None
    return checked.value


def check(workflow: Workflow) -> None:
    """Everything that Mistral asks of names, in every body; workflow names in the whole file."""
    bodies = (*workflow.bodies, *workflow.cleanup)
    names = [workflow.name, *(body.name for body in bodies)]
    assert len(set(names)) == len(names)
    for body in bodies:
        tasks = [task.name for task in body.tasks]
        assert len(set(tasks)) == len(tasks), sorted(name for name in tasks if tasks.count(name) > 1)
        assert not RESERVED.intersection(tasks)
        assert all(len(name) <= 200 for name in tasks)
        names += tasks
    assert all(SAFE.fullmatch(name) for name in names), [name for name in names if not SAFE.fullmatch(name)]
    assert all(len(name) <= 255 for name in names)


def of_resources(
    resources: Iterable[Resource], edges: Iterable[tuple[ResourceKey, ResourceKey]] = (),
    activities: str = "pre, post", max_tasks: int = 10**9,
) -> Workflow:  # fmt: skip
    resources = list(resources)
    types = {resource.type: graphs.type_spec(activities) for resource in resources}
    return compiled(graphs.request_of(resources, edges, types, max_tasks))


def names(workflow: Workflow) -> dict[tuple[ResourceKey, Phase], str]:
    return {
        (task.resources[0].key, task.phase): task.name
        for body in workflow.bodies
        for task in body.tasks
        if task.phase and task.part is None
    }


def only_name(type_: str, id_: str, name: str) -> str:
    (task,) = of_resources([Resource(type_, id_, name)], activities="pre").bodies[0].tasks
    return task.name


@pytest.mark.parametrize(
    ("type_", "id_", "name", "expected"),
    [
        ("Local::SQLite", "shop-db", "shop.db", "sqlite_shop_db_pre"),
        ("OS::Nova::Server", "web1", "Web server", "server_web1_pre"),
        ("OS::Nova::Server", "3e8a1f0c-5d2b-4c7e-9f6a-0b1c2d3e4f50", "Web server", "server_web_server_3e8a1f0c_pre"),
        ("OS::Nova::Server", "3E8A1F0C5D2B4C7E9F6A0B1C2D3E4F50", "Grüße", "server_grusse_3e8a1f0c_pre"),
        ("OS::Nova::Server", "3e8a1f0c-5d2b-4c7e-9f6a-0b1c2d3e4f50", "🦊", "server_3e8a1f0c_pre"),
    ],
)
def test_names_read_well(type_: str, id_: str, name: str, expected: str) -> None:
    assert only_name(type_, id_, name) == expected


def test_a_renamed_resource_keeps_its_names_when_its_id_reads_well() -> None:
    assert only_name("Disk", "disk-7", "old") == only_name("Disk", "disk-7", "new") == "disk_disk_7_pre"


@pytest.mark.parametrize("nasty", NASTY, ids=lambda text: ascii(text[:20]))
def test_nasty_names_ids_types_and_plans(nasty: str) -> None:
    for resource in (Resource("Disk", nasty, "name"), Resource("Disk", "id", nasty), Resource(nasty, "id", "name"),
                     Resource(f"X::{nasty}", nasty, nasty), Resource(nasty, nasty, nasty)):  # fmt: skip
        check(of_resources([resource]))
    request = graphs.request("disk1", disk="pre, post closes pre")
    check(compiled(replace(request, plan=nasty)))


def test_all_nasty_ids_at_once() -> None:
    """In every combination of two types and names: no two tasks are called alike."""
    resources = [
        Resource(type_, id_, name)
        for type_ in ("A::Disk", "A::Server")
        for id_, name in zip(NASTY, reversed(NASTY), strict=True)
    ]
    check(of_resources(resources))
    chain = [(first.key, second.key) for first, second in pairwise(resources)]
    check(of_resources(resources, chain, "pre, ready closes pre, parallel, post closes parallel", max_tasks=3))


@given(
    st.lists(
        st.tuples(st.sampled_from(["A::X", "B::X", "X", "X y", "Part", "Wait", "🦊"]), st.text(), st.text()),
        max_size=30,
    )
)
def test_any_text(facts: list[tuple[str, str, str]]) -> None:
    check(of_resources({ResourceKey(type_, id_): Resource(type_, id_, name) for type_, id_, name in facts}.values()))


def test_equal_ids_of_different_types() -> None:
    found = names(of_resources([Resource("A::Disk", "7", ""), Resource("A::Server", "7", "")], activities="pre"))
    assert sorted(found.values()) == ["disk_7_pre", "server_7_pre"]


def test_types_with_an_equal_last_word() -> None:
    """Neither is called plain `volume`: that would be a guess which one is meant."""
    found = names(of_resources([Resource("A::Volume", "7", ""), Resource("B::Volume", "7", "")], activities="pre"))
    assert [re.sub("[0-9a-f]{6}_7", "…", name) for name in sorted(found.values())] == [
        "a_volume_…_pre",
        "b_volume_…_pre",
    ]


def test_names_that_collide_only_with_their_phase_or_prefix() -> None:
    """What a part, a join or a group is called can be what somebody calls a resource."""
    disks = [Resource("Disk", f"d{number}", "") for number in range(9)]
    racks = [Resource("Rack", "r", "")]
    servers = [Resource("Server", "1", ""), Resource("Server", "2", "")]
    impostors = [Resource("Wait", "rack_r", ""), Resource("Part", "disk", ""), Resource("Part", "server", "")]
    ids = [Resource("Disk", id_, "") for id_ in ("d0_group", "pre", "1_group", "ready")]
    types = {
        "Disk": graphs.type_spec("pre, ready", "p", lambda phase, disk, _: disk.id[:2] if phase == "ready" else None),
        "Server": graphs.type_spec("pre"), "Rack": graphs.type_spec(""),
        "Wait": graphs.type_spec("pre, ready, parallel, post"),
        "Part": graphs.type_spec("pre, ready, parallel, post"),
    }  # fmt: skip
    edges = [(server.key, racks[0].key) for server in servers] + [(racks[0].key, disk.key) for disk in disks]
    resources = disks + racks + servers + impostors + ids
    for max_tasks in (10**9, 5, 3, 2):
        check(compiled(graphs.request_of(resources, edges, types, max_tasks)))


def test_tenants_cannot_make_two_tasks_collide() -> None:
    """Two ids that were searched for (26 million tries): both short digests in their names are equal."""
    pair = [Resource("Disk", "🐘6097096", ""), Resource("Disk", "🐘15077100", "")]
    first, second = base_names(pair).values()
    assert first == second == "disk_2451b0_9785c3"
    check(of_resources(pair))


@given(data=st.data())
def test_adding_a_resource_renames_no_other_task(data: st.DataObject) -> None:
    """Wherever it is put, whatever it is next to."""
    request = data.draw(graphs.requests(size=15, max_tasks=10**9))
    resources, types = list(request.graph.resources), request.types
    edges = [(resources[a].key, resources[b].key) for a, below in enumerate(request.graph.dependents) for b in below]
    new = Resource(data.draw(st.sampled_from(sorted(types))), "new", "A new resource")
    above = data.draw(st.lists(st.sampled_from(resources), unique=True, max_size=3)) if resources else []
    more = graphs.request_of([*resources, new], [*edges, *((parent.key, new.key) for parent in above)], types)
    before, after = names(compiled(request)), names(compiled(more))
    activities = {(r.key, phase) for r in resources for phase in types[r.type].activities}
    assert {key: after[key] for key in activities} == {key: before[key] for key in activities}


def test_a_collision_renames_those_that_collide_and_no_others() -> None:
    first, second, third = Resource("Disk", "a-b", ""), Resource("Disk", "a_b", ""), Resource("Disk", "c", "")
    alone, both = names(of_resources([first, third])), names(of_resources([first, second, third]))
    assert alone[first.key, Phase.PRE] == "disk_a_b_pre"
    assert re.fullmatch("disk_a_b_[0-9a-f]{6}_pre", both[first.key, Phase.PRE])
    assert re.fullmatch("disk_a_b_[0-9a-f]{6}_pre", both[second.key, Phase.PRE])
    assert both[third.key, Phase.PRE] == alone[third.key, Phase.PRE]


def test_bodies_are_called_after_the_plan() -> None:
    workflow = compiled(replace(graphs.request("disk1", disk="pre, post closes pre"), plan="Nightly shop"))
    assert workflow.name == "nightly_shop_protect"
    assert workflow.bodies[0].name == "nightly_shop_protect_activities"
    assert workflow.cleanup[0].name == "nightly_shop_protect_cleanup"


def test_a_part_is_called_alike_as_a_task_and_as_a_workflow() -> None:
    disks = " ".join(f"disk{number}" for number in range(40))
    request = graphs.request(f"server1 > {disks}", server="pre, post", disk="pre, parallel", max_tasks=10)
    workflow = compiled(request)
    parts: list[tuple[str, Body]] = [
        (task.name, workflow.bodies[task.part]) for body in workflow.bodies for task in body.tasks if task.part
    ]
    assert len(parts) == len(workflow.bodies) - 1 > 0
    for name, body in parts:
        assert name.startswith("part_")
        assert body.name == f"nightly_protect_activities_{name}"
