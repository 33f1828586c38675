"""What takes long to make is made once, and is then as new for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path


class Prepared:
    """A directory with something in it. It is always put back in the same place, so that paths in files stay true."""

    def __init__(self, home: Path, make: Callable[[Path], None]) -> None:
        self._work, self._kept, self._make = home / "work", home / "kept", make

    def as_new(self) -> Path:
        if self._kept.exists():
            shutil.rmtree(self._work)
            shutil.copytree(self._kept, self._work, symlinks=True)
        else:
            self._work.mkdir()
            self._make(self._work)
            shutil.copytree(self._work, self._kept, symlinks=True)
        return self._work
