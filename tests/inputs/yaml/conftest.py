"""What the strict reader makes of a text, and what it says of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from embank.inputs import yaml

Problems = Callable[[str | bytes], list[str]]
Value = Callable[[str | bytes], object]


@pytest.fixture(scope="session")
def problems() -> Problems:
    """Every diagnostic as "line:column CODE message"."""

    def problems(text: str | bytes) -> list[str]:
        data = text.encode() if isinstance(text, str) else text
        found = yaml.parse(data, "f").diagnostics
        return [f"{d.place.line}:{d.place.column} {d.code} {d.message}" for d in found if d.place]

    return problems


@pytest.fixture(scope="session")
def value() -> Value:
    """What a text says that is read without a complaint."""

    def value(text: str | bytes) -> object:
        checked = yaml.parse(text.encode() if isinstance(text, str) else text, "f")
        assert not checked.diagnostics
        assert checked.value
        return checked.value.value

    return value
