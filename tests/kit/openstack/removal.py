"""Delete what tests have made in their projects."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any
from urllib.parse import quote

from openstack.exceptions import NotFoundException, SDKException

from kit.openstack.tenant import Tenant

PATIENCE = 180  # s; a backup that is being made ends first
BUSY = 60  # s
AGAIN = 10  # s
PAUSE = 0.3  # s
BULK = 1000  # objects in a request


def lose_resources(admin: Any, tenant: Tenant) -> None:
    """Delete servers, volumes, images and networks; backups and objects stay."""
    for step in (_servers, _snapshots, _volumes, _images, _network):
        step(admin, tenant)


def remove_tenant(admin: Any, tenant: Tenant) -> None:
    """Delete all that is in the project, the user, and the project. Fails when something cannot be deleted."""
    with contextlib.ExitStack() as last_first:  # each, whatever becomes of the others
        last_first.callback(admin.identity.delete_project, tenant.project_id)
        last_first.callback(admin.identity.delete_user, tenant.user_id)
        for step in (_objects, _network, _images, _volumes, _snapshots, _groups, _backups, _servers):
            last_first.callback(step, admin, tenant)


def _own(listing: Callable[..., Iterable[Any]], tenant: Tenant) -> Callable[[], Iterable[Any]]:
    """Those of the project, as an administrator lists them."""
    return lambda: listing(all_projects=True, project_id=tenant.project_id)


def _until_gone(
    things: Callable[[], Iterable[Any]],
    delete: Callable[[Any], object],
    busy: Container[str] = (),
    reset: Callable[[Any], object] = lambda _: None,
) -> None:
    """Ask for the deletion of all of them until they are gone, again when one is still there after a while.

    One that is `busy` by its status gets its time to end that, and is then `reset`.
    """
    asked: dict[str, float] = {}
    reason = ""
    begin = time.monotonic()
    while left := list(things()):
        now = time.monotonic()
        for thing in left:
            if (thing.status in busy and now < begin + BUSY) or now < asked.get(thing.id, 0) + AGAIN:
                continue
            try:
                if thing.status in busy:
                    reset(thing)
                delete(thing)
                asked[thing.id] = now
            except SDKException as error:  # not yet: something depends on it
                reason = str(error)
        if now > begin + PATIENCE:
            names = [f"{type(each).__name__} {each.id} ({each.status})" for each in left]
            raise AssertionError(f"a test left what cannot be deleted: {', '.join(names)}: {reason}")
        time.sleep(PAUSE)


@contextlib.contextmanager
def _gone() -> Iterator[None]:
    with contextlib.suppress(NotFoundException):
        yield


def _servers(admin: Any, tenant: Tenant) -> None:
    compute = admin.compute
    _until_gone(_own(compute.servers, tenant), compute.delete_server)
    for pair in compute.keypairs(user_id=tenant.user_id):
        compute.delete_keypair(pair, user_id=tenant.user_id)
    for group in compute.server_groups(all_projects=True):
        if group.project_id == tenant.project_id:
            compute.delete_server_group(group)


def _backups(admin: Any, tenant: Tenant) -> None:
    """Of a chain the newest first: Cinder refuses the others until then."""
    storage = admin.block_storage
    _until_gone(
        lambda: storage.backups(details=True, all_tenants=True, project_id=tenant.project_id),
        lambda backup: storage.delete_backup(backup, force=backup.status not in ("available", "error")),
        ("creating", "restoring", "deleting"),
        lambda backup: storage.reset_backup_status(backup, "error"),
    )


def _groups(admin: Any, tenant: Tenant) -> None:
    """From inside the project: as everybody's, groups do not tell whose they are."""
    storage = _inside(admin, tenant).block_storage
    _until_gone(storage.group_snapshots, storage.delete_group_snapshot, ("creating",))
    _until_gone(storage.groups, lambda group: storage.delete_group(group, delete_volumes=True))


def _snapshots(admin: Any, tenant: Tenant) -> None:
    storage = admin.block_storage
    _until_gone(
        _own(storage.snapshots, tenant),
        lambda snapshot: storage.delete_snapshot(snapshot, force=True),
        ("creating", "backing-up"),
        lambda snapshot: storage.reset_snapshot_status(snapshot, "error"),
    )


def _volumes(admin: Any, tenant: Tenant) -> None:
    storage = admin.block_storage

    def delete(volume: Any) -> None:
        for attachment in volume.attachments:  # its server has gone
            with _gone():
                storage.delete_attachment(attachment["attachment_id"])
        if volume.status not in ("available", "error", "deleting"):
            storage.reset_volume_status(volume, "error", "detached", "none")
        storage.delete_volume(volume, force=True)

    _until_gone(
        _own(storage.volumes, tenant),
        delete,
        ("creating", "downloading", "uploading", "backing-up", "restoring-backup", "detaching", "attaching"),
    )


def _images(admin: Any, tenant: Tenant) -> None:
    def delete(image: Any) -> None:
        if image.is_protected:
            admin.image.update_image(image, is_protected=False)
        admin.image.delete_image(image)

    _until_gone(lambda: admin.image.images(owner=tenant.project_id), delete)


def _network(admin: Any, tenant: Tenant) -> None:
    network, own = admin.network, {"project_id": tenant.project_id}
    for address in network.ips(**own):
        network.delete_ip(address)
    for router in network.routers(**own):
        if router.routes:
            network.update_router(router, routes=[])
        for port in network.ports(device_id=router.id):
            with _gone():
                network.remove_interface_from_router(router, port_id=port.id)
        network.delete_router(router)
    for port in network.ports(**own):
        with _gone():
            network.delete_port(port)
    for each in network.networks(**own):  # with their subnets
        network.delete_network(each)
    for pool in network.subnet_pools(**own):
        network.delete_subnet_pool(pool)
    for group in network.security_groups(**own):  # the default one, too: an administrator may
        with _gone():
            network.delete_security_group(group)


def _objects(admin: Any, tenant: Tenant) -> None:
    """With a token for the project: an account is its own only."""
    inside = _inside(admin, tenant).session
    account = inside.get_endpoint(service_type="object-store", interface="public")
    everything = {"Content-Type": "text/plain", "Accept": "application/json"}

    for container in _page(inside, account):
        path = quote(container)
        while found := _page(inside, f"{account}/{path}"):
            lines = "\n".join(f"{path}/{quote(name)}" for name in found)
            answer = inside.post(f"{account}?bulk-delete", data=lines.encode(), headers=everything)
            assert not answer.json()["Errors"], answer.text
        inside.delete(f"{account}/{path}")


def _inside(admin: Any, tenant: Tenant) -> Any:
    """A connection of the administrator's to the project."""
    return admin.connect_as(project_id=tenant.project_id, project_name=None, project_domain_name=None)


def _page(inside: Any, url: str) -> list[str]:
    """The first names of a listing."""
    return [each["name"] for each in inside.get(url, params={"format": "json", "limit": BULK}).json()]
