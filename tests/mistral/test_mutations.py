"""Whatever Mistral's own parser refuses we refuse, too; and what both read means the same to both."""

from __future__ import annotations

import copy
import random as randomness
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embank.document import Document

pytestmark = [pytest.mark.service, pytest.mark.xdist_group("oracle")]

SHOP = Path(__file__).parents[1] / "inputs" / "workflow" / "shop.yaml"
Agree = Callable[[str], Document | None]
Place = tuple[str | int, ...]
# What a person may leave where something else should stand.
VALUES: tuple[Any, ...] = (
    None, "", [], {}, True, 0, 1, -1, 1.5, 10**30, "text", "done", "two words", ["run"], ["done", "done"], [[]],
    [None], {"a": 1}, {"a": {}}, "<% $.run %>", "<% 1 + 1 %>", "<% $. %>", "<% %>", "<%%>", "{{ 1 }}", "{{ }}",
    "{{ ( }}", "{% if %}", "{{ 1 }} <% 1 %>", "<% '\" %>", '<% "\\N{nothing}" %>', '<% "\\U99999999" %>',
    '<% "\\xzz" %>', "count=3 delay=1", "std.echo output=1", "fail msg='x'", "fail(msg=1)", "all", "one", 2, "é",
    "\x85", "2024-01-01", date(2024, 1, 1), "x" * 209, "x" * 256, "2e0c8826-81d6-44f5-bbe5-8f46a98c5845",
)  # fmt: skip
KEYS = (
    "action", "workflow", "input", "requires", "on-success", "on-error", "on-complete", "on-skip", "join", "retry",
    "timeout", "wait-before", "wait-after", "pause-before", "with-items", "publish", "tags", "type", "name",
    "version", "target", "vars", "output", "tasks", "description", "concurrency", "fail-on", "keep-result",
    "safe-rerun", "task-defaults", "count", "delay", "run", "noop", "fail", "pause", "task_name", "a b", "", "9", "é",
)  # fmt: skip
PIECES = (
    ":", ": ", " ", "  ", "\n", "\n\n", "-", "- ", "[", "]", "{", "}", "'", '"', "#", " #", "&a ", "*a", "!x ", "|",
    ">", "%", "@", "`", "?", ",", "\t", "\\", "\u007f", "\u0085", "\u00a0", "\ufeff", "\ufffe", "é", "<%", "%>", "~",
    "=", "<<: ", "0", "2024-01-01", "1:30", "1_000", "yes", "---\n", "...\n", "%YAML 1.1\n",
)  # fmt: skip


def places(value: Any, path: Place = ()) -> list[Place]:
    """The path of everything in a document, of the keys and of the items."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in inside for found in ((*path, key), *places(item, (*path, key)))]


def mutate_structure(document: Any, random: randomness.Random) -> None:
    """One small change anywhere: a value, a key or an item taken out, put in, or put elsewhere."""
    everywhere = places(document)
    path = random.choice(everywhere)
    container = document
    for key in path[:-1]:
        container = container[key]
    last = path[-1]
    change = random.choice(["replace", "replace", "delete", "insert", "rename", "copy"])
    if change == "replace":
        container[last] = random.choice(VALUES)
    elif change == "delete":
        del container[last]
    elif isinstance(container, list):
        container.insert(last, random.choice([*VALUES, container[last]]))
    elif change == "insert":
        container[random.choice(KEYS)] = random.choice(VALUES)
    elif change == "rename":
        new = random.choice([*KEYS, *(key for found in everywhere for key in found[-1:] if isinstance(key, str))])
        items = [(new if key == last else key, item) for key, item in container.items()]
        container.clear()
        container.update(items)
    else:
        other = document
        for key in random.choice(everywhere):
            other = other[key]
        container[last] = copy.deepcopy(other)


def mutate_text(text: str, random: randomness.Random) -> str:
    """Some characters or lines taken out, put in, or put elsewhere."""
    start = random.randrange(len(text))
    change = random.choice(["insert", "insert", "delete", "line", "indent"])
    if change == "insert":
        return text[:start] + random.choice(PIECES) + text[start:]
    if change == "delete":
        return text[:start] + text[start + random.choice([1, 1, 1, 2, 5, 20]) :]
    lines = text.split("\n")
    line = random.randrange(len(lines))
    if change == "indent":
        lines[line] = "  " + lines[line] if random.random() < 0.5 else lines[line].removeprefix("  ")
    else:
        moved = lines.pop(line) if random.random() < 0.5 else lines[line]
        if random.random() < 0.7:
            lines.insert(random.randrange(len(lines)), moved)
    return "\n".join(lines)


def mutated(random: randomness.Random) -> str:
    text = SHOP.read_text()
    times = random.choice([1, 1, 1, 2])
    if random.random() < 0.4:
        for _ in range(times):
            text = mutate_text(text, random)
        return text
    document = yaml.load(text, yaml.CSafeLoader)
    for _ in range(times):
        mutate_structure(document, random)
    return yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False))
def test_small_changes(agree: Agree, random: randomness.Random) -> None:
    agree(mutated(random))
