"""A workflow in small."""

from __future__ import annotations

import pytest

from embank.document import Document
from embank.inputs.workflow import parse_workflow
from kit.engine import SHOP


@pytest.fixture
def shop() -> Document:
    """SHOP, read."""
    document = parse_workflow(SHOP, "shop.yaml").value
    assert document is not None
    return document
