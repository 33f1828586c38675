"""What a plugin author may import: `embank.plugins`, all that it exports, and no more than is written down."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

from embank import plugins

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "plugins.md"


def test_everything_public_is_exported_and_everything_exported_is_there() -> None:
    public = {
        name
        for name, value in vars(plugins).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert public == set(plugins.__all__)
    assert len(plugins.__all__) == len(public), "a name is exported twice"


def test_the_document_lists_exactly_what_is_exported() -> None:
    _, table = DOCUMENT.read_text().split("## All of `embank.plugins`\n")
    documented = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert sorted(documented) == sorted(plugins.__all__)
