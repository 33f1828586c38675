"""Volumes protected by backups of Cinder's: made of snapshots, restored byte for byte, one built on another."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from embank.checkpoint.checkpoint import Checkpoint
from embank.checkpoint.records.status import Status
from embank.conformance.driver import Driver, filesystem_bank
from embank.model import Operation
from embank.plugins import Bank
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.volume.backup import VolumeBackupPlugin
from kit.openstack import volumes

pytestmark = pytest.mark.openstack


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return filesystem_bank(tmp_path / "bank")


def test_a_volume_comes_back_byte_for_byte(tenant: Any, bank: Bank, tmp_path: Path) -> None:
    """As a new volume when the original is lost, with all that it was; nothing else is left in Cinder."""
    storage, data = tenant.connection.block_storage, volumes.random_data()
    volume = volumes.volume_with(tenant, data, name="Daten „1“", description="d", metadata={"a": "b"})
    driver = volumes.driver_of(VolumeBackupPlugin(tenant.conf(VolumeBackupPlugin)), volume, bank)
    checkpoint = driver.protect()
    saved = checkpoint.section(driver.subject.resource).load()
    assert list(storage.snapshots()) == []
    assert [each.id for each in storage.backups()] == [saved["backup"]["id"]]
    assert saved["backup"]["parents"] == []
    driver.run(Operation.VERIFY, driver.again(checkpoint, "verify"))
    storage.delete_volume(volume.id)
    restored = storage.get_volume(volumes.restore(driver, checkpoint, "restore"))
    assert restored.status == "available"
    assert volumes.about(restored) == volumes.about(volume)
    assert volumes.content(tenant.connection, restored.id, len(data), tmp_path) == data
    assert driver.delete(checkpoint) == []
    assert list(storage.backups()) == []
    assert list(storage.snapshots()) == []


def test_an_attached_volume_and_its_increments(flavor: Any, make_tenant: Any, bank: Bank, tmp_path: Path) -> None:
    """A full backup while a server has it, one that is built on that, which is restored onto the original later."""
    tenant = make_tenant()
    storage, compute, data = tenant.connection.block_storage, tenant.connection.compute, volumes.random_data()
    volume = volumes.volume_with(tenant, data, name="data")
    (image,) = tenant.connection.image.images(name="source")
    server = compute.create_server(name="s", flavor_id=flavor.id, image_id=image.id, networks="none")
    compute.wait_for_server(server, interval=0.5, wait=180)
    compute.create_volume_attachment(server, volume_id=volume.id)
    volumes.settled(lambda: storage.get_volume(volume.id), "in-use")

    def driver(**parameters: Any) -> Driver:
        return volumes.driver_of(VolumeBackupPlugin(tenant.conf(VolumeBackupPlugin)), volume, bank, **parameters)

    refused = driver(protect={"backup": "incremental"})
    checkpoint = refused.begin("refused")
    with pytest.raises(OpenStackError, match=r"no backup that an incremental one can be built on \(there is none\)"):
        refused.run(Operation.PROTECT, checkpoint)
    refused.close(Operation.PROTECT, checkpoint)
    first, second = driver(protect={"backup": "auto"}), driver(protect={"backup": "incremental"})
    full, above = (protected(each, name) for each, name in ((first, "full"), (second, "above")))
    (low, high) = (each.section(first.subject.resource).load() for each in (full, above))
    assert [low["backup"]["incremental"], high["backup"]["incremental"]] == [False, True]
    assert [low["backup"]["parents"], high["backup"]["parents"]] == [[], [low["backup"]["id"]]]
    assert high["volume"]["attachments"] == [{"server_id": server.id, "device": ANY}]
    first.run(Operation.VERIFY, first.again(above, "verify"))
    with pytest.raises(
        OpenStackError, match=r"Delete first, in this order: the checkpoint above; then full once more"
    ):
        first.delete(full)

    onto = driver(restore={"to": "original", "overwrite": True})
    with pytest.raises(OpenStackError, match=r"is in-use, .*: detach it from its server first"):
        onto.run(Operation.RESTORE, onto.again(above, "attached"))
    compute.delete_volume_attachment(server, volume.id)
    volumes.settled(lambda: storage.get_volume(volume.id), "available")
    storage.update_volume(volume.id, name="another name")
    assert volumes.restore(onto, above, "restore") == volume.id
    restored = storage.get_volume(volume.id)
    assert volumes.about(restored) == volumes.about(volume)
    assert volumes.content(tenant.connection, volume.id, len(data), tmp_path) == data
    assert [each.id for each in storage.volumes()] == [volume.id]
    assert second.delete(above) == []
    first.run(Operation.DELETE, first.again(full, "delete again"))
    assert list(storage.backups()) == list(storage.snapshots()) == []


def protected(driver: Driver, name: str) -> Checkpoint:
    """A completed checkpoint of this name."""
    checkpoint = driver.begin(name)
    driver.run(Operation.PROTECT, checkpoint)
    checkpoint.seal()
    checkpoint.move(Status.AVAILABLE)
    return checkpoint
