"""What OpenStack's plugins say of themselves passes the kit. It takes no cloud; the rest is in tests/openstack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from oslo_config import cfg

from embank.conformance.described import DescriptionConformance
from embank.conformance.driver import Subject
from embank.plugins import Json, Operation, ProtectionPlugin, Resource
from embank_plugins.openstack import IMAGE, NETWORK, PROJECT, SERVER, VOLUME
from embank_plugins.openstack.image.plugin import ImagePlugin
from embank_plugins.openstack.network.plugin import NetworkPlugin
from embank_plugins.openstack.project import ProjectPlugin
from embank_plugins.openstack.server.plugin import ServerPlugin
from embank_plugins.openstack.volume.backup import VolumeBackupPlugin
from embank_plugins.openstack.volume.snapshot import VolumeSnapshotPlugin


class Described(DescriptionConformance):
    PLUGIN: ClassVar[type[ProtectionPlugin]]
    TYPE: ClassVar[str]
    PARAMETERS: ClassVar[Mapping[Operation, Mapping[str, Json]]] = {}

    @pytest.fixture(params=["any"])
    def resource_id(self, request: pytest.FixtureRequest) -> str:
        """Its services choose it."""
        return str(request.param)

    @pytest.fixture
    def subject(self, resource_id: str) -> Subject:
        conf: Any = cfg.ConfigOpts()
        for section, options in self.PLUGIN.options().items():
            conf.register_opts(options, group=section)
        conf([], default_config_files=[], default_config_dirs=[])
        resource = Resource(self.TYPE, resource_id, "r")
        return Subject(self.PLUGIN(conf), resource, _never, _never, self.PARAMETERS)


def _never() -> None:
    raise AssertionError("there is no cloud")


class TestVolumeBackup(Described):
    PLUGIN, TYPE = VolumeBackupPlugin, VOLUME


class TestVolumeSnapshot(Described):
    PLUGIN, TYPE = VolumeSnapshotPlugin, VOLUME


class TestImage(Described):
    PLUGIN, TYPE, PARAMETERS = ImagePlugin, IMAGE, {Operation.RESTORE: {"copy": "always"}}


class TestProject(Described):
    PLUGIN, TYPE, PARAMETERS = ProjectPlugin, PROJECT, {Operation.RESTORE: {"quotas": True, "metadata": True}}


class TestNetwork(Described):
    PLUGIN, TYPE = NetworkPlugin, NETWORK


class TestServer(Described):
    PLUGIN, TYPE = ServerPlugin, SERVER
    PARAMETERS: ClassVar = {Operation.PROTECT: {"quiesce": "pause"}, Operation.RESTORE: {"existing": "reuse"}}
