"""`embank discover` on the command line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Embank = Callable[..., subprocess.CompletedProcess[str]]
SQLITE = "plugin = karbor.protections.embank-sqlite-protection-plugin\n"


def test_a_dependent_that_no_plugin_protects_is_listed_and_cannot_be_compiled(shop: Path, embank: Embank) -> None:
    """What is silently left out is silently unprotected (docs/field-notes.md, 2)."""
    conf = shop / "providers.d" / "quickstart.conf"
    conf.write_text(conf.read_text().replace(SQLITE, ""))
    done = embank("discover", "--provider", "quickstart", "-o", "resources.yaml")
    assert done.returncode == 0, done.stderr
    assert "{type: Local::SQLite, id: shop-orders}" in (shop / "resources.yaml").read_text()
    done = embank("compile", "protect", "plan.yaml", "--resources", "resources.yaml")
    assert done.returncode == 1
    assert "no plugin for the type 'Local::SQLite'" in done.stderr


def test_a_dependent_that_is_configured_nowhere_is_an_error(shop: Path, embank: Embank) -> None:
    conf = shop / "providers.d" / "quickstart.conf"
    text = conf.read_text().replace(SQLITE, "")
    conf.write_text(text[: text.index("[local_sqlite]")])
    done = embank("discover", "--provider", "quickstart")
    assert done.returncode == 1
    assert "quickstart.conf:17" in done.stderr
    assert "Local::SQLite#shop-orders" in done.stderr
