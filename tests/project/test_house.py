"""The house rules besides the direction of imports: pure rooms, no circles, small files, a map in every folder."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import networkx
import pytest

from kit.source_tree import ROOT, modules, owner, reached

LONGEST = 250  # lines of a file
FULLEST = 14  # modules of a folder, but for the one that has a file per command
COMMANDS = "embank.cli.commands"
# What a room without I/O, threads, clocks and randomness may use of the standard library.
PURE = {
    *("__future__", "bisect", "collections", "copy", "dataclasses", "difflib", "enum", "functools", "hashlib"),
    *("heapq", "itertools", "math", "operator", "re", "types", "typing", "unicodedata", "uuid", "zlib"),
}
ACTING = {"open", "print", "input", "exec", "eval", "__import__", "breakpoint"}
PURE_OF_UUID = {"uuid5", "NAMESPACE_OID", "UUID"}  # the others read clocks and random numbers


def pure(room: str) -> list[str]:
    return sorted(reached([name for name in modules() if name == room or name.startswith(f"{room}.")]))


@pytest.mark.parametrize("room", ["embank.passes", "embank.conductor"])
def test_compiling_and_conducting_cannot_act(room: str) -> None:
    """Neither they nor anything that they import, down to the last module."""
    names = pure(room)
    assert len(names) > len([name for name in modules() if name.startswith(room)]), "more than the room was looked at"
    for name in names:
        module = modules()[name]
        foreign = {each for each in module.imports if not owner(each)}
        assert {each.split(".")[0] for each in foreign} <= PURE, name
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ACTING, f"{name}:{node.lineno}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "uuid":
                assert node.attr in PURE_OF_UUID, f"{name}:{node.lineno}"


def folders() -> list[str]:
    return sorted({module.folder for module in modules().values()})


@pytest.mark.parametrize("folder", folders())
def test_a_folder_has_no_circles(folder: str) -> None:
    """No module imports one that leads back to it, not even inside a function."""
    graph = networkx.DiGraph()
    inside = {name for name, module in modules().items() if module.folder == folder}
    graph.add_edges_from(
        (name, owner(each)) for name in inside for each in modules()[name].imports if owner(each) in inside - {name}
    )
    circles = [sorted(group) for group in networkx.strongly_connected_components(graph) if len(group) > 1]
    assert not circles


@pytest.mark.parametrize("path", [module.path for module in modules().values()], ids=lambda path: path.stem)
def test_a_file_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST, f"{path.relative_to(ROOT)}: has it two reasons to exist?"


def rooms(folder: str) -> list[str]:
    names = [name for name, module in modules().items() if module.folder == folder != name]
    return [name.rpartition(".")[2] for name in names if not name.endswith("__main__")]


@pytest.mark.parametrize("folder", folders())
def test_a_folder_says_what_is_in_it(folder: str) -> None:
    """Its first file has a docstring, and names its rooms if there are more than two."""
    package = modules()[folder]
    assert ast.get_docstring(package.tree), folder
    if len(rooms(folder)) > 2:
        text = package.path.read_text()
        assert [room for room in rooms(folder) if not re.search(rf"\b{room}\b", text)] == [], folder


@pytest.mark.parametrize("folder", [folder for folder in folders() if folder != COMMANDS])
def test_a_folder_is_not_full(folder: str) -> None:
    assert len(rooms(folder)) <= FULLEST
