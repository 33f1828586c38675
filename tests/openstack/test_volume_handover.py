"""Volumes restored in another project than the one that they were protected in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embank.conformance.driver import Driver, filesystem_bank
from embank.model import Operation
from embank.plugins import Bank
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.volume.snapshot import VolumeSnapshotPlugin
from kit.openstack import volumes

pytestmark = pytest.mark.openstack


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    return filesystem_bank(tmp_path / "bank")


@pytest.fixture
def other(tenant: Any, make_tenant: Callable[[], Any]) -> Any:
    return make_tenant()


@pytest.fixture
def in_other(tenant: Any, other: Any, bank: Bank) -> Callable[[Any], Driver]:
    """`in_other(volume)`: works as the same user, in the other project."""

    def driver(volume: Any) -> Driver:
        section = {"project_name": other.project_name}
        conf = tenant.conf(VolumeSnapshotPlugin, openstack=section)
        return volumes.driver_of(VolumeSnapshotPlugin(conf), volume, bank)

    return driver


@pytest.fixture
def role_in_both(openstack_services: Any, tenant: Any, other: Any) -> None:
    identity = openstack_services.admin.identity
    member = identity.find_role("member", ignore_missing=False).id
    identity.assign_project_role_to_user(other.project_id, tenant.user_id, member)


@pytest.mark.usefixtures("role_in_both")
def test_a_volume_is_handed_over(
    tenant: Any, other: Any, bank: Bank, in_other: Callable[[Any], Driver], tmp_path: Path
) -> None:
    """Restored where its snapshot is, then given to the other project; repeated, it is found there. From there it
    can be verified and deleted, too.
    """
    here, there, data = tenant.connection.block_storage, other.connection.block_storage, volumes.random_data()
    volume = volumes.volume_with(tenant, data, name="data", metadata={"a": "b"})
    checkpoint = volumes.driver_of(VolumeSnapshotPlugin(tenant.conf(VolumeSnapshotPlugin)), volume, bank).protect()
    driver = in_other(volume)
    restored = volumes.restore(driver, checkpoint, "restore")
    driver.again(checkpoint, "restore").section(driver.subject.resource).note("restored", False)  # killed before it
    assert volumes.restore(driver, checkpoint, "restore") == restored
    assert [each.id for each in there.volumes()] == [restored]
    assert volumes.about(there.get_volume(restored)) == volumes.about(volume)
    assert volumes.content(other.connection, restored, len(data), tmp_path) == data
    driver.run(Operation.VERIFY, driver.again(checkpoint, "verify"))
    assert driver.delete(checkpoint) == []
    assert [each.id for each in here.volumes()] == [volume.id]
    assert list(here.snapshots()) == list(here.transfers()) == []


@pytest.mark.usefixtures("role_in_both")
def test_a_handover_that_was_given_up(tenant: Any, other: Any, bank: Bank, in_other: Callable[[Any], Driver]) -> None:
    """Offered, but not accepted yet: the closer takes the offer back, and removes the volume."""
    here = tenant.connection.block_storage
    volume = volumes.new_volume(tenant)
    checkpoint = volumes.driver_of(VolumeSnapshotPlugin(tenant.conf(VolumeSnapshotPlugin)), volume, bank).protect()
    driver = in_other(volume)
    mine = driver.again(checkpoint, "restore")
    made = volumes.restore(driver, checkpoint, "restore")
    offer = other.connection.block_storage.create_transfer(volume_id=made, name="back")
    here.accept_transfer(offer.id, offer.auth_key)
    here.create_transfer(volume_id=made, name="offered")
    mine.section(driver.subject.resource).note("restored", False)  # as if it had been killed here
    driver.close(Operation.RESTORE, mine)
    assert [each.id for each in here.volumes()] == [volume.id]
    assert list(other.connection.block_storage.volumes()) == list(here.transfers()) == []


def test_a_user_without_a_role_there(tenant: Any, other: Any, bank: Bank, in_other: Callable[[Any], Driver]) -> None:
    volume = volumes.new_volume(tenant)
    checkpoint = volumes.driver_of(VolumeSnapshotPlugin(tenant.conf(VolumeSnapshotPlugin)), volume, bank).protect()
    stranger = VolumeSnapshotPlugin(other.conf(VolumeSnapshotPlugin))
    driver = volumes.driver_of(stranger, volume, bank)
    with pytest.raises(OpenStackError, match=rf"belongs to the project {tenant.project_id}, .* a role in both"):
        driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
