"""The services that the other tests here use, one by one: they really do what the plugins need."""

from __future__ import annotations

import hashlib
import os
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from openstack.exceptions import ForbiddenException

from kit.openstack import volumes

pytestmark = pytest.mark.openstack

MIB = 1 << 20
# tests/ is no package: what other tests share is loaded by path.
settled = volumes.settled


def test_a_project_of_its_own(openstack_services: Any, tenant: Any, make_tenant: Any) -> None:
    other = make_tenant(roles=("reader",))
    assert tenant.connection.current_project_id == tenant.project_id != other.project_id
    tenant.connection.object_store.create_container("box")
    with pytest.raises(ForbiddenException):
        other.connection.object_store.create_container("box")
    assert openstack_services.admin.identity.get_project(tenant.project_id).name == tenant.project_name


def test_swift_does_not_overwrite_when_asked_not_to(tenant: Any) -> None:
    store = tenant.connection.object_store
    store.create_container("box")
    url = f"{store.get_endpoint()}/box/a%20b"
    only_new = {"If-None-Match": "*"}
    assert store.put(url, data=b"first", headers=only_new).status_code == 201
    assert store.put(url, data=b"second", headers=only_new, raise_exc=False).status_code == 412
    assert store.get(url).content == b"first"


def test_glance_gives_back_what_it_got(tenant: Any) -> None:
    image = tenant.connection.image
    data = os.urandom(3 * MIB)
    made = image.create_image(name="disk", disk_format="raw", container_format="bare", data=data)
    found = settled(lambda: image.get_image(made.id), "active")
    assert (found.hash_algo, found.hash_value) == ("sha512", hashlib.sha512(data).hexdigest())
    assert image.download_image(found).content == data


def test_a_server_with_a_port_and_a_volume_and_snapshots_of_that(
    openstack_services: Any, tenant: Any, tmp_path: Path
) -> None:
    """The newest, the oldest and the last snapshot of a volume in use are deleted; the data stay."""
    cloud, storage = tenant.connection, tenant.connection.block_storage
    data = os.urandom(MIB)
    volume = volumes.volume_with(tenant, data)
    network = cloud.network.create_network(name="net")
    cloud.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.9.0.0/24")
    port = cloud.network.create_port(network_id=network.id)
    (image,) = cloud.image.images(owner=tenant.project_id)
    flavors = openstack_services.admin.compute
    flavor = flavors.create_flavor(name=tenant.project_name, ram=64, vcpus=1, disk=1)
    server = cloud.compute.create_server(
        name="web", flavor_id=flavor.id, image_id=image.id, networks=[{"port": port.id}]
    )
    settled(lambda: cloud.compute.get_server(server.id), "ACTIVE")
    flavors.delete_flavor(flavor)
    assert settled(lambda: cloud.network.get_port(port.id), "ACTIVE").device_id == server.id

    cloud.compute.create_volume_attachment(server, volume_id=volume.id)
    settled(lambda: storage.get_volume(volume.id), "in-use")
    snapshots = []
    for number in range(3):
        made = storage.create_snapshot(volume_id=volume.id, name=f"snapshot {number}", force=True)
        snapshots.append(settled(lambda id=made.id: storage.get_snapshot(id), "available"))
    for number in (2, 0):
        storage.delete_snapshot(snapshots[number])
        storage.wait_for_delete(snapshots[number], interval=0.3, wait=volumes.PATIENCE)
    copy = volumes.new_volume(tenant, snapshot_id=snapshots[1].id)
    assert volumes.content(tenant.connection, copy.id, MIB, tmp_path) == data
    storage.delete_snapshot(snapshots[1])
    storage.wait_for_delete(snapshots[1], interval=0.3, wait=volumes.PATIENCE)

    cloud.compute.delete_volume_attachment(server, volume.id)
    settled(lambda: storage.get_volume(volume.id), "available")
    assert volumes.content(tenant.connection, volume.id, MIB, tmp_path) == data


@pytest.mark.nightly
@pytest.mark.alone
def test_a_killed_service_works_when_it_is_started_again(openstack_services: Any, tenant: Any) -> None:
    storage = tenant.connection.block_storage
    volume = volumes.new_volume(tenant)
    openstack_services.kill("cinder-backup", "swift-proxy")
    with pytest.raises(URLError):
        urllib.request.urlopen(tenant.connection.object_store.get_endpoint())
    openstack_services.start("cinder-backup", "swift-proxy")
    backup = storage.create_backup(volume_id=volume.id, name="backup")
    settled(lambda: storage.get_backup(backup.id), "available")
