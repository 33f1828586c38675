"""The input of tasks is decoded in one place: all others use the values that it makes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

COMPILER = Path(__file__).resolve().parents[2] / "compiler" / "embank"
DECODER = {COMPILER / "task_input.py", COMPILER / "task_parameters.py"}
# What a called workflow takes is said by that workflow, and asked here.
OF_CALLS = COMPILER / "inputs" / "workflow" / "calls.py"
# Names that only the input of tasks has.
NAMES = frozenset(("activity", "closes", "poll_interval"))
OTHERS = sorted(set(COMPILER.rglob("*.py")) - DECODER - {OF_CALLS})


def looked_into(tree: ast.AST) -> Iterator[int]:
    """The lines that take something out of an input, or out of a mapping by the name of an input."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript):
            inside, key = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop"):
            inside, key = node.func.value, node.args[0] if node.args else node.func
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            inside, key = node.comparators[0], node.left
            if not is_input(inside):
                continue
        else:
            continue
        if is_input(inside) or (isinstance(key, ast.Constant) and key.value in NAMES):
            yield node.lineno


def is_input(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "input"


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: str(path.relative_to(COMPILER)))
def test_nobody_else_looks_into_the_input_of_tasks(path: Path) -> None:
    found = list(looked_into(ast.parse(path.read_text())))
    assert not found, f"{path.name}, lines {found}: use TaskSpec.does, or what embank.task_input offers"


@pytest.mark.parametrize(
    "line",
    [
        'spec.input["status"]',
        'spec.input.get("status")',
        'given["activity"]',
        'given.pop("closes", None)',
        '"graph" in task.input',
        "task.input[name]",
    ],
)
def test_the_guard_sees_it(line: str) -> None:
    assert list(looked_into(ast.parse(line))) == [1]
