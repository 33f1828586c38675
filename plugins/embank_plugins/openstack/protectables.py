"""What `embank discover` finds in a cloud: the project that is logged in to, and what belongs to it.

    project ─► servers ─► volumes, images, networks
          └──────────────► volumes, images, networks

Below a server is what a restore of it needs, whoever owns it (decision CLOUD-9): also a public image, or a shared
network. Below the project is what it owns, and never what an administrator could see besides. A few listings answer
everything, however many servers there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from embank.plugins import Protectable, Resource
from embank_plugins.openstack import IMAGE, NETWORK, PROJECT, SERVER, VOLUME, OpenStackError
from embank_plugins.openstack.cloud import Cloud, cloud_options
from embank_plugins.openstack.refusals import told

if TYPE_CHECKING:
    from oslo_config import cfg

PAGE = 1000  # resources in an answer, if the service gives as many; the next page is asked for until there is none
OUT_OF_REACH = "UNKNOWN"  # the status of a server of which Nova says hardly anything, because its cell is down


class _InCloud(Protectable):
    """A type of resources in the project that is logged in to."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self._cloud = Cloud(conf)

    @classmethod
    def options(cls) -> Mapping[str, Sequence[cfg.Opt]]:
        """The section [openstack]."""
        return cloud_options()


class ProjectProtectable(_InCloud):
    """One: the project."""

    resource_type = PROJECT

    def list_resources(self) -> Iterable[Resource]:
        """The project, by the name that it had at the login."""
        project = self._cloud.connection.current_project
        return [Resource(PROJECT, project.id, project.name or "")]


class _Owned(_InCloud):
    """A type of resources that the project owns. What was listed is kept until the next discovery begins."""

    parent_types: ClassVar[tuple[str, ...]] = (PROJECT,)

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self._found: dict[str, Resource] = {}

    def list_resources(self) -> Iterable[Resource]:
        """Those that the project owns."""
        self._found = {each.id: self._resource(each) for each in self.owned()}  # each once, also if listed twice
        return [*self._found.values()]

    def list_dependents(self, parent: Resource) -> Iterable[Resource]:
        """All of them belong to the project."""
        if parent.id != self._cloud.project_id:
            raise OpenStackError(f"the login is for the project {self._cloud.project_id}, not for {parent}")
        return [*self._found.values()]

    def owned(self) -> Iterator[Any]:
        """What the service lists, page after page: objects with `id` and `name`. Raises OpenStackError."""
        raise NotImplementedError

    def _resource(self, thing: Any) -> Resource:
        return Resource(self.resource_type, thing.id, thing.name or "")


class ServerProtectable(_Owned):
    """Servers."""

    resource_type = SERVER

    def owned(self) -> Iterator[Any]:
        """See _Owned."""
        return _servers(self._cloud)


class _Used(_Owned):
    """A type of resources that the project owns, or that its servers use."""

    parent_types = (PROJECT, SERVER)

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__(conf)
        self._used: Mapping[str, Sequence[str]] | None = None
        self._others: dict[str, Resource] = {}

    def list_resources(self) -> Iterable[Resource]:
        """Those that the project owns."""
        self._used, self._others = None, {}
        return super().list_resources()

    def list_dependents(self, parent: Resource) -> Iterable[Resource]:
        """Those of the project, or those that a server uses."""
        if parent.type != SERVER:
            return super().list_dependents(parent)
        if self._used is None:
            self._used = self.used()
        if parent.id not in self._used:
            raise OpenStackError("the server has gone since it was listed: try again")
        return [self._one(each, parent) for each in self._used[parent.id]]

    def used(self) -> Mapping[str, Sequence[str]]:
        """The ids of what servers use, by the id of the server."""
        raise NotImplementedError

    def other(self, id: str) -> Any:
        """What somebody else owns, or what is newer than the listing. Raises NotFoundException."""
        raise NotImplementedError

    def vanished(self, id: str, parent: Resource) -> Resource:
        """For what a server uses and nobody can see. It is listed all the same, without its name: to leave it out
        silently would leave it unprotected. Its protection fails and says why, unless a plan excludes it.
        """
        return Resource(self.resource_type, id, "")

    def _one(self, id: str, parent: Resource) -> Resource:
        known = self._found.get(id) or self._others.get(id)
        if known is None:
            known = self._others[id] = self._look_up(id, parent)
        return known

    def _look_up(self, id: str, parent: Resource) -> Resource:
        from openstack.exceptions import NotFoundException

        with told(f"look up {id}, which {parent} uses"):
            try:
                return self._resource(self.other(id))
            except NotFoundException:
                return self.vanished(id, parent)


class VolumeProtectable(_Used):
    """Volumes; below a server those that are attached to it."""

    resource_type = VOLUME

    def owned(self) -> Iterator[Any]:
        """See _Owned. Without Cinder's own, which it makes while it backs up a snapshot or moves a volume, and then
        removes: they count for no quota (decision CLOUD-13). Before Cinder's API 3.65 nothing tells them from others.
        """
        for each in _paged("volumes", lambda: self._cloud.connection.block_storage.volumes(limit=PAGE)):
            if each.consumes_quota is not False:
                yield each

    def used(self) -> Mapping[str, Sequence[str]]:
        """See _Used."""
        return {each.id: [volume["id"] for volume in each.attached_volumes or ()] for each in _servers(self._cloud)}

    def other(self, id: str) -> Any:
        """See _Used."""
        return self._cloud.connection.block_storage.get_volume(id)

    def vanished(self, id: str, parent: Resource) -> Resource:
        """A server loses its volumes before they can be deleted: this is a race, or something is broken."""
        raise OpenStackError(
            f"Nova says that the volume {id} is attached to the server, and Cinder has no such volume: try again; "
            "if it stays so, detach it or have it repaired"
        )


class ImageProtectable(_Used):
    """Images; below a server the one that it was booted from, unless it was booted from a volume."""

    resource_type = IMAGE

    def owned(self) -> Iterator[Any]:
        """See _Owned. Glance lists hidden ones only if asked for them."""
        cloud = self._cloud
        yield from _paged("images", lambda: cloud.connection.image.images(owner=cloud.project_id, limit=PAGE))
        hidden = {"owner": cloud.project_id, "is_hidden": True, "limit": PAGE}
        yield from _paged("hidden images", lambda: cloud.connection.image.images(**hidden))

    def used(self) -> Mapping[str, Sequence[str]]:
        """See _Used."""
        return {each.id: [each.image.id] if each.image and each.image.id else [] for each in _servers(self._cloud)}

    def other(self, id: str) -> Any:
        """See _Used."""
        return self._cloud.connection.image.get_image(id)


class NetworkProtectable(_Used):
    """Networks; below a server those that its ports are in."""

    resource_type = NETWORK

    def owned(self) -> Iterator[Any]:
        """See _Owned."""
        own = {"project_id": self._cloud.project_id, "limit": PAGE}
        return _paged("networks", lambda: self._cloud.connection.network.networks(**own))

    def used(self) -> Mapping[str, Sequence[str]]:
        """See _Used. The ports of all servers at once."""
        networks: dict[str, dict[str, None]] = {each.id: {} for each in _servers(self._cloud)}
        own = {"project_id": self._cloud.project_id, "limit": PAGE}
        for port in _paged("ports", lambda: self._cloud.connection.network.ports(**own)):
            if port.device_id in networks:
                networks[port.device_id][port.network_id] = None
        return {server: list(found) for server, found in networks.items()}

    def other(self, id: str) -> Any:
        """See _Used."""
        return self._cloud.connection.network.get_network(id)


def _servers(cloud: Cloud) -> Iterator[Any]:
    """The project's servers in detail. Raises OpenStackError when Nova cannot say everything about one of them."""
    for server in _paged("servers", lambda: cloud.connection.compute.servers(limit=PAGE)):
        if server.status == OUT_OF_REACH:
            raise OpenStackError(
                f"Nova cannot say what belongs to the server {server.id}, because the cell that it is in does not "
                "answer: try again when it does"
            )
        yield server


def _paged(plural: str, listing: Callable[[], Iterable[Any]]) -> Iterator[Any]:
    """A listing, page after page. Raises OpenStackError when it breaks off, and says where."""
    count, last = 0, ""
    try:
        with told(f"list the {plural} of the project"):
            for each in listing():
                yield each
                count, last = count + 1, each.id
    except OpenStackError as error:
        if not count:
            raise
        raise OpenStackError(
            f"{error}. {count} {plural} were listed before, the last of them {last}; if that one was deleted "
            "meanwhile, try again"
        ) from error.__cause__
