"""Commands about kept executions as they are shown: pasted where Embank ran, they are about the same execution."""

from __future__ import annotations

import shlex
from pathlib import Path

STATE = Path(".embank")  # the state directory, unless somebody names another one


def command_line(words: str, execution: str = "", state: Path = STATE) -> str:
    """ "embank resume ID", with `--state-dir` when the execution is not kept where that would look by itself."""
    elsewhere = [] if state.absolute() == STATE.absolute() else ["--state-dir", str(state.absolute())]
    return shlex.join(["embank", *words.split(), *filter(None, [execution]), *elsewhere])
