"""Volumes restored for another project than that of the backup or snapshot, which only its own project can use.

Cinder restores there. Then the volume is handed over: a transfer is offered in one project and accepted in the other,
by the same user, who has a role in both (decision CLOUD-4).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from embank.plugins import Context, Poll, Resource
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.cloud import Cloud
from embank_plugins.openstack.refusals import told
from embank_plugins.openstack.volume.cinder import VOLUME, found, removed
from embank_plugins.openstack.volume.made import STARTED
from embank_plugins.openstack.waiting import created

OFFERED = "awaiting-transfer"


def storage_in(cloud: Cloud, project: str, resource: Resource) -> Any:
    """Cinder, in a project. Raises OpenStackError when who is logged in to another one cannot work in it."""
    from keystoneauth1.exceptions import ClientException
    from openstack.exceptions import SDKException

    try:
        there = cloud.connection.connect_as(project_id=project, project_name=None, project_domain_name=None)
        there.authorize()
    except (ClientException, SDKException) as error:
        raise OpenStackError(
            f"what was saved of {resource} belongs to the project {project}, and the user of [openstack] cannot work "
            "there: give it a role in both projects (application credentials and trusts are for one alone), or log "
            f"in to that project: {error}"
        ) from error
    return there.block_storage


def arrived(target: Any, context: Context, resource: Resource) -> str | None:
    """The volume that an earlier run of the restore has handed over already."""
    started = context.started(resource, STARTED)
    known = started.value if started else None
    return known if isinstance(known, str) and found(target, VOLUME, known) else None


def handed_over(source: Any, target: Any, resource: Resource, id: str) -> Iterator[Poll]:
    """Give a volume to another project. What was begun by a run that was killed is begun anew: the key of an offer
    is a secret, and stands nowhere.
    """
    if found(target, VOLUME, id) is None:
        with told(f"hand the volume {id}, restored for {resource}, over to the project that is logged in to"):
            withdrawn(source, id)
            offer = created(
                lambda: source.create_transfer(volume_id=id, name=f"embank-{id}"), lambda: withdrawn(source, id)
            )
            target.accept_transfer(offer.id, offer.auth_key)
    while (volume := found(target, VOLUME, id)) is None or volume.status != "available":
        if volume is not None and volume.status != OFFERED:
            raise OpenStackError(
                f"the volume {id}, restored for {resource}, is in {volume.status} after its handover"
            )
        yield Poll(message="Cinder hands the volume over")


def withdrawn(source: Any, id: str) -> None:
    """Take back the offers of a volume, so that it can be offered again, or deleted."""
    for offer in source.transfers():
        if offer.volume_id == id:
            source.delete_transfer(offer.id, ignore_missing=True)


def taken_back(source: Any, target: Any, id: str) -> Iterator[Poll]:
    """Remove a volume, in whichever of the projects it is."""
    with told(f"withdraw the offer of the volume {id}"):
        withdrawn(source, id)
    yield from removed(target, VOLUME, id)
    yield from removed(source, VOLUME, id)
