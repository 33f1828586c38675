"""What goes wrong with volumes in a real Cinder: the right word, and nothing left behind."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from embank.conformance.driver import Driver, KitContext, exhaust, filesystem_bank
from embank.model import Operation
from embank.plugins import Bank, Resource
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.volume.backup import VolumeBackupPlugin
from embank_plugins.openstack.volume.snapshot import VolumeSnapshotPlugin
from kit.openstack import volumes

pytestmark = pytest.mark.openstack

Plugin = type[VolumeBackupPlugin] | type[VolumeSnapshotPlugin]


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return filesystem_bank(tmp_path / "bank")


@pytest.fixture
def protecting(tenant: Any, bank: Bank) -> Callable[..., Driver]:
    """`protecting(volume, Plugin)` runs the activities of a plugin."""
    return lambda volume, kind=VolumeBackupPlugin, **given: volumes.driver_of(
        kind(tenant.conf(kind)), volume, bank, **given
    )


@pytest.fixture
def quota(openstack_services: Any, tenant: Any) -> Callable[..., None]:
    """`quota(snapshots=0)`: what the project may have of each."""

    def allow(**limits: int) -> None:
        openstack_services.admin.block_storage.update_quota_set(tenant.project_id, **limits)

    return allow


def ids(things: Iterator[Any]) -> list[str]:
    return [each.id for each in things]


def test_a_volume_that_was_deleted_after_discovery(tenant: Any, protecting: Callable[..., Driver]) -> None:
    storage = tenant.connection.block_storage
    volume = volumes.new_volume(tenant)
    driver = protecting(volume)
    storage.delete_volume(volume.id)
    volumes.wait_gone(lambda: storage.get_volume(volume.id))
    with pytest.raises(OpenStackError, match=rf"{volume.id} is not there .* run `embank discover`"):
        driver.run(Operation.PROTECT, driver.begin())


def test_an_id_that_is_a_path(tenant: Any, protecting: Callable[..., Driver]) -> None:
    """Ids are the tenants' words: they lead to no other part of Cinder's API."""
    driver = protecting(Resource(volumes.TYPE, "../snapshots/detail", "nasty"))
    with pytest.raises(OpenStackError, match="is no id of Cinder's"):
        driver.run(Operation.PROTECT, driver.begin())


def test_quotas(tenant: Any, protecting: Callable[..., Driver], quota: Callable[..., None]) -> None:
    """Each is named when it is used up, what was begun is taken back, and it can be tried again afterwards."""
    storage = tenant.connection.block_storage
    volume = volumes.new_volume(tenant)
    driver = protecting(volume)
    checkpoint = driver.begin()
    quota(snapshots=0)
    with pytest.raises(OpenStackError, match=r"cannot take a snapshot of .*quota of the project is used up"):
        driver.run(Operation.PROTECT, checkpoint)
    quota(snapshots=10, backups=0)
    with pytest.raises(OpenStackError, match=r"cannot back up .*quota of the project is used up"):
        driver.run(Operation.PROTECT, checkpoint)
    assert len(ids(storage.snapshots())) == 1
    driver.close(Operation.PROTECT, checkpoint)
    assert ids(storage.snapshots()) == ids(storage.backups()) == []
    snapshots = protecting(volume, VolumeSnapshotPlugin)
    taken = snapshots.checkpoints.open(checkpoint.id, checkpoint.execution)
    snapshots.run(Operation.PROTECT, taken)
    quota(volumes=1)
    with pytest.raises(OpenStackError, match=r"cannot make a volume for .*quota of the project is used up"):
        snapshots.run(Operation.RESTORE, taken)
    quota(volumes=2)
    assert storage.get_volume(volumes.restore(snapshots, taken, "again")).status == "available"


def test_what_was_deleted_behind_our_back(tenant: Any, protecting: Callable[..., Driver]) -> None:
    """A verification and a restore say so, and a deletion finds nothing left to do."""
    storage = tenant.connection.block_storage
    volume = volumes.new_volume(tenant)
    driver = protecting(volume, VolumeSnapshotPlugin)
    checkpoint = driver.protect()
    (snapshot,) = storage.snapshots()
    storage.delete_snapshot(snapshot.id)
    volumes.wait_gone(lambda: storage.get_snapshot(snapshot.id))
    for operation in (Operation.VERIFY, Operation.RESTORE):
        with pytest.raises(OpenStackError, match=rf"{snapshot.id} of .* is not there any more: somebody has deleted"):
            driver.run(operation, driver.again(checkpoint, str(operation)))
    assert driver.delete(checkpoint) == []
    assert ids(storage.volumes()) == [volume.id]


@pytest.fixture
def volume_types(openstack_services: Any) -> Iterator[Callable[[], Any]]:
    """`volume_types()` makes another one, of the same backend."""
    storage = openstack_services.admin.block_storage
    made: list[Any] = []

    def make() -> Any:
        (pool, *_) = storage.backend_pools(details=True)
        extra = {"volume_backend_name": pool.capabilities["volume_backend_name"]}
        made.append(storage.create_type(name=f"test-{uuid.uuid4().hex[:8]}", extra_specs=extra))
        return made[-1]

    yield make
    if not openstack_services.goes:  # otherwise the volumes of that type are still there
        for kind in made:
            storage.delete_type(kind, ignore_missing=True)


def test_where_a_volume_cannot_be_restored(
    volume_types: Callable[[], Any], make_tenant: Callable[[], Any], bank: Bank
) -> None:
    """Its type is not there (here), or the zone: both can be chosen anew, from those that the message lists."""
    tenant = make_tenant()
    kind, other = volume_types(), volume_types()
    volume = volumes.new_volume(tenant, volume_type=kind.name)

    def restoring(**parameters: str) -> Driver:
        plugin = VolumeSnapshotPlugin(tenant.conf(VolumeSnapshotPlugin))
        return volumes.driver_of(plugin, volume, bank, restore=parameters)

    checkpoint = restoring().protect()
    for parameter, value, others in (("volume_type", "gold", kind.name), ("availability_zone", "mars", "nova")):
        driver = restoring(**{parameter: value})
        with pytest.raises(OpenStackError, match=rf"{value}', which is not there: .*`{parameter}: …` .*{others}"):
            driver.run(Operation.RESTORE, driver.again(checkpoint, parameter))
    restored = volumes.restore(restoring(volume_type=other.name), checkpoint, "other")
    assert tenant.connection.block_storage.get_volume(restored).volume_type == other.name


def test_a_restore_that_fails_leaves_no_volume(
    tenant: Any, openstack_services: Any, protecting: Callable[..., Driver]
) -> None:
    """What Cinder could not make is made anew by a repetition, and removed by the closer when there is none."""
    admin, storage = openstack_services.admin.block_storage, tenant.connection.block_storage
    volume = volumes.new_volume(tenant)
    driver = protecting(volume, VolumeSnapshotPlugin)
    checkpoint = driver.again(driver.protect(), "restore")
    broken = []
    for _ in range(2):
        activity = driver.subject.plugin.activity_restore_parallel(
            checkpoint, KitContext(checkpoint, Operation.RESTORE), driver.subject.resource, {}
        )
        while set(ids(storage.volumes())) <= {volume.id, *broken}:
            next(activity)
        (new,) = set(ids(storage.volumes())) - {volume.id, *broken}
        volumes.settled(lambda new=new: storage.get_volume(new), "available")
        admin.reset_volume_status(new, "error", None, None)
        with pytest.raises(OpenStackError, match=r"could not make a volume .* in error"):
            exhaust(activity)
        broken.append(new)
    assert set(ids(storage.volumes())) == {volume.id, broken[-1]}
    driver.close(Operation.RESTORE, checkpoint)
    assert ids(storage.volumes()) == [volume.id]


def plan(retries: int) -> str:
    policy = {"timeout": 240, **({"retry": {"count": retries, "delay": 1}} if retries else {})}
    kind = volumes.TYPE
    return json.dumps(
        {
            "version": 1,
            "name": f"retries-{retries}",
            "provider": "cloud",
            "resources": [{"type": kind, "id": "VOLUME"}],
            "policies": {kind: policy},
        }
    )


@pytest.mark.alone
def test_the_backup_service_is_killed_in_the_middle(tenant: Any, openstack_services: Any, tmp_path: Path) -> None:
    """Its backup fails once it is up again: exit code 4, Cinder's own words, and neither snapshot nor backup is left.
    With a policy that says so, another one is started, and succeeds.
    """
    storage = tenant.connection.block_storage
    volume = volumes.new_volume(tenant)
    (tmp_path / "providers.d").mkdir()
    (tmp_path / "providers.d" / "cloud.conf").write_text(volumes.PROVIDER + tenant.section)
    resources = [{"type": volumes.TYPE, "id": volume.id, "name": volume.name}]
    (tmp_path / "resources.yaml").write_text(json.dumps({"version": 1, "resources": resources}))
    for retries, code in ((0, 4), (1, 0)):
        (tmp_path / "plan.yaml").write_text(plan(retries).replace("VOLUME", volume.id))
        compile_ = ["compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "workflow.yaml"]
        subprocess.run([sys.executable, "-m", "embank", *compile_], cwd=tmp_path, check=True)
        running = subprocess.Popen(
            [sys.executable, "-m", "embank", "run", "workflow.yaml"],
            cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        while not any(each.status == "creating" and each.container for each in storage.backups()):
            assert running.poll() is None, running.communicate()[0]
            time.sleep(0.2)
        openstack_services.kill("cinder-backup")
        openstack_services.start("cinder-backup")
        said = running.communicate(timeout=240)[0]
        assert running.returncode == code, said
        assert "Cinder could not back up OS::Cinder::Volume#" in said
        assert ids(storage.snapshots()) == []
        volumes.wait_for(lambda: all(each.status == "available" for each in storage.backups()))  # failed ones go
        assert len(ids(storage.backups())) == retries, said
        volumes.wait_for(lambda: ids(storage.volumes()) == [volume.id])  # Cinder reads from one of its own
