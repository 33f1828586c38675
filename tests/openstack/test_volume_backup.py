"""Volumes protected by backups of Cinder's: made of snapshots, restored byte for byte, one built on another."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from embank.conformance.driver import filesystem_bank
from embank.model import Operation
from embank.plugins import Bank
from embank_plugins.openstack.volume_backup import VolumeBackupPlugin

pytestmark = pytest.mark.openstack
volumes = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("volumes.py"))))


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
    assert volumes.content(tenant, restored.id, len(data), tmp_path) == data
    assert driver.delete(checkpoint) == []
    assert list(storage.backups()) == []
    assert list(storage.snapshots()) == []
