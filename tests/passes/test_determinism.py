"""The same input in any order, in any process, on any day: the same file, to the byte."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embank.model import Policy, Request
from embank.outputs.workflow import write_workflow
from embank.passes import compile_workflow
from kit import graphs

# A process of its own for each hash seed. The graph is the same every time; the order it is given in is not.
PROGRAM = """
import hashlib, random, sys
from embank.model import *
from embank.outputs.workflow import write_workflow
from embank.passes import compile_workflow
from embank.resource_graph import canonical

fixed, shuffled = random.Random(7), random.Random(int(sys.argv[1]))
PRE, READY, PARALLEL, POST = Phase
specs = {
    "A::Server": {PRE: ActivitySpec("Freeze."), READY: ActivitySpec("Thaw.", PRE), POST: ActivitySpec("Rest.")},
    "A::Volume": {READY: ActivitySpec("Snapshot."), PARALLEL: ActivitySpec("Copy.")},
    "B::Volume": {PRE: ActivitySpec("Lock."), PARALLEL: ActivitySpec("Copy."), POST: ActivitySpec("Free.", PRE)},
    "A::Rack": {},
}
resources = [Resource(fixed.choice(list(specs)), f"r-{n}", f"Größe {n}") for n in range(150)]
edges = {tuple(sorted(fixed.sample(range(150), 2))) for _ in range(220)}
edges = [(resources[a].key, resources[b].key) for a, b in edges]
number = {resource: n for n, resource in enumerate(resources)}
def group(phase, resource, parents):
    leaf = resource.key not in {parent for parent, _ in edges}
    return f"group {number[resource] % 3}" if leaf and phase is PARALLEL else None
types = [(name, TypeSpec(name.split("::")[0], acts, group)) for name, acts in specs.items()]
parameters = [(resource.key, {"level": n, "b": 1, "a": 2}) for resource, n in number.items() if n % 5 == 0]
policies = [("A::Server", Policy(timeout=30)), ("A::Volume", Policy(retry_count=2))]
for parts in (resources, edges, types, parameters, policies):
    shuffled.shuffle(parts)
for max_tasks in (10**9, 50, 7):
    request = Request(Operation.PROTECT, "plan", "id", "provider", "bank", canonical(resources, edges), dict(types),
                      parameters=dict(parameters), policies=dict(policies), max_tasks=max_tasks)
    checked = compile_workflow(request)
    assert checked.ok, checked.diagnostics
    text = "".join(write_workflow(checked.value))
    print(hashlib.sha256(text.encode()).hexdigest(), len(checked.value.bodies), len(text))
"""


def test_ten_hash_seeds_and_ten_orders_of_input() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(seed)],
            env=os.environ | {"PYTHONHASHSEED": str(seed)}, check=True, capture_output=True, text=True,
        ).stdout
        for seed in range(10)
    }  # fmt: skip
    (output,) = outputs
    assert len(output.splitlines()) == 3


@given(data=st.data())
def test_any_order_of_input(data: st.DataObject) -> None:
    """Resources, edges, types, parameters and policies shuffled: an equal workflow, equal text."""
    request: Request = data.draw(graphs.requests(size=25, keys=data.draw(st.sampled_from([0, 4])), closers=True))
    resources = request.graph.resources
    request = replace(
        request,
        parameters={resource.key: {"of": resource.id} for resource in resources[::3]},
        policies={name: Policy(timeout=index) for index, name in enumerate(request.types, 1)},
    )
    shuffle = data.draw(st.randoms(use_true_random=False))
    edges = [(resources[a].key, resources[b].key) for a, below in enumerate(request.graph.dependents) for b in below]
    other = replace(
        request,
        graph=graphs.request_of(shuffled(shuffle, resources), shuffled(shuffle, edges), {}).graph,
        types=dict(shuffled(shuffle, request.types.items())),
        parameters=dict(shuffled(shuffle, request.parameters.items())),
        policies=dict(shuffled(shuffle, request.policies.items())),
    )
    first, second = compile_workflow(request), compile_workflow(other)
    assert first.diagnostics == second.diagnostics
    if first.value and second.value:
        assert (first.value.bodies, first.value.cleanup) == (second.value.bodies, second.value.cleanup)
        assert list(write_workflow(first.value)) == list(write_workflow(second.value))


def shuffled(shuffle: random.Random, parts: object) -> list[object]:
    result = list(parts)  # type: ignore[call-overload]
    shuffle.shuffle(result)
    return result


@pytest.mark.parametrize("max_tasks", [10**9, 50, 4])
def test_twice_in_one_process(max_tasks: int) -> None:
    """Nothing is kept from one compilation to the next."""
    disks = " ".join(f"disk{number}" for number in range(60))
    request = graphs.request(f"server1 > {disks}, server2 > {disks}", server="pre, ready closes pre", disk="ready",
                            max_tasks=max_tasks)  # fmt: skip
    assert compile_workflow(request) == compile_workflow(request)
