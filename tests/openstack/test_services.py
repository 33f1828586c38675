"""The services that the other tests here use, one by one: they really do what the plugins need."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from openstack.exceptions import ForbiddenException

pytestmark = pytest.mark.openstack

PATIENCE = 120  # s
MIB = 1 << 20


def settled(get: Callable[[], Any], status: str) -> Any:
    """What `get` gives, when it has the status."""
    deadline = time.monotonic() + PATIENCE
    while (found := get()).status.lower() != status:
        assert "error" not in found.status.lower(), found
        assert time.monotonic() < deadline, found
        time.sleep(0.3)
    return found


def contents(tenant: Any, volume: Any) -> str:
    """A digest of the first MiB of a volume, as an image of it has it."""
    cloud = tenant.connection
    made = cloud.block_storage.upload_volume_to_image(volume.id, "contents", disk_format="raw", force=True)
    image = settled(lambda: cloud.image.get_image(made["image_id"]), "active")
    with cloud.image.download_image(image, stream=True) as answer:
        digest = hashlib.sha256(next(answer.iter_content(MIB))).hexdigest()
    cloud.image.delete_image(image)
    return digest


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


def test_a_server_with_a_port_and_a_volume_and_snapshots_of_that(openstack_services: Any, tenant: Any) -> None:
    """The snapshots in the middle and at either end of a chain can be deleted, and the data stay."""
    cloud, storage = tenant.connection, tenant.connection.block_storage
    data = os.urandom(MIB)
    image = cloud.image.create_image(name="disk", disk_format="raw", container_format="bare", data=data)
    volume = storage.create_volume(name="data", size=1, image_id=image.id)
    network = cloud.network.create_network(name="net")
    cloud.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.9.0.0/24")
    port = cloud.network.create_port(network_id=network.id)
    flavors = openstack_services.admin.compute
    flavor = flavors.create_flavor(name=tenant.project_name, ram=64, vcpus=1, disk=1)
    server = cloud.compute.create_server(
        name="web", flavor_id=flavor.id, image_id=image.id, networks=[{"port": port.id}]
    )
    settled(lambda: cloud.compute.get_server(server.id), "active")
    flavors.delete_flavor(flavor)
    assert settled(lambda: cloud.network.get_port(port.id), "active").device_id == server.id

    settled(lambda: storage.get_volume(volume.id), "available")
    cloud.compute.create_volume_attachment(server, volume_id=volume.id)
    settled(lambda: storage.get_volume(volume.id), "in-use")
    snapshots = []
    for number in range(4):
        snapshot = storage.create_snapshot(volume_id=volume.id, name=f"snapshot {number}", force=True)
        snapshots.append(settled(lambda made=snapshot: storage.get_snapshot(made.id), "available"))
    for snapshot in (snapshots[1], snapshots[0], snapshots[3]):
        storage.delete_snapshot(snapshot)
        storage.wait_for_delete(snapshot, interval=0.3, wait=PATIENCE)
    copy = storage.create_volume(name="copy", size=1, snapshot_id=snapshots[2].id)
    settled(lambda: storage.get_volume(copy.id), "available")
    assert contents(tenant, copy) == hashlib.sha256(data).hexdigest()
    storage.delete_snapshot(snapshots[2])
    storage.wait_for_delete(snapshots[2], interval=0.3, wait=PATIENCE)

    cloud.compute.delete_volume_attachment(server, volume.id)
    settled(lambda: storage.get_volume(volume.id), "available")
    assert contents(tenant, volume) == hashlib.sha256(data).hexdigest()


def test_cinder_backs_up_and_a_killed_backup_service_starts_again(openstack_services: Any, tenant: Any) -> None:
    storage = tenant.connection.block_storage
    volume = storage.create_volume(name="data", size=1)
    settled(lambda: storage.get_volume(volume.id), "available")
    openstack_services.kill("cinder-backup")
    openstack_services.start("cinder-backup")
    backup = storage.create_backup(volume_id=volume.id, name="backup")
    settled(lambda: storage.get_backup(backup.id), "available")
    restored = storage.restore_backup(backup.id, name="restored")
    settled(lambda: storage.get_volume(restored.volume_id), "available")
