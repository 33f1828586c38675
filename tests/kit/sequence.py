"""In which sequence tests run: the longest first, lest one worker is busy with them at the end while others idle; or,
with `--shuffle=SEED`, one that nobody thought of.
"""

from __future__ import annotations

from random import Random

import pytest

LONGEST = (
    "tests/journal/test_kill_points.py",
    "tests/local/test_documents.py",
    "tests/local/test_conformance.py",
    "tests/examples/test_quickstart.py",
    "tests/conformance/test_documented.py",
    "tests/conformance/test_builtins_under_faults.py",
    "tests/conformance/test_foreign_errors.py",
    "tests/cli/cancel/",
    "tests/cli/",
    "tests/banks/test_filesystem_names.py",
    "tests/outputs/test_round_trip.py",
    "tests/runner/closers/test_closers.py",
    "tests/passes/test_outline.py",
)


def add_option(parser: pytest.Parser) -> None:
    parser.addoption("--shuffle", type=int, metavar="SEED", help="run the tests in a sequence of this number")


def arrange(config: pytest.Config, items: list[pytest.Item]) -> None:
    seed = config.getoption("--shuffle")
    if seed is None:
        items.sort(key=lambda item: next((i for i, name in enumerate(LONGEST) if item.nodeid.startswith(name)), 99))
    else:
        Random(seed).shuffle(items)
