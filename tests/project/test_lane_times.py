"""What `make test` says at its end, and with which code it ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kit import lanes
from kit.lanes import Lane, report

MAKEFILE = """
good:
\tmkdir -p build/times
\techo '[["tests/a.py::test_slow", 2.5], ["tests/a.py::test_fast", 0.5]]' > build/times/good.json
bad:
\texit 3
late:
\ttouch late
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Makefile").write_text(MAKEFILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_lane_has_a_line_with_its_slowest_tests(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert lanes.main("make", "good") == 0
    said = capfd.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"good took \d\.\d min, 2 tests: a.py::test_slow 2.5 s; a.py::test_fast 0.5 s", said)


def test_the_first_lane_that_fails_is_the_last_and_gives_its_code(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert lanes.main("make", "good", "bad", "late") == 2, "make's own code"
    said = capfd.readouterr().out.splitlines()[-2:]
    assert [line.split(" took")[0] for line in said] == ["good", "bad"]
    assert " min and failed (2)" in said[1]
    assert not (place / "late").exists()


def test_times_of_an_earlier_run_are_not_shown(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (place / "build" / "times").mkdir(parents=True)
    (place / "build" / "times" / "bad.json").write_text('[["tests/old.py::test", 9.0]]')
    lanes.main("make", "bad")
    assert "old.py" not in capfd.readouterr().out


def test_no_more_than_ten_tests_are_named() -> None:
    (line,) = report([Lane("fast", 1, 0, tuple((f"tests/t{n}.py", 1.0) for n in range(11)))])
    assert "t9.py" in line
    assert "t10.py" not in line


def test_a_run_that_is_too_long_says_so() -> None:
    assert report([Lane("a", 20, 0, ()), Lane("b", 21, 0, ())])[-1].startswith("WARNING: 41 min in all")
    assert not any("WARNING" in line for line in report([Lane("a", 20, 0, ()), Lane("b", 20, 0, ())]))


def test_the_makefile_gives_the_file_in_one_word() -> None:
    """Else pytest, which knows our options only from our conftest.py, takes a file that is there for the tests."""
    makefile = (Path(__file__).resolve().parents[2] / "Makefile").read_text()
    assert "--times=build/times/" in makefile
    assert not re.search(r"--(times|shuffle) ", makefile)


def test_every_test_leaves_its_time(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "from kit import times\n"
        "def pytest_addoption(parser): times.add_option(parser)\n"
        "def pytest_configure(config): times.listen(config)\n"
    )
    (tmp_path / "test_it.py").write_text(
        "import time\ndef test_short(): pass\ndef test_long(): time.sleep(0.2); assert False\n"
    )
    kit = str(Path(lanes.__file__).parents[1])
    command = [sys.executable, "-m", "pytest", "-q", "-o", f"pythonpath={kit}", "--times=times.json", "-n", "1"]
    for _ in range(2):  # the second time over the first one's
        assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 1
    (first, seconds), (second, _) = json.loads((tmp_path / "times.json").read_text())
    assert (first, second) == ("test_it.py::test_long", "test_it.py::test_short")
    assert seconds >= 0.2
