"""A small shop, compiled for every operation, and strings that try to break a workflow file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from embank.model import (
    ActivitySpec,
    Operation,
    Phase,
    Policy,
    Request,
    Resource,
    ResourceGraph,
    Source,
    TypeSpec,
    Workflow,
)
from embank.passes import compile_workflow
from embank.resource_graph import canonical

PRE, READY, PARALLEL, POST = Phase.PRE, Phase.READY, Phase.PARALLEL, Phase.POST
CHECKPOINT = "7f3c1a52-0d0e-4b8e-9a55-7e2f9d1c4b11"

Compile = Callable[..., Workflow]
Aggregate = Callable[[Phase, Resource, Sequence[Resource]], str | None]

ACTIVITIES: dict[Operation, dict[str, dict[Phase, ActivitySpec]]] = {
    Operation.PROTECT: {
        "Local::Application": {
            PRE: ActivitySpec("Freeze the application."),
            READY: ActivitySpec("Thaw the application.", closes=PRE),
        },
        "Local::Directory": {PARALLEL: ActivitySpec("Copy the files to the bank.")},
        "Local::SQLite": {
            READY: ActivitySpec("Take an online copy of the database."),
            PARALLEL: ActivitySpec("Copy the database to the bank."),
        },
    },
    Operation.RESTORE: {
        "Local::Application": {
            PRE: ActivitySpec("Stop the application."),
            POST: ActivitySpec("Start the application.", closes=PRE),
        },
        "Local::Directory": {PARALLEL: ActivitySpec("Write the files back.")},
        "Local::SQLite": {PARALLEL: ActivitySpec("Write the database back, and check it.")},
    },
    Operation.DELETE: {
        "Local::Application": {},
        "Local::Directory": {PARALLEL: ActivitySpec("Delete the files from the bank.")},
        "Local::SQLite": {PARALLEL: ActivitySpec("Delete the database from the bank.")},
    },
    Operation.VERIFY: {
        "Local::Application": {},
        "Local::Directory": {PARALLEL: ActivitySpec("Read the files back.")},
        "Local::SQLite": {PARALLEL: ActivitySpec("Read the database back, and check it.")},
    },
}


def shop_graph() -> ResourceGraph:
    """An application, with a directory and a database below it."""
    shop = Resource("Local::Application", "shop", "The shop")
    files = Resource("Local::Directory", "shop-files", "Pictures & invoices")
    database = Resource("Local::SQLite", "shop-db", "vm {{ 7*7 }}")
    return canonical([shop, files, database], [(shop.key, files.key), (shop.key, database.key)])


def shop_request(operation: Operation) -> Request:
    """What the command line would make of the shop's plan or checkpoint."""
    graph = shop_graph()
    parameters = {"follow_links": False, "exclude": ["*.tmp", "cache/"]}
    if operation is Operation.PROTECT:
        checkpoint, source = "", Source("plan", "plan.yaml", "4f1c" * 16)
        command = "embank compile protect plan.yaml --resources resources.yaml -o shop.yaml --check"
    else:
        checkpoint, source = CHECKPOINT, Source("checkpoint", CHECKPOINT, "77aa" * 16)
        command = f"embank compile {operation} --provider local --checkpoint {CHECKPOINT} -o shop.yaml --check"
    return Request(
        operation=operation,
        plan="nightly-shop",
        provider_id="2e0c8826-81d6-44f5-bbe5-8f46a98c5845",
        provider_name="local",
        bank="embank-filesystem-bank-plugin",
        graph=graph,
        types={},
        parameters={item.key: parameters for item in graph.resources if item.type == "Local::Directory"},
        policies={"Local::Application": Policy(retry_count=2, retry_delay=5, timeout=30)},
        checkpoint=checkpoint,
        sources=(
            source,
            Source("provider", "local", "90ab" * 16),
            Source("plugin", "embank-example-plugin", "c0de" * 16, "0.1.0"),
        ),
        command=command,
    )


def never(phase: Phase, resource: Resource, parents: Sequence[Resource]) -> None:
    """Aggregate nothing."""


@pytest.fixture
def compiled() -> Compile:
    """`compiled(Operation.PROTECT)`: the shop's workflow; other fields of the request by keyword."""

    def compile_shop(operation: Operation, *, aggregate: Aggregate = never, **fields: object) -> Workflow:
        types = {
            name: TypeSpec("embank-example-plugin", activities, aggregate)
            for name, activities in ACTIVITIES[operation].items()
        }
        checked = compile_workflow(replace(shop_request(operation), types=types, **fields))
        assert checked.value is not None, checked.diagnostics
        return checked.value

    return compile_shop


# fmt: off
NASTY = (
    "it's", 'say "hi"', "a\nb", "a\r\nb", "a\n", "\n# x", "\n  tasks: {}", "\ta", "a\t", " a", "a ", " ", "a  b",
    "\0", "\x07\x1b[31m", "\x7f", "\x85", "\xa0", "\u2028", "\u2029", "\ufeff", "\ufffe", "\uffff", "\ue000",
    "\u200f\u202eevil", "\u2066x", "\U000e0001", "\U0001f418", "👨\u200d👩", "é", "日本",
    "<% $.run %>", "<% 1 %> and <% 2 %>", "<%", "%>", "{{ 7*7 }}", "{% raw %}", "{# x #}", "{{ x }}\n<% x %>",
    '<% "vm" %>', '<% "a\\u007b" %>', "\\u007b", "$.x", "{", "}", "[", "]", "{a: b}", "[a, b]", ",", "a, b",
    ": ", "a: b", "a:", ":a", "a #b", "#a", "- ", "- a", "-", "? a", "?", "&a", "*a", "!x", "!!str x", "|", ">",
    "%YAML", "@a", "`a", "on", "Yes", "NO", "null", "NULL", "~", "true", "y", "n", "=", "<<", "---", "...", "--- a",
    "1e3", "1E3", "0x1", "0o17", "017", "1_000", "12:30:45", "1.5", ".5", ".inf", "-.Inf", ".nan", "+1", "-1",
    "2024-01-01", "2024-01-01 10:00:00", "_", "/srv/x", "Local::X", "a::b:c",
    "x" * 5000, "x" * 5000 + "\n", "é" * 1500,
)
# fmt: on


@pytest.fixture
def nasty() -> list[str]:
    """Strings that mean something to YAML, to YAQL, to Jinja, to terminals or to editors."""
    return list(NASTY)
