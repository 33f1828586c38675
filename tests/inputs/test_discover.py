"""Discovery: every resource once, every dependent, and nothing left out without a word."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from embank.errors import ExitCode
from embank.inputs.discover import DiscoveryFailed, discover, undiscoverable
from embank.inputs.provider.find import Provider, find_provider, load_providers
from embank.model import ResourceGraph

SOURCE = '''
from oslo_config import cfg
from embank.plugins import *

class B(Bank):
    def put(self, key, chunks, *, if_absent=False): ...
    def get(self, key, *, start=0, end=None): ...
    def list(self, prefix="", *, marker="", limit=1000): return []
    def delete(self, key): ...
    def stat(self, key): ...
    def check(self): ...

class P(ProtectionPlugin):
    resource_types = ("X::Host", "X::Disk", "X::Image")

class Listed(Protectable):
    """What the tests put into ROWS (type → names) and EDGES ((type, id) → (type, id)…)."""
    @classmethod
    def options(cls):
        return {"x": [cfg.StrOpt("token", secret=True)]}
    def list_resources(self):
        asked.append(self.resource_type)
        return [self.made(id_) for id_ in ROWS.get(self.resource_type, ())]
    def list_dependents(self, parent):
        asked.append((self.resource_type, parent.id))
        for type_, id_ in EDGES.get((parent.type, parent.id), ()):
            if type_ == self.resource_type:
                yield self.made(id_)
    def made(self, id_):
        if id_ == "broken":
            raise OSError(f"no answer for {self.conf.x.token}")
        if id_ == "wrong":
            return Resource("X::Other", id_, id_)
        if id_ == "nothing":
            return None
        if id_ == "surrogate":
            return Resource(self.resource_type, "\\ud800", "")
        name, _, id_ = id_.rpartition("@")
        return Resource(self.resource_type, id_, name or id_)

asked = []
ROWS = {}
EDGES = {}

class Host(Listed):
    resource_type = "X::Host"
    parent_types = ("X::Host",)

class Disk(Listed):
    resource_type = "X::Disk"
    parent_types = ("X::Host", "X::Disk")
'''


@pytest.fixture
def world(install: Callable[..., Path], directory: Callable[..., Path]) -> Callable[..., Provider]:
    """`world({"X::Host": ["h"]}, {("X::Host", "h"): [("X::Disk", "d")]})`: a provider that discovers this."""
    entries = {
        "karbor.protections": {"x-bank": "xworld:B", "x-plugin": "xworld:P"},
        "karbor.protectables": {"X::Host": "xworld:Host", "X::Disk": "xworld:Disk"},
    }
    install("xworld", entries, xworld=SOURCE)
    where = directory(
        x="[provider]\nname = x\nid = x\nbank = karbor.protections.x-bank\nplugin = karbor.protections.x-plugin\n"
        "[x]\ntoken = hunter2\n"
    )

    def make(
        rows: Mapping[str, list[str]], edges: Mapping[tuple[str, str], list[tuple[str, str]]] | None = None
    ) -> Provider:
        found = find_provider(load_providers(str(where)).value or (), "x")
        assert found.value, found.diagnostics
        module = sys.modules["xworld"]
        module.__dict__.update(ROWS=rows, EDGES=edges or {})
        return found.value

    return make


def edges_of(graph: ResourceGraph) -> set[tuple[str, str]]:
    return {
        (graph.resources[node].id, graph.resources[below].id)
        for node, group in enumerate(graph.dependents)
        for below in group
    }


def test_resources_and_dependents_of_all_types_are_found_once(world: Callable[..., Provider]) -> None:
    disk = ("X::Disk", "The disk@d1")
    edges = {
        ("X::Host", "h1"): [disk, ("X::Host", "h2")],
        ("X::Host", "h2"): [disk, ("X::Disk", "d2")],
        ("X::Disk", "d2"): [("X::Disk", "hidden")],
    }
    provider = world({"X::Host": ["h1", "h2", "h3"], "X::Disk": ["The disk@d1"]}, edges)
    graph = discover(provider)
    assert {resource.id for resource in graph.resources} == {"h1", "h2", "h3", "d1", "d2", "hidden"}
    assert edges_of(graph) == {("h1", "d1"), ("h1", "h2"), ("h2", "d1"), ("h2", "d2"), ("d2", "hidden")}
    assert {resource.name for resource in graph.resources if resource.id == "d1"} == {"The disk"}
    asked = sys.modules["xworld"].asked
    assert len(asked) == len(set(asked)), "every listing is asked for once"
    assert undiscoverable(provider) == ("X::Image",)


def test_a_long_chain_is_followed_without_recursion(world: Callable[..., Provider]) -> None:
    edges = {("X::Disk", f"d{n}"): [("X::Disk", f"d{n + 1}")] for n in range(3000)}
    graph = discover(world({"X::Disk": ["d0"]}, edges))
    assert len(graph.resources) == 3001


@pytest.mark.parametrize(
    ("rows", "edges", "message"),
    [
        ({"X::Host": ["broken"]}, {}, "listing X::Host failed: OSError: no answer for ***"),
        (
            {"X::Host": ["h"]}, {("X::Host", "h"): [("X::Disk", "d"), ("X::Disk", "broken")]},
            "listing X::Disk under 'X::Host#h' failed: OSError: no answer for ***",
        ),
        (
            {"X::Host": ["wrong"]}, {},
            "listing X::Host gave a resource of the type 'X::Other': this is a mistake in Host",
        ),
        (
            {"X::Host": ["nothing"]}, {},
            "listing X::Host gave NoneType instead of a Resource: this is a mistake in Host",
        ),
        (
            {"X::Host": ["surrogate"]}, {},
            "listing X::Host gave a resource whose id or name is not text: '\\ud800', '': this is a mistake in Host",
        ),
        (
            {"X::Host": ["a@h", "b@h"]}, {},
            "'X::Host#h' was listed under two names, 'a' and 'b': was it renamed just now? Then try again",
        ),
        (
            {"X::Host": ["h1"]},
            {("X::Host", "h1"): [("X::Host", "h2")], ("X::Host", "h2"): [("X::Host", "h3")],
             ("X::Host", "h3"): [("X::Host", "h2")]},
            "resources are dependents of each other in a cycle: 'X::Host#h2' → 'X::Host#h3' → 'X::Host#h2'",
        ),
        (
            {"X::Host": ["h1"]}, {("X::Host", "h1"): [("X::Host", "h1")]},
            "resources are dependents of each other in a cycle: 'X::Host#h1' → 'X::Host#h1'",
        ),
    ],
)  # fmt: skip
def test_what_is_not_known_for_certain_is_an_error(
    world: Callable[..., Provider],
    rows: dict[str, list[str]],
    edges: dict[tuple[str, str], list[tuple[str, str]]],
    message: str,
) -> None:
    with pytest.raises(DiscoveryFailed) as failure:
        discover(world(rows, edges))
    assert str(failure.value) == message
    assert failure.value.exit_code is ExitCode.PROBLEMS


def test_a_provider_without_protectables_says_so(acme: None, directory: Callable[..., Path]) -> None:
    where = directory(
        a="[provider]\nname = a\nid = a\nbank = karbor.protections.acme-memory-bank-plugin\n"
        "plugin = karbor.protections.acme-parts-protection-plugin\n[acme_parts]\nroot = /\n"
    )
    provider = find_provider(load_providers(str(where)).value or (), "a").value
    assert provider
    with pytest.raises(DiscoveryFailed, match="has no protectable"):
        discover(provider)
