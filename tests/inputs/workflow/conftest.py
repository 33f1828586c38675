"""The workflow of a shop, with one edit after another. What is refused is refused alone, at its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from embank.codes import CODES
from embank.diagnostics import Diagnostic
from embank.document import Document
from embank.inputs.workflow import parse_workflow

Edit = Callable[[str, str], Document]
Refuse = Callable[[str, str], Diagnostic]
Problems = Callable[[str], tuple[Diagnostic, ...]]
LineOf = Callable[[str], int]


@pytest.fixture
def shop() -> Path:
    """A small workflow file, as somebody would leave it after some editing."""
    return Path(__file__).parent / "shop.yaml"


@pytest.fixture
def edited(shop: Path) -> Edit:
    """`edited("old", "new")`: the shop's workflow with one edit, read without a complaint."""

    def read(old: str, new: str) -> Document:
        text = shop.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the file"
        checked = parse_workflow(text.replace(old, new).encode(), "shop.yaml")
        assert checked.diagnostics == ()
        assert checked.value is not None
        return checked.value

    return read


@pytest.fixture
def problems() -> Problems:
    """`problems(text)`: all that is wrong with a workflow file."""

    def check(text: str) -> tuple[Diagnostic, ...]:
        checked = parse_workflow(text.encode(), "shop.yaml")
        assert checked.value is None or not checked.diagnostics
        assert all(problem.code in CODES for problem in checked.diagnostics)
        return checked.diagnostics

    return check


@pytest.fixture
def refused(shop: Path, problems: Problems) -> Refuse:
    """`refused("old", "new")`: the one problem of the shop's workflow with one edit."""

    def edit(old: str, new: str) -> Diagnostic:
        text = shop.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the file"
        found = problems(text.replace(old, new))
        assert len(found) == 1, found
        return found[0]

    return edit


@pytest.fixture
def line_of(shop: Path) -> LineOf:
    """`line_of("text")`: the line of the only place where it stands in the shop's workflow."""

    def find(text: str) -> int:
        content = shop.read_text()
        assert content.count(text) == 1
        return content[: content.index(text)].count("\n") + 1

    return find
