"""Fixtures that several parts use."""
