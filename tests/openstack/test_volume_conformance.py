"""The kit for protection plugins on a real Cinder: repeated, killed and left alone, nothing is doubled or left.

Snapshots are quick, and killed at a step of each phase in every run; at many of them, and with backups, which read a
whole volume each, nightly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from embank.conformance.plugin import Subject
from embank_plugins.openstack.volume.backup import VolumeBackupPlugin
from embank_plugins.openstack.volume.snapshot import VolumeSnapshotPlugin
from kit.openstack import volumes
from kit.openstack.conformance import Killed, OnCloud
from kit.openstack.projects import temporary_tenant

pytestmark = [pytest.mark.openstack, pytest.mark.xdist_group("volume conformance")]


@pytest.fixture(scope="module")
def project(openstack_services: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One for all of these tests: no plugin changes the original."""
    with temporary_tenant(openstack_services, tmp_path_factory.mktemp("project")) as made:
        yield made


@pytest.fixture(scope="module")
def original(project: Any) -> Any:
    return volumes.new_volume(project, name="original", metadata={"a": "b"})


class Kept:
    """A volume that is lost or not: restored ones take its place, and it stays (in Cinder it has to: it may have
    snapshots).
    """

    def __init__(self, storage: Any, original: Any) -> None:
        self.storage = storage
        self.original = original
        self.lost = False

    def restored(self) -> list[Any]:
        return [volume for volume in self.storage.volumes() if volume.id != self.original.id]

    def destroy(self) -> None:
        for volume in self.restored():
            self.storage.delete_volume(volume.id)
            volumes.wait_gone(lambda volume=volume: self.storage.get_volume(volume.id))
        self.lost = True

    def compare(self) -> None:
        assert volumes.about(self.storage.get_volume(self.original.id)) == volumes.about(self.original)
        restored = self.restored()
        assert [each.status for each in restored] == ["available"] * self.lost
        assert all(volumes.about(each) == volumes.about(self.original) for each in restored)

    def assert_deleted(self) -> None:
        assert list(self.storage.snapshots()) == list(self.storage.backups()) == []


class AnyVolume:
    """As a subject, a volume, protected by the plugin `PLUGIN`."""

    PLUGIN: ClassVar[type[Any]]

    @pytest.fixture
    def subject(self, project: Any, original: Any) -> Iterator[Subject]:
        kept = Kept(project.connection.block_storage, original)
        yield Subject(
            plugin=self.PLUGIN(project.conf(self.PLUGIN)),
            resource=volumes.resource_of(original),
            destroy=kept.destroy,
            compare=kept.compare,
            assert_deleted=kept.assert_deleted,
        )
        kept.destroy()
        for backup in kept.storage.backups():
            kept.storage.delete_backup(backup.id)
        for snapshot in kept.storage.snapshots():
            kept.storage.delete_snapshot(snapshot.id)
            volumes.wait_gone(lambda snapshot=snapshot: kept.storage.get_snapshot(snapshot.id))


class TestSnapshots(AnyVolume, OnCloud):
    PLUGIN = VolumeSnapshotPlugin
    KILLED, KILLED_RESTORING = 3, 11


@pytest.mark.nightly
class TestSnapshotsKilledAtManySteps(AnyVolume, Killed):
    PLUGIN = VolumeSnapshotPlugin
    STEPS = range(1, 60, 2)


@pytest.mark.nightly
class TestBackups(AnyVolume, OnCloud):
    PLUGIN = VolumeBackupPlugin
    KILLED, KILLED_RESTORING = 9, 14


@pytest.mark.nightly
class TestBackupsKilledAtManySteps(AnyVolume, Killed):
    PLUGIN = VolumeBackupPlugin
    STEPS = (2, 9, 14)
