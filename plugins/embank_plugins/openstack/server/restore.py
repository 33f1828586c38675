"""Create a server like a saved one, from what its dependents were restored as.

First everything is found that it needs, then its ports are made, then the server, each once in a restore; what is
left to do waits until it is active. Volumes are attached from the beginning: a guest whose disks come later than its
first boot may not get up (decision CLOUD-7).
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from embank.plugins import Context, Json, Poll, Resource
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.network.made import Made
from embank_plugins.openstack.network.port import make_port
from embank_plugins.openstack.refusals import told
from embank_plugins.openstack.server.discard import BUILDING, SETTLED, discard
from embank_plugins.openstack.server.floating import check_floating, give_floating, plan_floating
from embank_plugins.openstack.server.needs import Needs
from embank_plugins.openstack.server.states import STOP, change_state, fault, find_server, gone, known_server, label
from embank_plugins.openstack.server.targets import Targets
from embank_plugins.openstack.waiting import created

TAGS = "2.26"  # the microversion since which servers have them


@dataclass(frozen=True)
class ServerRestore:
    """One server, in one restore."""

    cloud: Any
    made: Made
    targets: Targets
    needs: Needs
    context: Context
    resource: Resource
    saved: Mapping[str, Any]
    wishes: Mapping[str, Json]
    build_timeout: float
    state_timeout: float

    def check(self) -> None:
        """Raise OpenStackError when something is missing that this server's dependents do not bring."""
        check_floating(self.made, self.saved["floating_addresses"], self._floating)
        self.needs.check()

    @property
    def _floating(self) -> str:
        return str(self.wishes.get("floating_addresses", "when-free"))

    def run(self) -> Generator[Poll, None, str]:
        """The id of the restored server. May be repeated."""
        before = self.context.started(self.resource, "server")
        asked = None if before else self.needs.found()
        yield from self._ports()
        server = yield from self._server(asked)
        yield from give_floating(self.made, self.context.once(self.resource, "floating", self._plan_floating))
        yield from self.made.finish()
        yield from self._state(server)
        self._tag(server)
        self._delete_with(server)  # the last thing: whoever removes the server now removes its volumes
        return str(server.id)

    def _plan_floating(self, _: str) -> list[dict[str, Json]]:
        network: Json = self.wishes.get("external_network")
        return plan_floating(self.made, self.saved["floating_addresses"], self._floating, network, self.context.log)

    def _go_on(self) -> None:
        if self.context.cancelled:  # the closer may have removed what there was
            raise OpenStackError("given up")

    def _ports(self) -> Iterator[Poll]:
        """Make the ports; once all are made, which they are stands in the bank."""
        made, targets = self.made, self.targets
        built = self.context.started(self.resource, "ports")
        if not (built and built.value):
            addresses = self.wishes.get("addresses", "when-free")
            for port in self.saved["ports"]:
                yield Poll(after=0, message=f"port {port['mac_address']}")
                self._go_on()
                network = targets.network(port["network_id"])
                left = made.visible("port", port["id"]) if addresses != "new" else None
                if left and left.network_id == network and not left.device_id:
                    made.new["port"][port["id"]] = left.id  # it outlived its server
                else:
                    make_port(made, port, network, targets.subnet, targets.group, addresses, self.context.log)
        known = self.context.once(self.resource, "ports", lambda _: {"new": made.new, "unfinished": made.unfinished})
        made.new, made.unfinished = known["new"], known["unfinished"]

    def _server(self, asked: Mapping[str, Any] | None) -> Generator[Poll, None, Any]:
        """The server, when it is active. One that failed is removed, so that the next attempt starts anew."""
        before = self.context.started(self.resource, "server")
        if before and before.value is None:
            yield Poll(after=SETTLED, message="looking for a server that was asked for before")
        try:
            server_id = self.context.once(self.resource, "server", lambda token: self._find_or_create(token, asked))
        except OpenStackError as error:
            if refused(error):  # now; whether Nova builds one that an earlier request was for, its tag will tell
                yield from self._discard()
            raise
        deadline = time.monotonic() + self.build_timeout
        while (server := find_server(self.cloud.compute, server_id)) and server.status == "BUILD":
            if time.monotonic() > deadline:
                raise OpenStackError(f"{label(server)} is still being built after {self.build_timeout:g} s")
            yield Poll(after=BUILDING, message=f"{server.status} {server.task_state or ''}".strip())
        if server is None:
            self.context.forget(self.resource, "server")
            raise OpenStackError(f"{gone(server_id)}: it was removed while it was being restored")
        if server.status == "ERROR":
            yield from self._discard()
            raise OpenStackError(f"{label(server)} could not be built, and was removed{fault(server)}")
        return server

    def _find_or_create(self, token: str, asked: Mapping[str, Any] | None) -> str:
        compute, saved = self.cloud.compute, self.saved
        nics = [
            {"port": self.made.new["port"][port["id"]], **({"tag": port["nic"]} if "nic" in port else {})}
            for port in saved["ports"]
        ]
        with told(f"look for the server {saved['name']!r}"):
            found = next(iter(compute.servers(tags=token)), None)
        if not found:
            asked = self.needs.found() if asked is None else asked
            self._go_on()
            with told(f"create the server {saved['name']!r}"):
                wanted = {**asked, "networks": nics or "none", "tags": [token]}
                found = created(
                    lambda: compute.create_server(**wanted), lambda: next(iter(compute.servers(tags=token)), None)
                )
        return str(found.id)

    def _discard(self) -> Iterator[Poll]:
        yield from discard(self.cloud, self.made, self.context, self.resource, self.state_timeout)

    def _tag(self, server: Any) -> None:
        """The saved tags, and no longer ours."""
        from openstack.exceptions import raise_from_response

        with told(f"tag {label(server)}"):
            url, tags = f"/servers/{server.id}/tags", {"tags": self.saved["tags"]}
            raise_from_response(self.cloud.compute.put(url, json=tags, microversion=TAGS))

    def _delete_with(self, server: Any) -> None:
        """Volumes that were to be deleted with their server are so again, now that it is there."""
        for volume in self.needs.volumes():
            if volume["delete_on_termination"]:
                volume_id = self.targets.volume(volume["volume_id"])
                with told(f"have the volume {volume_id} deleted with {label(server)}"):
                    self.cloud.compute.update_volume_attachment(server.id, volume_id, delete_on_termination=True)

    def _state(self, server: Any) -> Iterator[Poll]:
        if self.saved["status"] == "SHUTOFF":
            yield from change_state(self.cloud.compute, server.id, STOP, self.state_timeout)
        elif self.saved["status"] != "ACTIVE":
            now = known_server(self.cloud.compute, server.id)
            self.context.log(f"{label(now)} was {self.saved['status']} when it was saved, and is {now.status}")


def refused(error: OpenStackError) -> bool:
    """Whether a service has said no to what was asked of it."""
    return 400 <= (getattr(error.__cause__, "status_code", None) or 0) < 500
