"""The house rules that imports can break: data flows one way, and plugins see only the contract."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from embank import plugins as contract

ROOT = Path(__file__).resolve().parents[2]
# Each layer imports only from itself and from those behind it; last come the modules beside these folders.
LAYERS = [
    *(
        "cli",
        "engines",
        "mistral",
        "conformance",
        "rehearsal",
        "runner",
        "journal",
        "reporting",
        "actions",
        "conductor",
    ),
    *("review", "passes", "inputs", "checkpoint", "outputs", "plugins"),
]


def modules() -> list[Path]:
    return sorted((ROOT / "compiler" / "embank").rglob("*.py"))


def imported(path: Path, package: str) -> Iterator[str]:
    """Every module of `package` that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides the layer"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == package)


def layer(parts: list[str]) -> str:
    return parts[1] if len(parts) > 1 and parts[1] in LAYERS else "base"


def rank(name: str) -> int:
    return LAYERS.index(name) if name in LAYERS else len(LAYERS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT / "compiler")))
def test_a_layer_imports_only_from_below(path: Path) -> None:
    own = layer(list(path.relative_to(ROOT / "compiler").with_suffix("").parts))
    if path.name == "__main__.py":
        return
    above = [name for name in imported(path, "embank") if rank(layer(name.split("."))) < rank(own)]
    assert not above, f"{own} must not import {above}"
    assert not list(imported(path, "embank_plugins")), "Embank finds plugins by entry points, never by import"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "plugins").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT / "plugins"))
)
def test_built_in_plugins_use_what_a_third_party_may(path: Path) -> None:
    allowed = {f"embank.plugins.{name}" for name in contract.__all__}
    assert set(imported(path, "embank")) <= allowed, "all that a plugin imports of Embank is in embank.plugins"


def test_the_layers_are_those_of_the_tree() -> None:
    folders = {path.name for path in (ROOT / "compiler" / "embank").iterdir() if path.is_dir()} - {"__pycache__"}
    assert folders <= set(LAYERS), "a new folder needs its place in LAYERS"


def test_the_map_of_the_house_has_the_layers_in_their_order() -> None:
    map_, _, _ = (ROOT / "docs" / "house.md").read_text().partition("plugins/embank_plugins/")
    rooms = re.findall(r"^ {6}(\w+)/ ", map_, flags=re.MULTILINE)
    assert rooms == LAYERS
