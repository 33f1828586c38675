"""A project for the images of a file of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from embank.conformance.driver import filesystem_bank
from embank.plugins import Bank
from kit.openstack.cloud import Cloud
from kit.openstack.images import remove_images
from kit.openstack.projects import temporary_tenant
from kit.openstack.tenant import Tenant


@pytest.fixture(scope="module")
def tenant(openstack_services: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """One for all tests of a file: each leaves no image in it."""
    with temporary_tenant(openstack_services, tmp_path_factory.mktemp("tenant")) as tenant:
        yield tenant


@pytest.fixture(autouse=True)
def _no_images(tenant: Tenant) -> Iterator[None]:
    yield
    remove_images(tenant)


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return filesystem_bank(tmp_path / "bank")
