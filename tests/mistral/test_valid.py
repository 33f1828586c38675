"""Whatever Embank writes passes Mistral's own parser, and comes out of it as the data that it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embank.document import Document
from embank.model import Lower, Operation, Policy, Request, Resource
from embank.outputs.workflow import write_workflow
from embank.passes import compile_workflow
from embank.resource_graph import canonical
from kit.graphs import requests

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("oracle")]

Agree = Callable[[str], Document | None]

ROOT = Path(__file__).parents[2]
WRITTEN = sorted(
    str(path.relative_to(ROOT))
    for folder in ("tests", "examples")
    for path in (ROOT / folder).rglob("*.yaml")
    if path.read_text().startswith("# Embank workflow")
)

NASTY = (
    "on", "null", "1e3", "0x1", "12:30:45", "2024-01-01", "<<", "=", "~", "&a", "*a", "@a", "# x", "\\u007b",
    "{{ 7*7 }}", "{{ _.run }}", "{% raw %}", "<% $.run %>", "<% 1 %> and {{ 2 }}", '<% "x" %>', "<% $.run", "%>",
    "{{ 1 }}\n<% 2 %>",
)  # fmt: skip
LETTERS = "<%>{}#\"'\\$&*!|-?:, \n\t\0\x85\u2028\u202e\ufeff\ufffe\U0001f418a1"
HOSTILE = st.one_of(
    st.text(min_size=1, max_size=20),
    st.text(st.sampled_from(LETTERS), min_size=1, max_size=9),
    st.sampled_from(NASTY),
)
PARAMETERS = st.dictionaries(
    HOSTILE,
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), HOSTILE),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(HOSTILE, inner, max_size=3)),
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


@st.composite
def hostile_requests(draw: st.DrawFn, size: int) -> Request:
    """Any resource graph, of resources with any ids, names and parameters, for any operation, lowered either way."""
    plain: Request = draw(requests(size=size, closers=True))
    words = draw(st.lists(HOSTILE, min_size=6, max_size=6))
    renamed = [
        Resource(resource.type, f"{words[index % 3]}{index}", words[3 + index % 3])
        for index, resource in enumerate(plain.graph.resources)
    ]
    edges = [(renamed[a].key, renamed[b].key) for a, below in enumerate(plain.graph.dependents) for b in below]
    operation = draw(st.sampled_from(Operation))
    return replace(
        plain,
        operation=operation,
        checkpoint="" if operation is Operation.PROTECT else draw(HOSTILE),
        plan=draw(HOSTILE),
        lower=draw(st.sampled_from(Lower)),
        provider_id=draw(HOSTILE),
        provider_name=draw(HOSTILE),
        graph=canonical(renamed, edges),
        parameters={resource.key: draw(PARAMETERS) for resource in renamed[:5]},
        policies={name: draw(POLICIES) for name in draw(st.sets(st.sampled_from(sorted(plain.types))))},
        concurrency=dict.fromkeys(sorted(plain.types), draw(st.integers(1, 9))) if draw(st.booleans()) else {},
    )


def written(request: Request) -> str:
    workflow = compile_workflow(request).value
    assert workflow is not None
    return "".join(write_workflow(workflow))


@pytest.mark.parametrize("file", WRITTEN)
def test_files_that_are_kept(file: str, agree: Agree) -> None:
    assert agree((ROOT / file).read_text())


def test_there_are_such_files() -> None:
    assert len(WRITTEN) > 8


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(hostile_requests(size=12))
def test_what_tenants_call_their_resources(agree: Agree, request: Request) -> None:
    assert agree(written(request))


def is_large(request: Request) -> bool:
    return len(request.graph.resources) > 90 and all(spec.activities for spec in request.types.values())


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(hostile_requests(size=130).filter(is_large))
def test_a_thousand_tasks(agree: Agree, request: Request) -> None:
    document = agree(written(request))
    assert document is not None
    assert sum(len(workflow.tasks) for workflow in document.workflows.values()) > 250
