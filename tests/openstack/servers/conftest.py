"""A project for the servers of a file of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kit.openstack import servers
from kit.openstack.cloud import Cloud
from kit.openstack.projects import temporary_tenant
from kit.openstack.tenant import Tenant


@pytest.fixture(scope="module")
def here(openstack_services: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """For all tests of a file, with a network and an image."""
    with temporary_tenant(openstack_services, tmp_path_factory.mktemp("project")) as tenant:
        servers.prepare(tenant.connection)
        yield tenant
