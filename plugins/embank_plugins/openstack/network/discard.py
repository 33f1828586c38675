"""Remove what a restore has made that did not come to its end. What it only reused stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from embank.plugins import Poll
from embank_plugins.openstack.network.definition import INTERFACES
from embank_plugins.openstack.network.made import KINDS, Made
from embank_plugins.openstack.refusals import told

LAST_FIRST = ("port", "router", "subnet", "network", "security_group")


def discard(made: Made, others: Iterable[Mapping[str, Any]]) -> Iterator[Poll]:
    """Remove all that has the token of this restore in its description, and `others`, which may have lost it
    (`kind` and `id`). May be repeated.
    """
    neutron = made.neutron
    also = [(each["kind"], each["id"]) for each in others]
    found = {kind: sorted({*made.marked(kind).values(), *(id for one, id in also if one == kind)}) for kind in KINDS}
    for router in found["router"]:
        yield Poll(after=0, message=f"removing the router {router}")
        with _gone_or(f"take the routes of the router {router}"):
            neutron.update_router(router, routes=[])
        _disconnect(made, device_id=router)
    for subnet in found["subnet"]:
        yield Poll(after=0, message=f"removing the subnet {subnet}")
        _disconnect(made, fixed_ips=f"subnet_id={subnet}")
    for port in found["port"]:  # also those between a router and a subnet that were there before
        _disconnect(made, id=port)
    for kind in LAST_FIRST:
        for each in found[kind]:
            yield Poll(after=0, message=f"removing the {KINDS[kind]} {each}")
            with _gone_or(f"remove the {KINDS[kind]} {each}"):
                getattr(neutron, f"delete_{kind}")(each)


def _disconnect(made: Made, **which: str) -> None:
    """Take router interfaces away."""
    with told("list the interfaces of a router"):
        interfaces = [port for port in made.neutron.ports(**which) if port.device_owner.startswith(INTERFACES)]
    for port in interfaces:
        with _gone_or(f"remove an interface of the router {port.device_id}"):
            made.neutron.remove_interface_from_router(port.device_id, None, port.id)


@contextmanager
def _gone_or(what: str) -> Iterator[None]:
    """As `told`, but what has gone is fine."""
    from openstack.exceptions import NotFoundException

    with told(what), suppress(NotFoundException):
        yield
