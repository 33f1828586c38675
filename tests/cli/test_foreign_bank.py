"""A bank of somebody else's whose library lets its errors escape."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

BANK = """
    from oslo_config import cfg
    from embank.plugins import Bank

    class Away(Bank):
        @classmethod
        def options(cls):
            return {"away": [cfg.StrOpt("password", secret=True)]}

        def away(self, *given, **named):
            raise ConnectionError(f"no route to host with {self.conf.away.password}")

        put = get = list = delete = stat = away

        def check(self):
            pass
"""
PROVIDER = """
[provider]
name = away
id = 5b1f6f0e-0d1b-4d0b-9f0a-5f2a1c9a7e66
description = Nobody answers
bank = karbor.protections.away-bank-plugin
plugin = karbor.protections.embank-directory-protection-plugin
[away]
password = hunter22
"""


def test_its_error_is_said_without_its_password(
    install: Callable[..., Path], tmp_path: Path, embank: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    site = install("away", {"karbor.protections": {"away-bank-plugin": "away:Away"}}, away=BANK)
    (tmp_path / "providers.d").mkdir()
    (tmp_path / "providers.d" / "away.conf").write_text(PROVIDER)
    done = embank("checkpoint", "list", "--provider", "away", PYTHONPATH=str(site))
    assert done.returncode == 4, done.stderr
    assert "ConnectionError: no route to host" in done.stderr
    assert "hunter22" not in done.stderr
    assert "bug" not in done.stderr
