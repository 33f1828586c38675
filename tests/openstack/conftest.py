"""A real OpenStack for the tests here that are marked `openstack`, and a Keystone project for each of them."""

from __future__ import annotations

import contextlib
import os
import runpy
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.mistral.server import Account, start_mistral

# tests/services is no package: what it has is loaded by path.
SERVICES = Path(__file__).parents[1] / "services"
_tenants = runpy.run_path(str(SERVICES / "openstack_tenant.py"))
_services = runpy.run_path(str(SERVICES / "openstack_service.py"))
RUNNING = "EMBANK_TEST_OPENSTACK"  # a variable: the URL of a Keystone that runs already, with our administrator
ERRORS = 40  # of the services' logs, in the report of a test that failed

MakeTenant = Callable[..., Any]


@pytest.fixture(scope="session")
def openstack_services() -> Iterator[Any]:
    """The cloud: `.auth_url`, `.region`, `.admin` (a connection), `.logs`, and `.stop(name)`, `.kill(name)`,
    `.start(name)` of one of its services, which are in openstack_processes.py.
    """
    if running := os.environ.get(RUNNING):
        yield _services["Running"](running)
        return
    with contextlib.ExitStack() as stack:
        try:
            services = stack.enter_context(_services["start_openstack"]())
        except (_services["Unusable"], _services["NotStarted"]) as error:
            pytest.fail(str(error), pytrace=False)
        yield services


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


@pytest.fixture(scope="module")
def mistral(openstack_services: Any) -> Iterator[Any]:
    """A Mistral, with an account of its own and its address in the catalogue."""
    admin = openstack_services.admin
    identity = admin.identity
    name, password = f"mistral-{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    user = identity.create_user(name=name, password=password, domain_id="default")
    project = identity.find_project("service")
    identity.assign_project_role_to_user(project.id, user.id, identity.find_role("admin").id)
    account = Account(openstack_services.auth_url, name, password, "service", lambda: str(admin.auth_token))
    with start_mistral(account) as server:
        service = identity.create_service(name=name, type="workflowv2")
        for interface in ("public", "internal"):
            where = {"url": server.url, "region_id": openstack_services.region, "interface": interface}
            identity.create_endpoint(service_id=service.id, **where)
        yield server
        identity.delete_service(service)
    identity.delete_user(user)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    services = getattr(item, "funcargs", {}).get("openstack_services")
    if services is not None:
        errors = services.errors()
        if report.failed and errors:
            report.sections.append(("errors in OpenStack's logs", "\n".join(errors[-ERRORS:])))
    return report
