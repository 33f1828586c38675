"""The kit for protection plugins, on networks of a real Neutron."""

from __future__ import annotations

from typing import Any

import pytest

from embank.conformance.plugin import Subject
from embank.plugins import Resource
from embank_plugins.openstack.network.plugin import NetworkPlugin
from kit.openstack import topology
from kit.openstack.conformance import Killed, OnCloud

pytestmark = [pytest.mark.openstack, pytest.mark.xdist_group("network conformance")]


TYPE = "OS::Neutron::Network"


class SmallNetwork:
    """As a subject, a small one with all that there may be in it."""

    @pytest.fixture(scope="class")
    def original(self, projects: Any) -> Any:
        topology.lose(projects[0].connection.network)
        self.make(projects[0].connection.network)
        return topology.seen(projects[0].connection.network)

    def make(self, neutron: Any) -> None:
        network = neutron.create_network(name="small", description="a small one")
        subnet = neutron.create_subnet(network_id=network.id, ip_version=4, cidr="10.6.0.0/24")
        group = neutron.create_security_group(name="web")
        fixed = [{"subnet_id": subnet.id, "ip_address": "10.6.0.9"}]
        neutron.create_port(
            network_id=network.id, security_group_ids=[group.id], fixed_ips=fixed, **topology.OPEN_PORT
        )
        neutron.add_interface_to_router(neutron.create_router(name="edge"), subnet.id)

    @pytest.fixture
    def subject(self, projects: Any, original: Any, resource_id: str) -> Subject:
        neutron = projects[0].connection.network
        if topology.seen(neutron) != original:
            topology.lose(neutron)
            self.make(neutron)

        def compare() -> None:
            assert topology.seen(neutron) == original

        def small() -> Resource:
            return Resource(TYPE, neutron.find_network("small", ignore_missing=False).id, "small")

        def assert_deleted() -> None:
            subject.resource = small()  # restored, it has another id

        subject = Subject(
            plugin=NetworkPlugin(projects[0].conf(NetworkPlugin)),
            resource=small(),
            destroy=lambda: topology.lose(neutron),
            compare=compare,
            assert_deleted=assert_deleted,
        )
        return subject


class TestConformance(SmallNetwork, OnCloud):
    KILLED, KILLED_RESTORING = 9, 30


@pytest.mark.nightly
class TestKilledAtEveryStep(SmallNetwork, Killed):
    pass
