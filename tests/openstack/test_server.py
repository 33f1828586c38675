"""Servers of a real Nova: held while their volumes would be snapshotted, saved, lost, created again."""

from __future__ import annotations

import os
import runpy
import time
import uuid
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from embank.conformance.plugin import ProtectionPluginConformance, Subject
from embank.plugins import Operation, Resource
from embank_plugins.openstack.server import ServerPlugin

pytestmark = pytest.mark.openstack
topology = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("topology.py"))))
TYPE = "OS::Nova::Server"
STRIDE = 7
PATIENCE = 120  # s


@pytest.fixture
def flavor(openstack_services: Any) -> Iterator[Any]:
    compute = openstack_services.admin.compute
    flavor = compute.create_flavor(name=f"tiny-{uuid.uuid4().hex[:8]}", ram=64, vcpus=1, disk=1)
    yield flavor
    compute.delete_flavor(flavor)


@pytest.fixture
def image(tenant: Any) -> Any:
    make = tenant.connection.image.create_image
    return make(name="tiny", disk_format="raw", container_format="bare", data=os.urandom(1 << 16))


def eventually(get: Callable[[], Any], *statuses: str) -> Any:
    """What `get` gives, when it has one of these statuses."""
    deadline = time.monotonic() + PATIENCE
    while (found := get()).status not in statuses:
        assert time.monotonic() < deadline, f"{found.id} is still {found.status}"
        assert found.status != "ERROR", found.to_dict()
        time.sleep(0.3)
    return found


def remove(compute: Any) -> None:
    """Every server."""
    for server in compute.servers():
        compute.delete_server(server, ignore_missing=True)
    while list(compute.servers()):
        time.sleep(0.3)


def seen(cloud: Any) -> list[Any]:
    """The servers of the project with their ports and addresses, without ids."""
    compute, neutron = cloud.compute, cloud.network
    names = {each.id: each.cidr for each in neutron.subnets()}
    names |= {each.id: each.name for each in (*neutron.security_groups(), *neutron.networks())}
    return [
        {
            "name": server.name,
            "status": server.status,
            "metadata": server.metadata,
            "tags": sorted(server.tags),
            "flavor": server.flavor.original_name,
            "key": server.key_name,
            "description": server.description,
            "image": server.image and server.image.id,
            "volumes": [
                (each.device, each.tag, each.delete_on_termination) for each in compute.volume_attachments(server)
            ],
            "ports": [
                {
                    "mac": port.mac_address,
                    "network": names[port.network_id],
                    "addresses": [(names[each["subnet_id"]], each["ip_address"]) for each in port.fixed_ips],
                    "groups": sorted(names[group] for group in port.security_group_ids),
                    "name": port.name,
                    "description": port.description,
                    "tags": port.tags,
                    "tag": interface.tag,
                    "floating": [each.floating_ip_address for each in neutron.ips(port_id=port.id)],
                }
                for interface in compute.server_interfaces(server)
                for port in [neutron.get_port(interface.port_id)]
            ],
        }
        for server in sorted(compute.servers(), key=lambda server: str(server.name))
    ]


class TestConformance(ProtectionPluginConformance):
    @pytest.fixture(params=["its own"])
    def resource_id(self, request: pytest.FixtureRequest) -> str:
        """Nova chooses it."""
        return str(request.param)

    @pytest.fixture
    def steps(self) -> Iterator[int]:
        return count(1, STRIDE)

    @pytest.fixture
    def subject(self, tenant: Any, flavor: Any, image: Any, resource_id: str) -> Subject:
        cloud = tenant.connection
        compute, neutron = cloud.compute, cloud.network
        network = neutron.create_network(name="net")
        neutron.create_subnet(network_id=network.id, ip_version=4, cidr="10.5.0.0/24")
        port = neutron.create_port(network_id=network.id, name="nic", description="the only one")
        server = compute.create_server(
            name="web", flavor_id=flavor.id, image_id=image.id, networks=[{"port": port.id}], metadata={"a": "b"}
        )
        eventually(lambda: compute.get_server(server.id), "ACTIVE")
        original = seen(cloud)

        def destroy() -> None:
            remove(compute)
            for port in neutron.ports():
                neutron.delete_port(port)

        def compare() -> None:
            assert seen(cloud) == original
            assert len(list(neutron.ports())) == 1

        def web() -> Resource:
            return Resource(TYPE, compute.find_server("web").id, "web")

        def assert_deleted() -> None:
            subject.resource = web()  # restored, it has another id

        subject = Subject(
            plugin=ServerPlugin(tenant.conf(ServerPlugin)),
            resource=web(),
            destroy=destroy,
            compare=compare,
            assert_deleted=assert_deleted,
            parameters={Operation.PROTECT: {"quiesce": "pause"}, Operation.RESTORE: {"existing": "reuse"}},
        )
        return subject
