"""The import path that docs/plugins.md gives; what it names is in `faults/scripted_plugin.py`."""

from embank.conformance.faults.scripted_plugin import ScriptedPlugin

__all__ = ["ScriptedPlugin"]
