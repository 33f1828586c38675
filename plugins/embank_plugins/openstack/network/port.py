"""Make a port like a saved one: of a network, or of a server."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.network.definition import Definition, body
from embank_plugins.openstack.network.errors import TAKEN, refusal
from embank_plugins.openstack.network.made import Made
from embank_plugins.openstack.refusals import reason, told

ADDRESSES = ("keep", "when-free", "new")

Find = Callable[[str], str]


def make_port(
    made: Made, saved: Definition, network: str, subnet: Find, group: Find, addresses: str, log: Callable[[str], None]
) -> str:
    """The id of a port in this network. `subnet` and `group` give the new id of a saved one, or raise."""
    from openstack.exceptions import ConflictException

    asked = {**body("port", saved), "network_id": network}
    asked["security_groups"] = [group(each) for each in saved.get("security_groups", ())]
    if pairs := saved.get("allowed_address_pairs"):
        asked["allowed_address_pairs"] = [_pair(each, saved["mac_address"]) for each in pairs]
    anywhere = [{"subnet_id": subnet(each["subnet_id"])} for each in saved.get("fixed_ips", ())]
    there = [
        each if automatic(old["ip_address"], saved["mac_address"]) else {**each, "ip_address": old["ip_address"]}
        for each, old in zip(anywhere, saved.get("fixed_ips", ()), strict=True)
    ]
    kept = {**asked, "fixed_ips": there}
    other = {**{field: value for field, value in asked.items() if field != "mac_address"}, "fixed_ips": anywhere}
    with told(f"create the port {label(saved)}"):
        try:
            return made.make("port", saved, other if addresses == "new" else kept)
        except ConflictException as error:
            if refusal(error) not in TAKEN:
                raise
            if addresses == "keep":
                raise OpenStackError(
                    f"cannot create the port {label(saved)}: {reason(error)}; the parameter `addresses` may be "
                    "`when-free` or `new` for another address"
                ) from error
            log(f"the port {label(saved)} gets another address: {reason(error)}")
            return made.make("port", saved, other)


def label(saved: Definition) -> str:
    """A port's name and addresses; the addresses alone when it has no name."""
    addresses = ", ".join(_addresses(saved.get("fixed_ips", ()))) or saved["mac_address"]
    return f"{saved['name']!r} ({addresses})" if saved["name"] else f"({addresses})"


def automatic(address: str, mac_address: str) -> bool:
    """Whether an IPv6 address follows from the hardware address (SLAAC). Neutron refuses to be asked for one."""
    parsed = ipaddress.ip_address(address)
    if parsed.version != 6:
        return False
    mac = bytes.fromhex(mac_address.replace(":", ""))
    return parsed.packed[8:] == bytes([mac[0] ^ 2, *mac[1:3], 0xFF, 0xFE, *mac[3:]])


def _addresses(fixed: Sequence[Mapping[str, Any]]) -> list[str]:
    return [str(each["ip_address"]) for each in fixed]


def _pair(pair: Mapping[str, Any], mac_address: str) -> dict[str, Any]:
    """Neutron fills in the port's own hardware address, which may be another one by now."""
    return {field: value for field, value in pair.items() if field != "mac_address" or value != mac_address}
