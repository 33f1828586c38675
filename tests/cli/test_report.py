"""What a person is shown of the files that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from embank.cli.report import LONGEST, report
from embank.diagnostics import Diagnostic, Place


def shown(capsys: pytest.CaptureFixture[str], *places: Place) -> list[str]:
    """The source lines and carets, without the rest."""
    report([Diagnostic("EMB101", "not so", place) for place in places])
    return [line for line in capsys.readouterr().err.splitlines() if " | " in line]


def test_lines_of_several_files_in_any_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"a: 1\r\nb: 2\nc: \xff")
    two.write_text("d: 4\n")
    places = [Place(str(one), 3, 4), Place(str(two), 1, 1), Place(str(one), 1, 4), Place(str(one), 3, 1)]
    assert shown(capsys, *places) == [
        "  3 | c: \ufffd", "    |    ^",
        "  1 | d: 4", "    | ^",
        "  1 | a: 1", "    |    ^",
        "  3 | c: \ufffd", "    | ^",
    ]  # fmt: skip


def test_what_cannot_be_read_again_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("a: 1\n")
    gone = [Place(str(tmp_path / "missing"), 1, 1), Place(str(tmp_path), 1, 1), Place("-", 1, 1), Place("\0", 1, 1)]
    assert shown(capsys, *gone, Place(str(file)), Place(str(file), 2, 1), Place(str(file), 1, 9)) == []


def test_of_a_line_without_end_what_stands_around_the_place_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("x" * 1000 + "?" + "x" * (2 * LONGEST) + "\nnext\n")
    line, caret, *rest = shown(
        capsys, Place(str(file), 1, 1001), Place(str(file), 1, LONGEST + 2), Place(str(file), 2, 1)
    )
    assert (len(line), caret.index("^")) == (160 + len("  1 | "), line.index("?"))
    assert rest == ["  2 | next", "    | ^"]
