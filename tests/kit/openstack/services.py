"""The services of the tests' OpenStack: started, stopped and killed by name (see programs.py)."""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from keystoneauth1.exceptions import ClientException
from openstack.exceptions import SDKException

from kit.openstack.accounts import log_in
from kit.openstack.database import sql
from kit.openstack.processes import PATIENCE, NotStarted, Processes
from kit.openstack.programs import programs
from kit.openstack.site import REGION, Site

AGENTS = {
    "block_storage": ("cinder-scheduler", "cinder-volume", "cinder-backup"),
    "compute": ("nova-conductor", "nova-scheduler", "nova-compute"),
}


class Services:
    """Those of a cloud whose database runs."""

    def __init__(self, site: Site, processes: Processes) -> None:
        self.site = site
        self._processes = processes
        self._programs = programs(site)

    @cached_property
    def admin(self) -> Any:
        """A connection as the administrator."""
        return log_in(self.site.url("keystone"), REGION)

    def start(self, *names: str, wait_for: Callable[[], None] = lambda: None) -> None:
        """Start these, or all, and wait until they do their work. Raises NotStarted.

        `wait_for`: what only the services without an API need.
        """
        begin = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        chosen = {name: self._programs[name] for name in names or self._programs}
        apis = {name: program for name, program in chosen.items() if program.url}
        for name, program in apis.items():
            self._processes.launch(name, program)
        for name, program in apis.items():
            self._processes.wait(name, program)
        wait_for()
        agents = [name for name in chosen if name not in apis]
        for name in agents:  # they ask the APIs
            self._processes.launch(name, chosen[name])
        deadline = time.monotonic() + PATIENCE
        while late := [name for name in agents if not self._works(name, begin)]:
            self._processes.check(*chosen)
            if time.monotonic() > deadline:
                raise NotStarted(f"{late[0]} does nothing:\n{self._processes.last_lines(late[0])}")
            time.sleep(0.3)

    def greet(self) -> None:
        """Ask each API for something, one after the other. Neutron denies what comes while its first request has it
        read its policies: those of listing, and those of making something, are read apart.
        """
        admin = self.admin
        listings = admin.network.networks, admin.image.images, admin.compute.servers, admin.block_storage.volumes
        for listing in listings:
            assert list(listing()) == []
        admin.network.delete_network(admin.network.create_network(name="greeting"))

    def stop(self, *names: str) -> None:
        """Ask them to end, and wait for that."""
        self._processes.end(*names)

    def kill(self, *names: str) -> None:
        """Without any warning, as a machine that loses power."""
        self._processes.end(*names, kill=True)

    def sql(self, script: str) -> None:
        """Change what is in the databases, as the services would with many more requests."""
        sql(self._processes, script)

    @contextlib.contextmanager
    def killed_at_last(self) -> Iterator[None]:
        """All but the database are gone after the block: nothing of them is kept."""
        try:
            yield
        finally:
            self.kill(*self._processes.running.keys() - {"mariadb"})

    def _works(self, name: str, begin: datetime.datetime) -> bool:
        """Whether it has said so since then."""
        with contextlib.suppress(
            SDKException, ClientException
        ):  # such as when Cinder's scheduler does not listen yet
            for service, agents in AGENTS.items():
                if name in agents:
                    found = [each for each in getattr(self.admin, service).services() if each.binary == name]
                    if not any(each.state == "up" and _time(each.updated_at) > begin for each in found):
                        return False
            if name == "cinder-volume":
                return any(True for _ in self.admin.block_storage.backend_pools())
            if name == "nova-compute":
                return self._has_room()
            return True
        return False

    def _has_room(self) -> bool:
        """Whether Placement knows of a hypervisor with room for a server, as Nova's scheduler asks it."""
        asked = self.admin.placement.get("/resource_providers?resources=VCPU:1", microversion="1.4")
        return any(self.admin.compute.hypervisors()) and bool(asked.json()["resource_providers"])


def _time(text: str | None) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text) if text else datetime.datetime.min
