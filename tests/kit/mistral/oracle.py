"""Mistral's parser, in a process that stays."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from typing import Any

from kit.mistral.environment import PROGRAMS, PYTHON, need_mistral


class Oracle:
    """`ask(text)`: what it makes of a workflow file (tests/services/mistral_oracle.py)."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in, self._out = process.stdin, process.stdout

    def ask(self, text: str) -> Any:
        """{"refused": reason}, or {"workflows": {name: {"vars": values, "tasks": {name: input}}}}."""
        self._in.write(json.dumps(text) + "\n")
        self._in.flush()
        return json.loads(self._out.readline())


@contextlib.contextmanager
def start_oracle() -> Iterator[Oracle]:
    """The parser, until the end of the block. Fails in one line when Mistral is not installed."""
    need_mistral()
    # Its end of stdin is its end; it also ends when this process is killed.
    with subprocess.Popen(
        [PYTHON, PROGRAMS / "mistral_oracle.py"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        yield Oracle(process)
