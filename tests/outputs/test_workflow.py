"""The workflow file as a whole: golden files, the same bytes every time, streaming, and what tenants cannot break."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from embank.errors import InputUnreadable
from embank.inputs.workflow import parse_workflow
from embank.model import (
    Body,
    Kind,
    Operation,
    Phase,
    Policy,
    Request,
    Resource,
    ResourceGraph,
    Source,
    Task,
    Workflow,
)
from embank.outputs.render import TemplateBroken
from embank.outputs.workflow import write_workflow
from embank.plaintext import UNSEEN
from embank.resource_graph import canonical, from_chunks

Compile = Callable[..., Workflow]
UNSEEN_CHARACTER = re.compile(f"[{UNSEEN}]")


def written(workflow: Workflow) -> str:
    return "".join(write_workflow(workflow))


# --- golden files: read these first ----------------------------------------------------------------------


@pytest.mark.parametrize("operation", list(Operation))
def test_golden(operation: Operation, compiled: Compile, golden: Callable[[str, str], None]) -> None:
    golden(f"{operation}.yaml", written(compiled(operation)))


def test_golden_of_parts_joins_and_aggregation(compiled: Compile, golden: Callable[[str, str], None]) -> None:
    """Four directories whose copies are one task, under two applications, cut into parts of three tasks."""
    shops = [Resource("Local::Application", f"shop-{number}", f"Shop {number}") for number in (1, 2)]
    files = [Resource("Local::Directory", f"files-{number}", f"Files {number}") for number in range(4)]
    data = [Resource("Local::SQLite", f"db-{number}", f"Database {number}") for number in range(6)]
    edges = [(shop.key, item.key) for shop in shops for item in data + files]
    workflow = compiled(
        Operation.PROTECT,
        graph=canonical(shops + files + data, edges),
        aggregate=lambda phase, resource, parents: "files" if resource.type == "Local::Directory" else None,
        max_tasks=8,
        concurrency={"Local::SQLite": 2},
    )
    text = written(workflow)
    kinds = {task.kind for body in workflow.bodies for task in body.tasks}
    assert kinds == set(Kind) - {Kind.CLOSER}
    assert parse_workflow(text.encode(), "parts.yaml").diagnostics == ()
    golden("parts.yaml", text)


# --- the same bytes, in a stream -------------------------------------------------------------------------


def test_the_text_does_not_depend_on_hash_seeds() -> None:
    program = Path(__file__).parent / "programs" / "write_shop.py"
    digests = set()
    for seed in ("0", "1", "2", "3"):
        text = subprocess.run(
            [sys.executable, str(program)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        digests.add(hashlib.sha256(text).hexdigest())
    assert len(digests) == 1


def chain_of(count: int) -> Workflow:
    """Two activities each of `count` directories, one directory after the other."""
    resources = tuple(Resource("Local::Directory", f"d{number}", f"Directory {number}") for number in range(count))
    tasks = tuple(
        Task(Kind.ACTIVITY, phase, (resource,), ({},), description="Copy.", name=f"directory_{resource.id}_{phase}")
        for resource in resources
        for phase in (Phase.PRE, Phase.PARALLEL)
    )
    requires = tuple((index - 1,) if index else () for index in range(len(tasks)))
    request = Request(Operation.PROTECT, "large", "p", "p", "bank", ResourceGraph(resources, ((),) * count), types={})
    return Workflow(request, (Body(tasks, requires, "large_protect_activities"),), (), "large_protect")


def test_twenty_thousand_tasks_stream_in_small_pieces() -> None:
    """What is written of the tasks never waits for the rest of them."""
    pieces = list(write_workflow(chain_of(10_000)))
    assert max(map(len, pieces)) < 600_000  # of a file of more than 6,000,000
    assert sum(piece.count("\n      action: embank.activity\n") for piece in pieces) == 20_000
    first = list(itertools.islice(write_workflow(chain_of(10_000)), 50))
    assert first == pieces[:50]


@pytest.mark.nightly
def test_what_was_written_of_twenty_thousand_tasks_is_read() -> None:
    checked = parse_workflow(written(chain_of(10_000)).encode(), "large.yaml")
    assert checked.diagnostics == ()
    assert checked.value is not None
    assert len(checked.value.workflows["large_protect_activities"].tasks) == 20_001


def test_a_large_resource_graph_travels_in_chunks_that_engines_accept() -> None:
    workflow = chain_of(4_000)
    checked = parse_workflow(written(workflow).encode(), "large.yaml")
    assert checked.value is not None
    tasks = checked.value.workflows["large_protect"].tasks
    begins = [task for task in tasks.values() if task.action == "embank.begin"]
    assert len(begins) > 2
    assert [task.input["chunk"] for task in begins] == list(range(1, len(begins) + 1))
    assert {task.input["chunks"] for task in begins} == {len(begins)}
    assert all(len(str(task.input["graph"])) < 2**20 for task in begins)
    assert from_chunks([task.input["graph"] for task in begins]) == canonical(workflow.request.graph.resources, [])
    followed = [task.on_success for task in begins]
    assert followed == [(name,) for name in [*(task.name for task in begins[1:]), "activities"]]


def test_one_more_resource_is_a_local_difference(compiled: Compile) -> None:
    """A new directory below the shop: lines are added; of the old ones only counts change."""
    before = compiled(Operation.PROTECT)
    graph = before.request.graph
    new = Resource("Local::Directory", "new-files", "New files")
    edges = [(graph.resources[0].key, resource.key) for resource in (*graph.resources[1:], new)]
    after = compiled(Operation.PROTECT, graph=canonical([*graph.resources, new], edges))
    old_lines, new_lines = written(before).splitlines(), written(after).splitlines()
    gone = [line for line in old_lines if old_lines.count(line) > new_lines.count(line)]
    assert all(any(word in line for word in ("resources", "activities", "constraints")) for line in gone), gone
    assert 0 < len(gone) <= 7


# --- structure -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        (Operation.PROTECT, "available"),
        (Operation.RESTORE, "restored"),
        (Operation.DELETE, "deleted"),
        (Operation.VERIFY, "verified"),
    ],
)
def test_every_way_ends_in_complete_or_in_fail(operation: Operation, status: str, compiled: Compile) -> None:
    text = written(compiled(operation))
    tasks = yaml.safe_load(text)[f"nightly_shop_{operation}"]["tasks"]
    assert tasks["complete"]["input"]["status"] == status
    assert tasks["abandon"]["input"]["status"] == "error"
    assert tasks["abandon"]["on-complete"] == ["fail"]
    ways = {name: (*task.get("on-error", ()), *task.get("on-complete", ())) for name, task in tasks.items()}
    for name in set(tasks) - {"abandon"}:
        way = name
        while way != "fail":
            (way,) = ways[way]


def test_every_reverse_workflow_has_one_sink_that_requires_every_last_task(compiled: Compile) -> None:
    for name, body in yaml.safe_load(written(compiled(Operation.PROTECT))).items():
        if name == "version" or body["type"] == "direct":
            continue
        tasks = body["tasks"]
        required = {other for task in tasks.values() for other in task.get("requires", ())}
        assert set(tasks) - required == {"done"}
        assert list(tasks)[-1] == "done"
        assert body["output"] == {"done": "<% task(done).state %>"}


def test_nothing_is_empty_and_nothing_is_an_anchor(compiled: Compile) -> None:
    def check(value: object) -> None:
        assert value not in ("", [], {}, None)
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            check(item)

    for operation in Operation:
        text = written(compiled(operation))
        check(yaml.safe_load(text))
        assert not [event for event in yaml.parse(text) if getattr(event, "anchor", None)]


def test_policies_and_poll_intervals_are_written_only_when_there_are_any(compiled: Compile) -> None:
    policy = Policy(retry_count=4, retry_delay=7, timeout=60, poll_interval=15)
    workflow = compiled(Operation.VERIFY, policies={"Local::SQLite": policy})
    tasks = yaml.safe_load(written(workflow))["nightly_shop_verify_activities"]["tasks"]
    (database,) = [task for name, task in tasks.items() if name.startswith("sqlite")]
    (files,) = [task for name, task in tasks.items() if name.startswith("directory")]
    assert (database["retry"], database["timeout"]) == ({"count": 4, "delay": 7}, 60)
    assert database["input"]["poll_interval"] == 15
    assert not {"retry", "timeout", "requires"} & set(files)
    assert "poll_interval" not in files["input"]


def test_a_workflow_without_activities_still_says_so(compiled: Compile) -> None:
    nothing = Body(name="nightly_shop_verify_activities")
    workflow = Workflow(compiled(Operation.VERIFY).request, (nothing,), (), "nightly_shop_verify")
    assert parse_workflow(written(workflow).encode(), "empty.yaml").diagnostics == ()


# --- what tenants and plugins cannot break -----------------------------------------------------------------


def test_nothing_that_a_tenant_says_breaks_out_of_a_comment(compiled: Compile, nasty: list[str]) -> None:
    lengths = set()
    for name in ["harmless", *nasty]:
        source = Source("plan", name, "4f1c" * 16, name)
        said = {"plan": name, "provider_name": name, "bank": name, "command": name, "sources": (source,)}
        shop = Resource("Local::Application", "shop", name)
        text = written(compiled(Operation.PROTECT, graph=canonical([shop], []), **said))
        assert not UNSEEN_CHARACTER.search(text.replace("\n", ""))
        header, _, _ = text.partition("\nversion: '2.0'\n")
        lines = header.split("\n")
        assert all(line.startswith("#") for line in lines)
        lengths.add(len(lines))
        workflows = yaml.safe_load(text)
        assert [len(body["tasks"]) for key, body in workflows.items() if key != "version"] == [5, 3, 1]
    assert len(lengths) == 1


def test_a_description_of_a_plugin_is_text(compiled: Compile, nasty: list[str]) -> None:
    request = compiled(Operation.VERIFY).request
    tasks = tuple(
        Task(Kind.ACTIVITY, Phase.PRE, request.graph.resources[:1], description=text, name=f"task_{number}")
        for number, text in enumerate(nasty)
    )
    workflow = Workflow(request, (Body(tasks, ((),) * len(tasks), "body"),), (), "main")
    read = yaml.safe_load(written(workflow))["body"]["tasks"]
    assert [read[task.name]["description"] for task in tasks] == nasty


# --- templates of the user's -------------------------------------------------------------------------------


def test_a_template_replaces_the_built_in_one(compiled: Compile, tmp_path: Path) -> None:
    (tmp_path / "workflow_body.yaml.j2").write_text("\n{{ body.name }}: {type: reverse, tasks: {\n")
    text = "".join(write_workflow(compiled(Operation.VERIFY), str(tmp_path)))
    assert "nightly_shop_verify_activities: {type: reverse, tasks: {\n" in text
    assert text.startswith("# Embank workflow: verify checkpoint ")


@pytest.mark.parametrize(
    ("template", "line"),
    [("{% if %}", 1), ("\n\n{{ body.nmae }}", 3), ("\n{{ body.name | uper }}", 2), ("{% include 'other.j2' %}", 1)],
)
def test_a_broken_template_is_reported_with_its_line(
    template: str, line: int, compiled: Compile, tmp_path: Path
) -> None:
    (tmp_path / "workflow_body.yaml.j2").write_text(template)
    with pytest.raises(TemplateBroken) as caught:
        list(write_workflow(compiled(Operation.VERIFY), str(tmp_path)))
    assert f"workflow_body.yaml.j2:{line}: " in str(caught.value)


def test_a_template_directory_that_is_not_there(compiled: Compile, tmp_path: Path) -> None:
    with pytest.raises(InputUnreadable, match="not a directory of templates"):
        list(write_workflow(compiled(Operation.VERIFY), str(tmp_path / "none")))


def test_a_closer_says_what_it_closes(compiled: Compile) -> None:
    document = yaml.safe_load(written(compiled(Operation.PROTECT)))
    tasks = document["nightly_shop_protect_cleanup"]["tasks"]
    (closer,) = [task for name, task in tasks.items() if name != "done"]
    assert closer["action"] == "embank.cleanup"
    assert (closer["input"]["activity"], closer["input"]["closes"]) == ("ready", "pre")
    assert closer["retry"]["count"] >= 3
