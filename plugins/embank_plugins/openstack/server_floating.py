"""Floating addresses of a restored server: the same where it is free and ours, or a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from embank.plugins import Poll
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.network_found import external_network
from embank_plugins.openstack.network_made import Made
from embank_plugins.openstack.refusals import told
from embank_plugins.openstack.waiting import created

FLOATING = ("when-free", "keep", "new", "none")


def check_floating(made: Made, saved: Sequence[Mapping[str, Any]], wish: str) -> None:
    """Raise OpenStackError, before anything is made, when a floating address cannot be kept that has to be."""
    for each in saved if wish == "keep" else ():
        if not _free(made, each):
            raise OpenStackError(
                f"the floating address {each['address']} is not free, or belongs to another project; the parameter "
                "`floating_addresses` may be `when-free`, `new` or `none`"
            )


def restore_floating(
    made: Made,
    saved: Sequence[Mapping[str, Any]],
    wish: str,
    network: str | None,
    log: Callable[[str], None],
) -> Iterator[Poll]:
    """Give the server's ports, which `made.new` knows, their floating addresses."""
    for each in saved if wish != "none" else ():
        yield Poll(after=0, message=f"floating address {each['address']}")
        port_id = made.new["port"][each["port_id"]]
        with told(f"give the port {port_id} a floating address"):
            if _of(made, port_id):
                continue  # an earlier run gave it one
            free = _free(made, each)
            if free:
                made.neutron.update_ip(free.id, port_id=port_id)
            elif wish == "new":
                wanted = {"port_id": port_id, "description": each["description"]}
                wanted["floating_network_id"] = external_network(made, each, network)
                created(partial(made.neutron.create_ip, **wanted), partial(_of, made, port_id))
            else:
                log(f"the floating address {each['address']} is not free: the server has none instead")


def _of(made: Made, port_id: str) -> Any:
    return next(iter(made.neutron.ips(port_id=port_id)), None)


def _free(made: Made, saved: Mapping[str, Any]) -> Any:
    """The saved address, if this project has it and nothing uses it."""
    with told(f"look for the floating address {saved['address']}"):
        found = made.neutron.ips(floating_ip_address=saved["address"], project_id=made.project)
        return next((address for address in found if not address.port_id), None)
