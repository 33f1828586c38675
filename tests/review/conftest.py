"""The workflow of a shop, with one edit after another, as an engine would see it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from embank.codes import CODES
from embank.diagnostics import Diagnostic, Place
from embank.inputs.workflow import parse_workflow
from embank.review.engines import rules_for

SHOP = Path(__file__).parents[1] / "inputs" / "workflow" / "shop.yaml"
Found = Callable[..., list["Finding"]]


class Finding(NamedTuple):
    """A problem that an edit caused; `text` stands at its place."""

    problem: Diagnostic
    text: str


@pytest.fixture
def found() -> Found:
    """`found("old", "new")`: what Mistral's rules say of the shop's workflow with this edit, but not without it.
    Several edits: `found("old", "new", "old", "new")`.
    """

    def check(text: str) -> list[Finding]:
        assert parse_workflow(text.encode(), "shop.yaml").diagnostics == ()
        problems = parse_workflow(text.encode(), "shop.yaml", rules_for("mistral:23")).diagnostics
        assert all(problem.code in CODES for problem in problems)
        lines = text.splitlines()
        places = [problem.place or Place("nowhere") for problem in problems]
        texts = [lines[place.line - 1][place.column - 1 :] for place in places]
        return [Finding(problem, text) for problem, text in zip(problems, texts, strict=True)]

    def edit(*edits: str) -> list[Finding]:
        text = SHOP.read_text()
        known = {finding.problem.message for finding in check(text)}
        for old, new in zip(edits[::2], edits[1::2], strict=True):
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the file"
            text = text.replace(old, new)
        return [finding for finding in check(text) if finding.problem.message not in known]

    return edit
