"""The compiler (see the list below)."""
