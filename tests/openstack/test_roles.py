"""The roles that docs/openstack.md names are enough, and no less is. (All other tests have `member` and no more.)"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from embank.conformance.driver import Driver, Subject, filesystem_bank
from embank.plugins import Operation, ProtectionPlugin, Resource
from embank_plugins.openstack import IMAGE, NETWORK, PROJECT, SERVER, VOLUME, OpenStackError
from embank_plugins.openstack.image.plugin import ImagePlugin
from embank_plugins.openstack.network.plugin import NetworkPlugin
from embank_plugins.openstack.project import ProjectPlugin
from embank_plugins.openstack.server.plugin import ServerPlugin
from embank_plugins.openstack.volume.snapshot import VolumeSnapshotPlugin
from kit.openstack import volumes

pytestmark = pytest.mark.openstack

As = Callable[..., Driver]


@pytest.fixture
def reader(openstack_services: Any, tenant: Any) -> Iterator[dict[str, str]]:
    """Options of [openstack]: a user who is nothing but a `reader` in the tenant's project."""
    identity = openstack_services.admin.identity
    account = {"username": f"reader-{uuid.uuid4().hex[:8]}", "password": uuid.uuid4().hex}
    user = identity.create_user(name=account["username"], password=account["password"], domain_id="default")
    role = identity.find_role("reader", ignore_missing=False)
    identity.assign_project_role_to_user(tenant.project_id, user.id, role.id)
    yield account
    identity.delete_user(user)


@pytest.fixture
def driver(tenant: Any, tmp_path: Path) -> As:
    """`driver(Plugin, type, id, account)` runs the activities of a plugin as the tenant, or as that account."""

    def make(kind: type[ProtectionPlugin], type_: str, id: str, account: dict[str, str] | None = None) -> Driver:
        plugin = kind(tenant.conf(kind, openstack=account or {}))
        bank = filesystem_bank(tmp_path / kind.__name__)
        return Driver(Subject(plugin, Resource(type_, id, "r"), destroy=lambda: None, compare=lambda: None), bank)

    return make


def test_a_reader_protects_definitions_verifies_and_deletes_them(
    tenant: Any, openstack_services: Any, reader: dict[str, str], driver: As
) -> None:
    """And restores nothing; the data of an image takes more than that, too."""
    cloud, admin = tenant.connection, openstack_services.admin
    network = cloud.network.create_network(name="n")
    subnet = cloud.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.9.0.0/24")
    cloud.network.add_interface_to_router(cloud.network.create_router(name="r"), subnet.id)
    image = cloud.image.create_image("i", disk_format="raw", container_format="bare", data=b"disk" * 1000)
    flavor = admin.compute.create_flavor(name=f"tiny-{uuid.uuid4().hex[:8]}", ram=64, vcpus=1, disk=1)
    server = cloud.compute.create_server(
        name="s", flavor_id=flavor.id, image_id=image.id, networks=[{"uuid": network.id}]
    )
    cloud.compute.wait_for_server(server, interval=0.5, wait=180)
    admin.compute.delete_flavor(flavor)
    cases = (
        (ProjectPlugin, PROJECT, tenant.project_id),
        (NetworkPlugin, NETWORK, network.id),
        (ServerPlugin, SERVER, server.id),
    )
    for kind, type_, id in cases:
        work = driver(kind, type_, id, reader)
        checkpoint = work.protect()
        work.run(Operation.VERIFY, work.again(checkpoint, "verify"))
        if kind is not NetworkPlugin:  # it restores nothing where all is there
            work.erase(checkpoint)
            continue
        work.subject.parameters = {Operation.RESTORE: {"existing": "create"}}
        with pytest.raises(OpenStackError, match="has not got the role for it"):
            work.run(Operation.RESTORE, work.again(checkpoint, "restore"))
        work.close(Operation.RESTORE, work.again(checkpoint, "restore"))
        work.erase(checkpoint)
    with pytest.raises(OpenStackError, match="has not got the role for it"):
        driver(ImagePlugin, IMAGE, image.id, reader).protect()


def test_a_reader_verifies_volumes_and_changes_none(tenant: Any, reader: dict[str, str], driver: As) -> None:
    volume = volumes.new_volume(tenant)
    member, other = (driver(VolumeSnapshotPlugin, VOLUME, volume.id, account) for account in (None, reader))
    checkpoint = member.protect()
    other.run(Operation.VERIFY, other.again(checkpoint, "verify"))
    with pytest.raises(OpenStackError, match="has not got the role for it"):
        other.run(Operation.RESTORE, other.again(checkpoint, "restore"))
    with pytest.raises(OpenStackError, match="has not got the role for it"):
        other.delete(checkpoint)
    member.run(Operation.DELETE, member.again(checkpoint, "delete"))
    assert list(tenant.connection.block_storage.snapshots()) == []
