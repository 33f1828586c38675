"""Floating addresses of a restored server: the same where it is free and ours, or a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from embank.plugins import Json, Poll
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.network.found import external_network
from embank_plugins.openstack.network.made import Made
from embank_plugins.openstack.refusals import told
from embank_plugins.openstack.waiting import created

FLOATING = ("when-free", "keep", "new", "none")
TAKEN = (
    "the floating address {} is not free, or belongs to another project; the parameter `floating_addresses` may be "
    "`when-free`, `new` or `none`"
)


def check_floating(made: Made, saved: Sequence[Mapping[str, Any]], wish: str) -> None:
    """Raise OpenStackError, before anything is made, when a floating address cannot be kept that has to be."""
    for each in saved if wish == "keep" else ():
        if not _free(made, each):
            raise OpenStackError(TAKEN.format(each["address"]))


def plan_floating(
    made: Made,
    saved: Sequence[Mapping[str, Any]],
    wish: str,
    network: str | None,
    log: Callable[[str], None],
) -> list[dict[str, Json]]:
    """What the server's ports, which `made.new` knows, are to be given: an address (`id`), or a new one (None)."""
    plan: list[dict[str, Json]] = []
    for each in saved if wish != "none" else ():
        port_id = made.new["port"][each["port_id"]]
        with told(f"look for the floating address of the port {port_id}"):
            if _of(made, port_id):
                continue  # a port that outlived its server has it still
            free = _free(made, each)
            given = {"port_id": port_id, "address": each["address"], "id": free.id if free else None}
            if free or wish == "new":
                new_in = None if free else external_network(made, each, network)
                plan.append({**given, "network_id": new_in, "description": each["description"]})
            elif wish == "keep":  # it was free when the restore began
                raise OpenStackError(TAKEN.format(each["address"]))
            else:
                log(f"the floating address {each['address']} is not free: the server has none instead")
    return plan


def give_floating(made: Made, plan: Sequence[Mapping[str, Any]]) -> Iterator[Poll]:
    """Do what was planned. May be repeated (decision CLOUD-14)."""
    for each in plan:
        yield Poll(after=0, message=f"floating address {each['address']}")
        with told(f"give the port {each['port_id']} a floating address"):
            if _of(made, each["port_id"]):
                continue  # an earlier run gave it one
            if each["id"] is None:
                wanted = {"port_id": each["port_id"], "description": each["description"]}
                wanted["floating_network_id"] = each["network_id"]
                created(partial(made.neutron.create_ip, **wanted), partial(_of, made, each["port_id"]))
            elif made.neutron.get_ip(each["id"]).port_id:
                raise OpenStackError(f"the floating address {each['address']} was free, and is given away meanwhile")
            else:
                made.neutron.update_ip(each["id"], port_id=each["port_id"])


def take_floating(made: Made, plan: Sequence[Mapping[str, Any]]) -> None:
    """Undo what was planned: new addresses go, others are free again."""
    for each in plan:
        with told(f"take the floating address of the port {each['port_id']} back"):
            found = _of(made, each["port_id"])
            if found and each["id"] is None:
                made.neutron.delete_ip(found.id)
            elif found and found.id == each["id"]:
                made.neutron.update_ip(found.id, port_id=None)


def _of(made: Made, port_id: str) -> Any:
    return next(iter(made.neutron.ips(port_id=port_id)), None)


def _free(made: Made, saved: Mapping[str, Any]) -> Any:
    """The saved address, if this project has it and nothing uses it."""
    with told(f"look for the floating address {saved['address']}"):
        found = made.neutron.ips(floating_ip_address=saved["address"], project_id=made.project)
        return next((address for address in found if not address.port_id), None)
