"""Where Mistral is installed (tests/services/mistral-environment.sh)."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PYTHON = ROOT / ".venv-mistral" / "bin" / "python"
PROGRAMS = ROOT / "tests" / "services"  # for that Python


def need_mistral() -> None:
    """Fail in one line when it is not installed."""
    if not PYTHON.exists():
        pytest.fail("there is no Mistral: run `make services`", pytrace=False)
