"""Embank compiles data-protection plans into reviewable workflow files, and runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> str:
        """`__version__` is what was installed (docs/releasing.md), read when it is asked for, which takes a while."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version("embank")
        except PackageNotFoundError:
            found = "0+unknown"
        globals()[name] = found
        return found
