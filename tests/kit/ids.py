"""Ids for the kit that plugins pass: plain, and all that is nasty at once; each nasty one alone at night."""

from __future__ import annotations

import pytest

from embank.conformance.plugin import RESOURCE_IDS

PLAIN, *NASTY = RESOURCE_IDS
IDS = (
    PLAIN,
    pytest.param("/".join(sorted(NASTY)), id="nasty"),
    *(pytest.param(each, marks=pytest.mark.nightly) for each in NASTY),
)
