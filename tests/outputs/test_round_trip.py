"""A workflow, written and read again: every field comes back, whatever tenants and plugins say."""

from __future__ import annotations

import string
from collections.abc import Sequence

import yaml
from hypothesis import given
from hypothesis import strategies as st

from embank import expressions
from embank.document import Document, Expression, Flow, Retry, TaskSpec
from embank.inputs.workflow import parse_workflow
from embank.model import (
    Body,
    Json,
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
from embank.outputs.workflow import write_workflow
from embank.resource_graph import canonical, from_chunks
from embank.task_parameters import COMPLETED
from kit.examples import examples

# --- workflows -------------------------------------------------------------------------------------------

NASTY = st.one_of(
    st.text(min_size=1, max_size=20),
    st.text(
        st.sampled_from("<%>{}#\"'\\$&*!|-?:, \n\t\0\x85\u2028\u202e\ufeff\ufffe\U0001f418a1"), min_size=1, max_size=9
    ),
    st.sampled_from(
        ["on", "null", "1e3", "0x1", "12:30:45", "<<", "{{ 7*7 }}", "<% $.run %>", '<% "x" %>', "x" * 5000]
    ),
)
PARAMETERS = st.dictionaries(
    NASTY,
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), NASTY),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NASTY, inner, max_size=3)),
        max_leaves=6,
    ),
    max_size=3,
)
POLICIES = st.builds(
    Policy,
    retry_count=st.integers(0, 5),
    retry_delay=st.integers(0, 60),
    timeout=st.none() | st.integers(1, 10**6),
    poll_interval=st.none() | st.integers(1, 3600),
)
DESCRIPTIONS = st.just("") | NASTY


@st.composite
def graphs(draw: st.DrawFn) -> ResourceGraph:
    keys = draw(st.lists(st.tuples(NASTY, NASTY), min_size=1, max_size=4, unique=True))
    resources = [Resource(kind, id, draw(st.just("") | NASTY)) for kind, id in keys]
    pairs = [(above, below) for below in range(len(keys)) for above in range(below)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return canonical(resources, [(resources[above].key, resources[below].key) for above, below in edges])


@st.composite
def bodies(draw: st.DrawFn, kinds: Sequence[Kind], resources: Sequence[Resource], name: str, fewest: int = 0) -> Body:
    """Tasks that require earlier ones, in any order of the file."""
    count = draw(st.integers(fewest, 5))
    tasks = []
    for number in range(count):
        kind = draw(st.sampled_from(kinds))
        aggregated = kind in (Kind.ACTIVITY, Kind.CLOSER) and draw(st.booleans())
        about = draw(st.lists(st.sampled_from(resources), min_size=1, max_size=3 if aggregated else 1, unique=True))
        tasks.append(
            Task(
                kind,
                draw(st.sampled_from(Phase)),
                tuple(about),
                tuple(draw(PARAMETERS) for _ in about),
                aggregated,
                draw(DESCRIPTIONS),
                draw(POLICIES),
                closes=draw(st.sampled_from(Phase)) if kind is Kind.CLOSER else None,
                part=1 if kind is Kind.PART else None,
                name=f"{draw(st.text(string.ascii_letters, min_size=1, max_size=3))}_{number}",
            )
        )
    places = draw(st.permutations(range(count)))
    ordered = [tasks[old] for old in sorted(range(count), key=places.__getitem__)]
    requires: list[tuple[int, ...]] = [()] * count
    for number in range(count):
        earlier = draw(st.lists(st.integers(0, number - 1), unique=True)) if number else []
        requires[places[number]] = tuple(sorted(places[other] for other in earlier))
    return Body(tuple(ordered), tuple(requires), name)


@st.composite
def workflows(draw: st.DrawFn) -> Workflow:
    graph = draw(graphs())
    operation = draw(st.sampled_from(Operation))
    request = Request(
        operation,
        *(draw(NASTY) for _ in ("plan", "provider_id", "provider_name", "bank")),
        graph=graph,
        types={},
        concurrency=draw(st.dictionaries(NASTY, st.integers(1, 9), max_size=2)),
        checkpoint="" if operation is Operation.PROTECT else draw(NASTY),
        sources=tuple(draw(st.lists(st.builds(Source, NASTY, NASTY, NASTY, st.just("") | NASTY), max_size=2))),
        command=draw(st.just("") | NASTY),
    )
    parts = (draw(bodies([Kind.ACTIVITY, Kind.JOIN], graph.resources, "x_activities_part")),)
    main = draw(bodies([Kind.ACTIVITY, Kind.JOIN, Kind.PART], graph.resources, "x_activities"))
    if not any(task.kind is Kind.PART for task in main.tasks):
        parts = ()
    closers = draw(bodies([Kind.CLOSER, Kind.JOIN], graph.resources, "x_cleanup", fewest=1))
    return Workflow(request, (main, *parts), (closers,) if draw(st.booleans()) else (), "x")


# --- what must come back -----------------------------------------------------------------------------------


def check_task(task: Task, found: TaskSpec, requires: Sequence[str]) -> None:
    policy = task.policy
    retry = Retry(policy.retry_count, policy.retry_delay) if policy.retry_count else None
    assert (found.retry, found.timeout, found.requires) == (retry, policy.timeout, tuple(requires))
    assert (found.on_success, found.on_error) == ((), ())
    assert (found.wait_before, found.wait_after, found.pause_before) == (0, 0, False)
    if task.description:
        assert found.description == task.description
    if task.kind is Kind.JOIN:
        assert (found.action, found.input) == ("std.noop", {})
        return
    given = dict(found.input)
    run = given.pop("run")
    assert isinstance(run, Expression)
    assert (run.kind, run.name) == ("variable", "run")
    if task.kind is Kind.PART:
        assert (found.workflow, given) == ("x_activities_part", {"task_name": "done"})
        return
    assert found.action == ("embank.cleanup" if task.kind is Kind.CLOSER else "embank.activity")
    facts = [{"type": item.type, "id": item.id, "name": item.name} for item in task.resources]
    expected: dict[str, Json] = {"activity": task.phase}
    if task.closes:
        expected["closes"] = task.closes
    if task.aggregated:
        expected["resources"] = [
            fact | ({"parameters": each} if each else {}) for fact, each in zip(facts, task.parameters, strict=True)
        ]
    else:
        expected["resource"] = facts[0]
        if task.parameters[0]:
            expected["parameters"] = task.parameters[0]
    if policy.poll_interval is not None:
        expected["poll_interval"] = policy.poll_interval
    assert given == expected
    assert repr(given) == repr({name: given[name] for name in expected})  # fixed order of keys


def check_body(body: Body, document: Document) -> None:
    found = document.workflows[body.name].tasks
    assert list(found) == [*(task.name for task in body.tasks), "done"]
    for task, requires in zip(body.tasks, body.requires, strict=True):
        check_task(task, found[task.name], [body.tasks[index].name for index in requires])
    required = {index for requires in body.requires for index in requires}
    last = tuple(task.name for index, task in enumerate(body.tasks) if index not in required)
    assert found["done"].requires == last


def check_cleanup(body: Body, document: Document) -> None:
    """The same order, by what follows when a closer ends, well or not."""
    workflow = document.workflows[body.name]
    assert workflow.flow is Flow.DIRECT
    assert list(workflow.tasks) == [task.name for task in body.tasks]
    for index, (task, requires) in enumerate(zip(body.tasks, body.requires, strict=True)):
        found = workflow.tasks[task.name]
        check_task(task, found, ())
        assert found.join == (len(requires) > 1)
        followers = [other.name for other, before in zip(body.tasks, body.requires, strict=True) if index in before]
        assert list(found.on_complete) == followers


@examples(100)
@given(workflows())
def test_every_field_comes_back(workflow: Workflow) -> None:
    request = workflow.request
    text = "".join(write_workflow(workflow))
    checked = parse_workflow(text.encode(), "x.yaml")
    assert checked.diagnostics == ()
    document = checked.value
    assert document is not None
    assert document.main == "x"
    assert list(document.workflows) == ["x", *(body.name for body in (*workflow.bodies, *workflow.cleanup))]
    for body in workflow.bodies:
        check_body(body, document)
    for body in workflow.cleanup:
        check_cleanup(body, document)
    run, variables = dict(document.run), document.workflows["x"].vars
    for name in ("execution", *(("checkpoint",) if request.operation is Operation.PROTECT else ())):
        value = run.pop(name)
        assert isinstance(value, Expression)
        assert value.kind == "execution-id"
    expected = {"provider": request.provider_id, "plan": request.plan, "operation": request.operation}
    assert run == expected | ({"checkpoint": request.checkpoint} if request.checkpoint else {})
    assert variables.get("concurrency", {}) == request.concurrency
    sources = [(source["kind"], source["name"], source["sha256"]) for source in variables["lock"].get("sources", [])]
    assert sources == [(source.kind, source.name, source.sha256) for source in request.sources]
    main = document.workflows["x"].tasks
    assert main["complete"].input["status"] == COMPLETED[request.operation]
    if request.operation is Operation.PROTECT:
        assert from_chunks([main["begin"].input["graph"]]) == request.graph
    check_with_pyyaml(text, document)


def check_with_pyyaml(text: str, document: Document) -> None:
    """PyYAML's safe loader sees the same, with literals where an engine would otherwise evaluate something."""
    plain = yaml.safe_load(text)
    assert plain.pop("version") == "2.0"
    for name, workflow in document.workflows.items():
        for task, spec in workflow.tasks.items():
            same(plain[name]["tasks"][task].get("input", {}), spec.input)
        same(plain[name].get("vars", {}), workflow.vars)


def same(plain: Json, read: Json) -> None:
    if isinstance(read, Expression):
        parsed = expressions.parse(plain)
        assert parsed is not None
        assert (parsed.form, parsed.text) == (read.kind, read.name)
    elif isinstance(read, str):
        assert expressions.data(plain) == read
    elif isinstance(read, list):
        assert len(plain) == len(read)
        for left, right in zip(plain, read, strict=True):
            same(left, right)
    elif hasattr(read, "items"):
        assert list(plain) == list(read)
        for name, value in read.items():
            same(plain[name], value)
    else:
        assert (plain, type(plain)) == (read, type(read))
