"""Servers for tests, in a project with a network and an image."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from embank.conformance.driver import Driver, KitContext, filesystem_bank
from embank.conformance.plugin import Subject
from embank.plugins import Json, Operation, Phase, Resource
from embank_plugins.openstack.server.plugin import ServerPlugin
from kit.openstack.tenant import Tenant

TYPE = "OS::Nova::Server"
PATIENCE = 120  # s
MARK = "embank_frozen"


def prepare(cloud: Any) -> None:
    """Let the project have what its servers need: a network and an image."""
    network = cloud.network.create_network(name="net")
    cloud.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.5.0.0/24")
    cloud.image.create_image(name="tiny", disk_format="raw", container_format="bare", data=os.urandom(1 << 16))


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
                for interface in sorted(compute.server_interfaces(server), key=lambda each: order(server, each))
                for port in [neutron.get_port(interface.port_id)]
            ],
        }
        for server in sorted(compute.servers(), key=lambda server: str(server.name))
    ]


def order(server: Any, interface: Any) -> int:
    """The place of a server's interface among those of the guest; one network has one."""
    addresses = [each["OS-EXT-IPS-MAC:mac_addr"] for network in server.addresses.values() for each in network]
    return addresses.index(interface.mac_addr)


def make_server(cloud: Any, flavor: Any, **more: Any) -> Any:
    """An active server; with a port of always the same address unless `networks` says otherwise."""
    compute, neutron = cloud.compute, cloud.network
    if "networks" not in more:
        port = neutron.create_port(
            network_id=neutron.find_network("net", ignore_missing=False).id,
            fixed_ips=[{"ip_address": "10.5.0.77"}],
            mac_address="fa:16:3e:00:00:77",
            name="nic",
            description="the only one",
        )
        more["networks"] = [{"port": port.id}]
    if "block_device_mapping" not in more:
        more["image_id"] = cloud.image.find_image("tiny", ignore_missing=False).id
    server = compute.create_server(**{"name": "web", "flavor_id": flavor.id, **more})
    return eventually(lambda: compute.get_server(server.id), "ACTIVE")


def clear(cloud: Any) -> None:
    """No server, no port."""
    remove(cloud.compute)
    for port in cloud.network.ports(project_id=cloud.current_project_id, device_owner=""):
        cloud.network.delete_port(port)


class Server:
    """One server in a checkpoint, activity by activity."""

    def __init__(self, directory: Path, tenant: Tenant, protected: Any, **sections: Any) -> None:
        self.tenant, self.sections = tenant, sections
        self.compute, self.id = tenant.connection.compute, protected.id
        self.resource = Resource(TYPE, protected.id, protected.name)
        plugin = ServerPlugin(tenant.conf(ServerPlugin, **sections))
        subject = Subject(plugin, self.resource, destroy=lambda: None, compare=lambda: None)
        self.driver = Driver(subject, filesystem_bank(directory / "bank"))
        self.checkpoint = self.driver.begin()

    def call(
        self, operation: Operation, phase: Phase, execution: str = "", *, cancelled: bool = False, **parameters: Json
    ) -> KitContext:
        """The context has what was said."""
        mine = self.driver.again(self.checkpoint, execution) if execution else self.checkpoint
        context = KitContext(mine, operation, cancelled=cancelled)
        self.driver.subject.parameters = {operation: parameters}
        self.driver.call(operation, phase, mine, context)
        return context

    def freeze(self, **more: Any) -> KitContext:
        return self.call(Operation.PROTECT, Phase.PRE, **more)

    def thaw(self, **more: Any) -> KitContext:
        return self.call(Operation.PROTECT, Phase.READY, **more)

    def save(self) -> None:
        self.call(Operation.PROTECT, Phase.PARALLEL)

    def restore(self, execution: str, **parameters: Json) -> KitContext:
        return self.call(Operation.RESTORE, Phase.POST, execution, **parameters)

    def close(self, execution: str, polled: Callable[[], None] = lambda: None) -> None:
        """The closer of a restore."""
        mine = self.driver.again(self.checkpoint, execution)
        context = KitContext(mine, Operation.RESTORE, closing=True)
        self.driver.call(Operation.RESTORE, Phase.POST, mine, context, polled)

    @property
    def now(self) -> tuple[str, dict[str, str]]:
        """The status and the metadata."""
        server = self.compute.get_server(self.id)
        return server.status, server.metadata
