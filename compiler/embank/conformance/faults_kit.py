"""The import path that docs/plugins.md gives; what it names is in `faults/kit.py`."""

from embank.conformance.faults.kit import FaultConformance, Subject

__all__ = ["FaultConformance", "Subject"]
