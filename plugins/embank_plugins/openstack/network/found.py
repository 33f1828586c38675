"""Networks that a restore does not make but finds: those of other projects, and those that it is told to use.

Nothing else but the security group `default` is found by its name (decision CLOUD-8).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.network.definition import Definition
from embank_plugins.openstack.network.made import Made
from embank_plugins.openstack.refusals import told


def chosen_network(made: Made, wanted: str) -> Any:
    """The network that a parameter `network` names, by id or name."""
    return made.visible("network", wanted) or _only(
        made, wanted, lambda network: True, f"there is no network {wanted!r} that this project can use"
    )


def foreign_network(made: Made, saved: Definition) -> Any:
    """Another project's network that is not visible by its id: the shared one that has its name."""
    return _only(
        made,
        saved["name"],
        lambda network: network.is_shared or network.is_router_external,
        f"the network {saved['name']!r} ({saved['id']}) belonged to another project, and there is no shared network "
        "of this id or name here: say with the parameter `network` which one to use instead",
    )


def external_network(made: Made, saved: Definition, wanted: str | None) -> str:
    """The id of the network that a router's gateway or a floating address was in: the one that the parameter
    `external_network` names, or that of the saved id, or that of the saved name.
    """
    name = wanted or saved["network_name"]
    for network_id in (wanted,) if wanted else (saved["network_id"],):
        found = made.visible("network", network_id)
        if found and found.is_router_external:
            return str(found.id)
    missing = f"there is no external network {name!r}"
    if not wanted:
        missing += f" ({saved['network_id']}): say with the parameter `external_network` which one to use instead"
    return str(_only(made, name, lambda network: network.is_router_external, missing).id)


def _only(made: Made, name: str, fits: Callable[[Any], bool], missing: str) -> Any:
    with told(f"look for the network {name!r}"):
        found = [network for network in made.neutron.networks(name=name) if fits(network) and _usable(made, network)]
    if len(found) > 1:
        ids = ", ".join(sorted(network.id for network in found))
        raise OpenStackError(f"several networks are called {name!r}: say which one, by its id ({ids})")
    if not found:
        raise OpenStackError(missing)
    return found[0]


def _usable(made: Made, network: Any) -> bool:
    return bool(network.project_id == made.project or network.is_shared or network.is_router_external)
