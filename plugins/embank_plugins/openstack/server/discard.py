"""Remove what a restore of a server has made that did not come to its end. What it was made from stays."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from embank.plugins import Context, Poll, Resource
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.network.made import Made
from embank_plugins.openstack.refusals import told
from embank_plugins.openstack.server.floating import take_floating
from embank_plugins.openstack.server.states import fault, find_server, label

SETTLED = 5  # s, in which Nova shows a server that it was asked for when we were killed
BUILDING = 2  # s between two looks at a server that is being built, or removed


def discard(cloud: Any, made: Made, context: Context, resource: Resource, timeout: float) -> Iterator[Poll]:
    """Remove the server, the floating addresses and the ports, in this order. May be repeated."""
    server, floating, ports = (context.started(resource, name) for name in ("server", "floating", "ports"))
    if server:
        if server.value is None:
            yield Poll(after=SETTLED, message="looking for a server that was asked for")
        known = {server.value} if server.value else set()
        for server_id in sorted(known | _asked_for(cloud.compute, server.token)):
            yield from _remove(cloud.compute, server_id, timeout)
    if floating:
        take_floating(made, floating.value or ())
    unfinished = ports.value["unfinished"] if ports and ports.value else []
    for port_id in sorted({*made.marked("port").values(), *(each["id"] for each in unfinished)}):
        yield Poll(after=0, message=f"removing the port {port_id}")
        yield from _let_go(cloud, made, port_id, server.token if server else "", timeout)
        with told(f"remove the port {port_id}"):
            made.neutron.delete_port(port_id, ignore_missing=True)
    for name in ("server", "floating", "ports"):
        context.forget(resource, name)


def _asked_for(compute: Any, token: str) -> set[str]:
    """The ids of the servers that a restore with this token has asked for."""
    with told("look for the server that was not completed"):
        return {str(each.id) for each in compute.servers(tags=token)}


def _let_go(cloud: Any, made: Made, port_id: str, token: str, timeout: float) -> Iterator[Poll]:
    """Wait until no server has a port: Neutron lets nobody delete it before.

    A server that is deleted while it is being built is gone at once, and Nova clears up after it. One that Nova has
    made late is removed now.
    """
    deadline = time.monotonic() + timeout
    while server_id := _holder(made, port_id):
        if token and server_id in _asked_for(cloud.compute, token):
            yield from _remove(cloud.compute, server_id, timeout)
            continue
        if time.monotonic() > deadline:
            raise OpenStackError(f"the port {port_id} was to be removed, and the server {server_id} still has it")
        yield Poll(after=BUILDING, message=f"waiting until the server {server_id} lets the port {port_id} go")


def _holder(made: Made, port_id: str) -> str:
    """The id of the server that has a port, or ""."""
    port = made.visible("port", port_id)
    return str(port.device_id) if port and (port.device_owner or "").startswith("compute:") else ""


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
