"""`pytest --times=FILE`: how long each test took, with what was made for it; the longest first."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest


class Times:
    """Listens where all results come together: with xdist, in the process that distributes the tests."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        longest = sorted(self.seconds.items(), key=lambda each: -each[1])
        self.file.write_text(json.dumps([[test, round(seconds, 3)] for test, seconds in longest], indent=0))


def add_option(parser: pytest.Parser) -> None:
    parser.addoption("--times", type=Path, metavar="FILE", help="write down how long each test took")


def listen(config: pytest.Config) -> None:
    file = config.getoption("--times")
    if file and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Times(file))
