"""Volumes protected by snapshots that stay in Cinder. The conformance kit tests most of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embank.conformance.driver import filesystem_bank
from embank_plugins.openstack.volume.snapshot import VolumeSnapshotPlugin
from kit.openstack import volumes

pytestmark = pytest.mark.openstack


def test_flags_and_metadata_of_any_name(tenant: Any, tmp_path: Path) -> None:
    """Also those that Cinder shows among the metadata although they are none."""
    storage = tenant.connection.block_storage
    metadata = {"name": "ünï", "a b": ""}
    volume = volumes.new_volume(tenant, name="", description="<% $.x %> {{ 7*7 }}", metadata=metadata)
    storage.set_volume_bootable_status(volume.id, True)
    storage.set_volume_readonly(volume.id, True)
    volume.set_image_metadata(storage, {"volume": "x", "session": "y", "hw_disk_bus": "scsi"})
    plugin = VolumeSnapshotPlugin(tenant.conf(VolumeSnapshotPlugin))
    driver = volumes.driver_of(plugin, volume, filesystem_bank(tmp_path / "bank"))
    checkpoint = driver.protect()
    wanted = volumes.about(storage.get_volume(volume.id))
    assert wanted["metadata"] == {"name": "ünï", "a b": "", "readonly": "True"}
    storage.update_volume(volume.id, name="changed since")
    restored = storage.get_volume(volumes.restore(driver, checkpoint, "restore"))
    assert volumes.about(restored) == wanted
    assert driver.delete(checkpoint) == []
