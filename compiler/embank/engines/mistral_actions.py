"""The class paths that entry points named until 0.1.0, and that action executions in flight still carry."""

from embank.mistral.actions import Activity, Begin, Cleanup, Complete

__all__ = ["Activity", "Begin", "Cleanup", "Complete"]
