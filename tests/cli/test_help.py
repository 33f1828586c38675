"""What `embank help` says."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

Embank = Callable[..., subprocess.CompletedProcess[str]]


def test_the_table_of_exit_codes_says_when_resume_refuses(embank: Embank) -> None:
    codes = dict(line.split(maxsplit=1) for line in embank("help", "exit-codes").stdout.splitlines())
    refused = "the provider's file, the cloud, a plugin or Embank is not what it was (resume --allow-stale goes on)"
    assert codes["6"] == refused
    assert "stale" in codes["2"], "a workflow file that is not up to date is a difference"
