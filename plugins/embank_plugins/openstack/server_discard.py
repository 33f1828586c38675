"""Remove what a restore of a server has made that did not come to its end. What it was made from stays."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from embank.plugins import Context, Poll, Resource
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.network_made import Made
from embank_plugins.openstack.refusals import told
from embank_plugins.openstack.server_floating import take_floating
from embank_plugins.openstack.server_states import fault, find_server, label

SETTLED = 5  # s, in which Nova shows a server that it was asked for when we were killed
BUILDING = 2  # s between two looks at a server that is being built, or removed


def discard(cloud: Any, made: Made, context: Context, resource: Resource, timeout: float) -> Iterator[Poll]:
    """Remove the server, the floating addresses and the ports, in this order. May be repeated."""
    server, floating, ports = (context.started(resource, name) for name in ("server", "floating", "ports"))
    if server:
        if server.value is None:
            yield Poll(after=SETTLED, message="looking for a server that was asked for")
        with told("look for the server that was not completed"):
            found = {str(each.id) for each in cloud.compute.servers(tags=server.token)}
        for server_id in sorted(found | ({server.value} if server.value else set())):
            yield from _remove(cloud.compute, server_id, timeout)
        context.forget(resource, "server")
    if floating:
        take_floating(made, floating.value or ())
        context.forget(resource, "floating")
    known = ports.value["unfinished"] if ports and ports.value else []
    for port_id in sorted({*made.marked("port").values(), *(each["id"] for each in known)}):
        yield Poll(after=0, message=f"removing the port {port_id}")
        with told(f"remove the port {port_id}"):
            made.neutron.delete_port(port_id, ignore_missing=True)
    context.forget(resource, "ports")


def _remove(compute: Any, server_id: str, timeout: float) -> Iterator[Poll]:
    """Delete a server, and none of its volumes: they were restored, or are the original ones."""
    deadline = time.monotonic() + timeout
    with told(f"remove the server {server_id}, which was not completed"):
        if not find_server(compute, server_id):
            return
        for attached in compute.volume_attachments(server_id):
            if attached.delete_on_termination:
                compute.update_volume_attachment(server_id, attached.volume_id, delete_on_termination=False)
        compute.delete_server(server_id, ignore_missing=True)
    while server := find_server(compute, server_id):
        if time.monotonic() > deadline:
            raise OpenStackError(f"{label(server)} was to be removed, and is still there{fault(server)}")
        yield Poll(after=BUILDING, message=f"removing the server {server.name}, which was not completed")
