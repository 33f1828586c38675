"""The kit for protection plugins on a real Cinder: repeated, killed and left alone, nothing is doubled or left.

Snapshots are quick, and killed at two of their steps in every run; at many of them, and with backups, which read a
whole volume each, in the tests marked `large`.
"""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from embank.conformance.plugin import ProtectionPluginConformance, Subject
from embank_plugins.openstack.volume.backup import VolumeBackupPlugin
from embank_plugins.openstack.volume.snapshot import VolumeSnapshotPlugin

pytestmark = pytest.mark.openstack
HERE = Path(__file__)
volumes = SimpleNamespace(**runpy.run_path(str(HERE.with_name("volumes.py"))))
tenants = SimpleNamespace(**runpy.run_path(str(HERE.parents[1] / "services" / "openstack_tenant.py")))


@pytest.fixture(scope="module")
def project(openstack_services: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One for all of these tests: no plugin changes the original."""
    admin = openstack_services.admin
    made = tenants.create_tenant(admin, openstack_services.region, tmp_path_factory.mktemp("project"))
    yield made
    tenants.remove_tenant(admin, made)


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


class Kit(ProtectionPluginConformance):
    """As a subject: any plugin for volumes. Killed at the steps `KILLED`."""

    PLUGIN: ClassVar[type[Any]]
    KILLED: ClassVar[tuple[int, ...]]

    @pytest.fixture
    def resource_id(self, original: Any) -> str:
        return str(original.id)

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

    @pytest.fixture
    def steps(self) -> Iterator[int]:
        return iter(self.KILLED)


class TestSnapshots(Kit):
    PLUGIN = VolumeSnapshotPlugin
    KILLED = (3, 11)


@pytest.mark.large
class TestSnapshotsAtManySteps(Kit):
    PLUGIN = VolumeSnapshotPlugin
    KILLED = tuple(range(1, 60, 2))


@pytest.mark.large
class TestBackups(Kit):
    PLUGIN = VolumeBackupPlugin
    KILLED = (2, 9, 14)
