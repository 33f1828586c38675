"""The import path that docs/plugins.md gives; what it names is in `faults/memory_bank.py`."""

from embank.conformance.faults.memory_bank import MemoryBank

__all__ = ["MemoryBank"]
