"""Builds the application in the project that `OS_CLOUD` or the `OS_*` variables name: `python build.py FLAVOR`.

Two web servers that were booted from one image, and a database server with two volumes, in a network behind a router.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

CIDR = "10.77.0.0/24"
ADDRESSES = {"web1": "10.77.0.11", "web2": "10.77.0.12", "db": "10.77.0.21"}
DATA = os.urandom(1 << 20)  # of the image, and of the first volume of the database
PATIENCE = 300  # s


def build(cloud: Any, flavor: str) -> None:
    """`cloud` is an `openstack.connection.Connection`, `flavor` the name or id of one with a disk."""
    groups = _network(cloud)
    image = cloud.image.create_image(
        name="web", disk_format="raw", container_format="bare", data=DATA, tags=["release-7"]
    )
    volumes = [
        cloud.block_storage.create_volume(name="db-data", size=1, image_id=image.id, metadata={"table": "orders"}),
        cloud.block_storage.create_volume(name="db-log", size=1),
    ]
    chosen = cloud.compute.find_flavor(flavor, ignore_missing=False).id
    servers = {
        name: cloud.compute.create_server(
            name=name,
            flavor_id=chosen,
            image_id=image.id,
            networks=[{"port": _port(cloud, name, groups[name[:2]]).id}],
            metadata={"tier": name.rstrip("12")},
        )
        for name in ADDRESSES
    }
    for server in servers.values():
        _until(lambda server=server: cloud.compute.get_server(server.id), "ACTIVE")
    for volume in volumes:
        _until(lambda volume=volume: cloud.block_storage.get_volume(volume.id), "available")
        cloud.compute.create_volume_attachment(servers["db"], volume_id=volume.id)
        _until(lambda volume=volume: cloud.block_storage.get_volume(volume.id), "in-use")


def _network(cloud: Any) -> dict[str, str]:
    """The security groups' ids by the first letters of the servers that are in them."""
    neutron = cloud.network
    network = neutron.create_network(name="app")
    subnet = neutron.create_subnet(network_id=network.id, ip_version=4, cidr=CIDR, name="app-v4")
    router = neutron.create_router(name="edge")
    neutron.add_interface_to_router(router, subnet=subnet)
    web, database = (neutron.create_security_group(name=name) for name in ("web", "db"))
    allowed = {"direction": "ingress", "protocol": "tcp"}
    neutron.create_security_group_rule(security_group_id=web.id, port_range_min=443, port_range_max=443, **allowed)
    neutron.create_security_group_rule(
        security_group_id=database.id, port_range_min=5432, port_range_max=5432, remote_group_id=web.id, **allowed
    )
    return {"we": web.id, "db": database.id}


def _port(cloud: Any, name: str, group: str) -> Any:
    neutron = cloud.network
    network = neutron.find_network("app", ignore_missing=False)
    fixed = [{"ip_address": ADDRESSES[name]}]
    return neutron.create_port(network_id=network.id, name=name, fixed_ips=fixed, security_groups=[group])


def _until(get: Callable[[], Any], status: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while (found := get()).status != status:
        if found.status.lower() == "error" or time.monotonic() > deadline:
            sys.exit(f"{found.name} is {found.status}, not {status}")
        time.sleep(0.5)


if __name__ == "__main__":
    import openstack

    build(openstack.connect(), sys.argv[1])
