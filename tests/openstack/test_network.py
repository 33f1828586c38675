"""Networks of a real Neutron: saved, lost, built again, here and in another project."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from embank.conformance.plugin import ProtectionPluginConformance, Subject
from embank.plugins import Resource
from embank_plugins.openstack.network import NetworkPlugin

pytestmark = pytest.mark.openstack
topology = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("topology.py"))))
TYPE = "OS::Neutron::Network"
STRIDE = 5  # the kit kills at each fifth step, in a minute; all of them take five


class TestConformance(ProtectionPluginConformance):
    @pytest.fixture(params=["its own"])
    def resource_id(self, request: pytest.FixtureRequest) -> str:
        """Neutron chooses it."""
        return str(request.param)

    @pytest.fixture
    def steps(self) -> Iterator[int]:
        return count(1, STRIDE)

    @pytest.fixture
    def subject(self, tenant: Any, resource_id: str) -> Subject:
        neutron = tenant.connection.network
        network = neutron.create_network(name="small", description="a small one")
        subnet = neutron.create_subnet(network_id=network.id, ip_version=4, cidr="10.6.0.0/24")
        group = neutron.create_security_group(name="web")
        neutron.create_port(network_id=network.id, name="vip", security_group_ids=[group.id])
        neutron.add_interface_to_router(neutron.create_router(name="edge"), subnet.id)
        original = topology.seen(neutron)

        def compare() -> None:
            assert topology.seen(neutron) == original

        def small() -> Resource:
            return Resource(TYPE, neutron.find_network("small").id, "small")

        def assert_deleted() -> None:
            subject.resource = small()  # restored, it has another id

        subject = Subject(
            plugin=NetworkPlugin(tenant.conf(NetworkPlugin)),
            resource=small(),
            destroy=lambda: topology.lose(neutron),
            compare=compare,
            assert_deleted=assert_deleted,
        )
        return subject
