"""The snapshots of a server's volumes as one task, one after the other or as a group snapshot of Cinder's."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from embank.checkpoint.checkpoint import Checkpoint
from embank.conformance.driver import Driver, KitContext, filesystem_bank
from embank.model import Operation, Phase, Resource
from embank_plugins.openstack.volume.backup import VolumeBackupPlugin
from kit.openstack import volumes

TOGETHER = {"snapshot_together": True}
FIRST, SECOND = (Resource("OS::Nova::Server", id, id) for id in ("web", "db"))
VOLUME = Resource("OS::Cinder::Volume", "v", "v")
PROJECT = Resource("OS::Keystone::Project", "p", "p")


def plugin(together: bool) -> VolumeBackupPlugin:
    conf = cfg.ConfigOpts()
    for section, options in VolumeBackupPlugin.options().items():
        conf.register_opts(options, group=section)
    conf([], default_config_files=[], default_config_dirs=[])
    conf.set_override("snapshot_together", together, group="volume")
    return VolumeBackupPlugin(conf)


@pytest.mark.parametrize(
    ("operation", "phase", "parents", "key"),
    [
        ("protect", "ready", (PROJECT, FIRST), "web"),
        ("protect", "post", (FIRST,), "web"),
        ("protect", "parallel", (FIRST,), None),  # each copy at its own pace
        ("protect", "ready", (PROJECT,), None),
        ("protect", "ready", (FIRST, SECOND), None),  # shared: it belongs to no one server
        ("restore", "post", (FIRST,), None),
        ("delete", "parallel", (FIRST,), None),
    ],
)
def test_the_volumes_of_one_server_are_one_task(
    operation: str, phase: str, parents: tuple[Resource, ...], key: str | None
) -> None:
    asked = Operation(operation), Phase(phase), VOLUME, parents
    assert plugin(together=True).aggregate(*asked) == key
    assert plugin(together=False).aggregate(*asked) is None


class Protection:
    """A protection of some volumes that are one task in `ready` and `post`."""

    def __init__(self, tenant: Any, of: list[Any], directory: Path) -> None:
        self.plugin = VolumeBackupPlugin(tenant.conf(VolumeBackupPlugin, volume=TOGETHER))
        self.driver: Driver = volumes.driver_of(self.plugin, of[0], filesystem_bank(directory / "bank"))
        self.checkpoint: Checkpoint = self.driver.begin()
        self.of = of
        self.storage = tenant.connection.block_storage
        self.said: list[str] = []

    def run(self, phase: Phase) -> None:
        """As often as it may be repeated."""
        for _ in range(2):
            context = KitContext(self.checkpoint, Operation.PROTECT)
            volumes.together(self.plugin, phase, self.checkpoint, context, self.of)
            self.said += context.messages

    def snapshots(self) -> list[Any]:
        return list(self.storage.snapshots())

    def noted(self) -> list[str]:
        """The snapshot that each volume's backup is to be made of."""
        sections = [self.checkpoint.section(volumes.resource_of(volume)) for volume in self.of]
        return [section.noted("ready")["snapshot"] for section in sections]


@pytest.mark.openstack
def test_snapshots_one_after_the_other(tenant: Any, tmp_path: Path) -> None:
    """All are asked for before the first is waited for. The closer takes all of them away."""
    protection = Protection(tenant, [volumes.new_volume(tenant, name=name) for name in ("root", "data")], tmp_path)
    protection.run(Phase.READY)
    snapshots = {each.volume_id: each for each in protection.snapshots()}
    assert [snapshots[volume.id].id for volume in protection.of] == protection.noted()
    assert {each.group_snapshot_id for each in snapshots.values()} == {None}
    assert len(protection.said) == 1
    assert "2 snapshots, asked for one after the other within" in protection.said[0]
    protection.run(Phase.POST)
    assert protection.snapshots() == []


@pytest.fixture
def group_type(openstack_services: Any) -> Iterator[str]:
    """An administrator makes group types; tenants make groups of them."""
    storage = openstack_services.admin.block_storage
    made = storage.create_group_type(name=f"test-{uuid.uuid4().hex[:8]}")
    yield made.id
    if not openstack_services.goes:  # otherwise the group of that type is still there
        storage.delete_group_type(made.id)


@pytest.mark.openstack
def test_a_group_snapshot(group_type: str, make_tenant: Any, tmp_path: Path) -> None:
    """When exactly the volumes of the server are a group; without one of them it is none of ours to take."""
    tenant = make_tenant()
    storage = tenant.connection.block_storage
    kind = storage.find_type("__DEFAULT__", ignore_missing=False)
    group = storage.create_group(name="g", group_type=group_type, volume_types=[kind.id])
    volumes.settled(lambda: storage.get_group(group.id), "available")
    of = [volumes.new_volume(tenant, name=name, group_id=group.id, volume_type=kind.id) for name in ("root", "data")]
    protection = Protection(tenant, of, tmp_path)
    protection.run(Phase.READY)
    snapshots = {each.volume_id: each for each in protection.snapshots()}
    (taken,) = {each.group_snapshot_id for each in snapshots.values()}
    assert taken is not None
    assert [snapshots[volume.id].id for volume in of] == protection.noted()
    assert protection.said == [f"2 snapshots, taken by Cinder as one of the group {group.id}"]
    protection.run(Phase.POST)
    assert protection.snapshots() == []
    assert list(storage.group_snapshots()) == []
    (tmp_path / "mixed").mkdir()
    mixed = Protection(tenant, [of[0], volumes.new_volume(tenant, name="of no group")], tmp_path / "mixed")
    mixed.run(Phase.READY)
    assert [each.group_snapshot_id for each in mixed.snapshots()] == [None, None]
    mixed.run(Phase.POST)
    assert mixed.snapshots() == []
