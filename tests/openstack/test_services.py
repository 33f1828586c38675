"""The services that the other tests here use, one by one."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.openstack


def test_tenant(tenant: Any) -> None:
    assert tenant.connection.current_project_id == tenant.project_id
