"""A real OpenStack for the tests here that are marked `openstack`, and a Keystone project for each of them."""

from __future__ import annotations

import contextlib
import os
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# tests/services is no package: what it has is loaded by path.
SERVICES = Path(__file__).parents[1] / "services"
_tenants = runpy.run_path(str(SERVICES / "openstack_tenant.py"))
_running = runpy.run_path(str(SERVICES / "openstack_running.py"))
RUNNING = "EMBANK_TEST_OPENSTACK"  # the address of a Keystone that runs already, with an administrator of ours

MakeTenant = Callable[..., Any]


@pytest.fixture(scope="session")
def openstack_services() -> Any:
    """The cloud: `.auth_url`, `.region`, `.admin`; and when it is the tests' own `.stop(name)`, `.kill(name)`,
    `.start(name)`.
    """
    return _running["Running"](os.environ[RUNNING])


@pytest.fixture
def make_tenant(openstack_services: Any, tmp_path: Path) -> Iterator[MakeTenant]:
    """`make_tenant(roles=("member",))`: a new project with a user. Everything in it is deleted after the test."""
    with contextlib.ExitStack() as stack:

        def make(roles: tuple[str, ...] = ("member",)) -> Any:
            admin = openstack_services.admin
            tenant = _tenants["create_tenant"](admin, openstack_services.region, tmp_path, roles)
            stack.callback(_tenants["remove_tenant"], admin, tenant)
            return tenant

        yield make


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> Any:
    """A new project: `.connection`, `.project_id`, `.project_name`, `.user_name`, `.password`, `.auth_url`,
    `.section` (text for a provider's file), `.conf(*classes, **sections)`.
    """
    return make_tenant()
