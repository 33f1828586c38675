"""What `make test` is: one lane after the other until one fails, and at the end how long each took."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LONG = 40  # minutes that nobody should have to wait
TIMES = Path("build", "times")  # where a lane leaves the times of its tests


@dataclass(frozen=True)
class Lane:
    """A target of the Makefile that was made."""

    name: str
    minutes: float
    code: int
    tests: tuple[tuple[str, float], ...]  # the longest first, in seconds


def run(make: str, name: str) -> Lane:
    file = TIMES / f"{name}.json"
    file.unlink(missing_ok=True)
    start = time.monotonic()
    code = subprocess.run([make, "--no-print-directory", name], check=False).returncode
    minutes = (time.monotonic() - start) / 60
    tests = json.loads(file.read_text()) if file.exists() else []
    return Lane(name, minutes, code, tuple((test, seconds) for test, seconds in tests))


def report(lanes: Iterable[Lane]) -> list[str]:
    """The lines for people."""
    lanes = list(lanes)
    lines = []
    for lane in lanes:
        failed = f" and failed ({lane.code})" if lane.code else ""
        slowest = "; ".join(f"{test.removeprefix('tests/')} {seconds:.1f} s" for test, seconds in lane.tests[:10])
        many = f", {len(lane.tests)} tests" if lane.tests else ""
        lines.append(f"{lane.name} took {lane.minutes:.1f} min{failed}{many}" + (f": {slowest}" if slowest else ""))
    whole = sum(lane.minutes for lane in lanes)
    if whole > LONG:
        lines.append(f"WARNING: {whole:.0f} min in all; more than {LONG} is too long to wait for")
    return lines


def main(make: str, *names: str) -> int:
    lanes: list[Lane] = []
    for name in names:
        lanes.append(run(make, name))
        if lanes[-1].code:
            break
    sys.stdout.write("".join(f"{line}\n" for line in report(lanes)))
    return lanes[-1].code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
