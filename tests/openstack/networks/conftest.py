"""Two projects for the networks of a file of tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kit.openstack import topology
from kit.openstack.cloud import Cloud
from kit.openstack.projects import temporary_tenant
from kit.openstack.tenant import Tenant


@pytest.fixture(scope="module")
def public(openstack_services: Cloud) -> Iterator[Any]:
    with topology.external(openstack_services.admin) as network:
        yield network


@pytest.fixture(scope="module")
def projects(openstack_services: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Tenant, Tenant]]:
    """Two projects for all tests here: to make one takes longer than most of them."""
    directory = tmp_path_factory.mktemp("projects")
    with (
        temporary_tenant(openstack_services, directory) as one,
        temporary_tenant(openstack_services, directory) as two,
    ):
        yield one, two


@pytest.fixture
def here(projects: tuple[Tenant, Tenant]) -> Tenant:
    topology.lose(projects[0].connection.network)
    return projects[0]


@pytest.fixture
def there(projects: tuple[Tenant, Tenant]) -> Tenant:
    topology.lose(projects[1].connection.network)
    return projects[1]
