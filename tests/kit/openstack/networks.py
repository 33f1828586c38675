"""Networks of a project in a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from embank.conformance.driver import Driver, KitContext, filesystem_bank
from embank.conformance.plugin import Subject
from embank.plugins import Operation, Resource
from embank_plugins.openstack.network.plugin import NetworkPlugin
from kit.openstack.tenant import Tenant

TYPE = "OS::Neutron::Network"


class Networks:
    """Some networks of a project in a checkpoint; restores go to any project."""

    def __init__(self, directory: Path, tenant: Tenant, *networks: Any) -> None:
        self.bank = filesystem_bank(directory / "bank")
        self.resources = tuple(Resource(TYPE, network.id, network.name) for network in networks)
        self.plugin = NetworkPlugin(tenant.conf(NetworkPlugin))
        self.driver = Driver(self._subject(self.plugin), self.bank)
        self.checkpoint = self.driver.begin()
        for resource in self.resources:
            context = KitContext(self.checkpoint, Operation.PROTECT)
            list(self.plugin.activity_protect_parallel(self.checkpoint, context, resource, {}))

    def _subject(self, plugin: NetworkPlugin) -> Subject:
        return Subject(plugin, self.resources[0], destroy=lambda: None, compare=lambda: None)

    def restore(self, tenant: Tenant, execution: str, **parameters: str) -> KitContext:
        """All of them, in one task; the context has what was said and recorded."""
        mine = self.driver.again(self.checkpoint, execution)
        context = KitContext(mine, Operation.RESTORE)
        plugin = NetworkPlugin(tenant.conf(NetworkPlugin))
        wishes = tuple(parameters for _ in self.resources)
        for _ in plugin.activity_restore_parallel(mine, context, self.resources, wishes):
            pass
        return context
