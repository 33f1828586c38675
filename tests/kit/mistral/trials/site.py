"""The trials' plugin, installed as pip would do it, in a directory for PYTHONPATH."""

from __future__ import annotations

import shutil
from pathlib import Path

from kit.mistral.trials.trial import IMPLEMENTED

PLUGIN = Path(__file__).parent / "trial_plugin.py"
NAMES = {name: f"trial-{name.lower()}" for name in IMPLEMENTED}


def install_plugin(site: Path) -> None:
    """Make the directory."""
    information = site / "trial_plugin-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: trial-plugin\nVersion: 1.0\n")
    entries = "".join(f"{entry} = trial_plugin:{name}\n" for name, entry in NAMES.items())
    (information / "entry_points.txt").write_text(f"[karbor.protections]\n{entries}")
    shutil.copy(PLUGIN, site)
