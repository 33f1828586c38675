"""A real OpenStack for the tests here that are marked `openstack`, and Keystone projects for them.

All processes of a run use one cloud. Their tests run at the same time, in projects of their own; who stops services
of the cloud is `alone`. Who is to share fixtures is an `xdist_group`, and those that take longest begin first.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.http_proxy import Proxy
from kit.mistral.server import Account, Server, start_mistral
from kit.openstack.cloud import Cloud, CloudFailed, shared_cloud
from kit.openstack.projects import temporary_tenant
from kit.openstack.tenant import Tenant
from kit.openstack.turns import turn

RUNNING = "EMBANK_TEST_OPENSTACK"  # a variable: the URL of a Keystone that runs already, with our administrator
ERRORS = 40  # of the services' logs, in the report of a test that failed

# Files by what their tests take, the longest first: what is begun last should be short.
ORDER = (
    "test_three_tier.py", "test_faults.py", "servers/test_restored.py", "test_volume_conformance.py",
    "test_mistral.py", "networks/test_conformance.py", "servers/test_conformance.py", "servers/test_trouble.py",
    "test_volume_backup.py", "networks/test_restored.py", "networks/test_given_up.py",
    "images/test_conformance.py", "test_project.py", "test_volume_chain.py", "servers/test_command_line.py",
    "servers/test_held.py", "test_volume_handover.py",
)  # fmt: skip

MakeTenant = Callable[..., Tenant]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that all processes of this run share."""
    return shared_by_all(tmp_path_factory)


def shared_by_all(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def openstack_services(shared: Path) -> Iterator[Cloud]:
    """The cloud."""
    if running := os.environ.get(RUNNING):
        yield Cloud(running)
        return
    with contextlib.ExitStack() as stack:
        try:
            cloud = stack.enter_context(shared_cloud(shared))
        except CloudFailed as error:
            pytest.fail(str(error), pytrace=False)
        yield cloud


@pytest.fixture
def make_tenant(openstack_services: Cloud, tmp_path: Path) -> Iterator[MakeTenant]:
    """`make_tenant(roles=("member",))`: a new project with a user. Everything in it is deleted after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **roles: stack.enter_context(temporary_tenant(openstack_services, tmp_path, **roles))


@pytest.fixture
def tenant(make_tenant: MakeTenant) -> Tenant:
    """A new project."""
    return make_tenant()


@pytest.fixture(scope="module")
def flavor(openstack_services: Cloud) -> Iterator[Any]:
    """Of the smallest server; administrators make them."""
    compute = openstack_services.admin.compute
    flavor = compute.create_flavor(name=f"tiny-{uuid.uuid4().hex[:8]}", ram=64, vcpus=1, disk=1)
    yield flavor
    compute.delete_flavor(flavor)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """All requests of this process, and of those that it starts, go through it."""
    with Proxy() as proxy, pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in proxy.environment.items():
            monkeypatch.setenv(name, value)
        yield proxy


@pytest.fixture(scope="module")
def mistral(openstack_services: Cloud) -> Iterator[Server]:
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In that order; whoever is to be alone comes last."""
    here = Path(__file__).parent
    names = {item: item.path.relative_to(here).as_posix() for item in items if item.path.is_relative_to(here)}
    known = {name: rank for rank, name in enumerate(ORDER)}
    last = len(known) + 1

    def rank(item: pytest.Item) -> int:
        return last if item.get_closest_marker("alone") else known.get(names[item], len(known))

    ordered = iter(sorted(names, key=rank))
    items[:] = [next(ordered) if item in names else item for item in items]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[Any]:
    """A test, from its fixtures to their ends, in its turn."""
    if item.get_closest_marker("openstack") is None:
        return (yield)
    directory = shared_by_all(item.config._tmp_path_factory)
    with turn(directory, alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    report = yield
    services = getattr(item, "funcargs", {}).get("openstack_services")
    if services is not None:
        errors = services.errors()
        if report.failed and errors:
            report.sections.append(("errors in OpenStack's logs", "\n".join(errors[-ERRORS:])))
    return report
