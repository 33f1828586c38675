"""The source tree as tests of the house see it: modules by name, and what each imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {"embank": ROOT / "compiler", "embank_plugins": ROOT / "plugins"}


@dataclass(frozen=True)
class Module:
    """`imports` are dotted names as far as the file gives them; those that only type checkers see are left out."""

    name: str
    path: Path
    tree: ast.Module
    imports: tuple[str, ...]

    @property
    def folder(self) -> str:
        """The package that the module stands in; of a package itself, its own name."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]


@cache
def modules() -> Mapping[str, Module]:
    """Every module of both import packages, by its dotted name."""
    found = {}
    for package, root in SOURCES.items():
        for path in sorted((root / package).rglob("*.py")):
            name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
            tree = ast.parse(path.read_text())
            found[name] = Module(name, path, tree, tuple(_imports(tree, path)))
    return found


def owner(imported: str) -> str:
    """The module of ours that an import names, or a name in it; "" for anybody else's."""
    while imported and imported not in modules():
        imported = imported.rpartition(".")[0]
    return imported


def reached(start: Iterator[str] | list[str]) -> set[str]:
    """These modules of ours and all that they import, directly or not, wherever in a file."""
    seen: set[str] = set()
    stack = list(start)
    while stack:
        name = stack.pop()
        if name not in seen:
            seen.add(name)
            stack.extend(filter(None, map(owner, modules()[name].imports)))
    return seen


def _imports(tree: ast.Module, path: Path) -> Iterator[str]:
    unseen = {id(inner) for node in ast.walk(tree) if _for_types(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in unseen:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides where it leads"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
