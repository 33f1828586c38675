"""Which flavor a restored server gets, in a cloud that may be another one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.refusals import told
from embank_plugins.openstack.server.definition import SHAPE


def find_flavor(compute: Any, saved: Mapping[str, Any], wanted: str | None) -> str:
    """The id of the flavor that the parameter `flavor` names; or that of the same id, or name and shape, or shape."""
    with told("list the flavors"):
        flavors = list(compute.flavors())
    if wanted:
        for flavor in flavors:
            if wanted in (flavor.id, flavor.name):
                return str(flavor.id)
        raise OpenStackError(f"there is no flavor {wanted!r} that this project can use; there are {_names(flavors)}")
    for flavor in sorted(flavors, key=lambda each: (each.id != saved["id"], each.name != saved["name"], each.id)):
        if flavor.id == saved["id"] or all((flavor[field] or 0) == saved[field] for field in SHAPE):
            return str(flavor.id)
    shape = f"{saved['vcpus']} vCPUs, {saved['ram']} MiB of memory, {saved['disk']} GiB of disk"
    raise OpenStackError(
        f"there is no flavor like {saved['name']!r} ({shape}): say with the parameter `flavor` which one to use "
        f"instead; there are {_names(flavors)}"
    )


def _names(flavors: Iterable[Any]) -> str:
    return ", ".join(sorted(flavor.name for flavor in flavors)) or "none"
