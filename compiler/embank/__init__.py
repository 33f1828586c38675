"""Embank compiles data-protection plans into reviewable workflow files, and runs them."""

__version__ = "0.1.0"
