"""Volumes for tests, and what they hold."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openstack.exceptions import NotFoundException

from embank.checkpoint.checkpoint import Checkpoint
from embank.conformance.driver import Driver, KitContext, Subject, exhaust
from embank.model import Operation, Phase, Resource
from embank.plugins import Bank, ProtectionPlugin
from kit.openstack.tenant import Tenant

TYPE = "OS::Cinder::Volume"
PATIENCE = 180  # s
PROVIDER = """[provider]
name = cloud
id = 1e0c8826-81d6-44f5-bbe5-8f46a98c5845
description = Volumes
bank = karbor.protections.embank-filesystem-bank-plugin
plugin = karbor.protections.karbor-volume-protection-plugin
[filesystem_bank]
path = $here/../bank
"""
FAILED = ("error", "error_restoring", "error_deleting", "killed")


def settled(get: Callable[[], Any], *states: str) -> Any:
    """What `get` gets, once it is in one of these states."""
    deadline = time.monotonic() + PATIENCE
    while (thing := get()).status not in states:
        assert thing.status not in FAILED, f"{thing.id} is in {thing.status}"
        assert time.monotonic() < deadline, f"{thing.id} is still {thing.status}"
        time.sleep(0.3)
    return thing


def new_volume(tenant: Tenant, **options: Any) -> Any:
    """An empty volume of 1 GiB."""
    storage = tenant.connection.block_storage
    made = storage.create_volume(**{"size": 1, "name": "a volume", **options})
    return settled(lambda: storage.get_volume(made.id), "available")


def volume_with(tenant: Tenant, data: bytes, **options: Any) -> Any:
    """A bootable volume of 1 GiB that begins with `data`."""
    image = tenant.connection.image.create_image(
        name="source", disk_format="raw", container_format="bare", data=data, min_disk=1, hw_disk_bus="virtio"
    )
    return new_volume(tenant, image_id=image.id, **options)


def content(cloud: Any, volume: str, size: int, directory: Path) -> bytes:
    """The first `size` bytes of a volume: uploaded as an image, which is downloaded."""
    images, storage = cloud.image, cloud.block_storage
    uploaded = storage.upload_volume_to_image(
        storage.get_volume(volume),
        f"dump-{uuid.uuid4().hex}",
        disk_format="qcow2",
        container_format="bare",
        force=True,
    )
    image = settled(lambda: images.get_image(uploaded["image_id"]), "active")
    packed, plain = directory / "dump.qcow2", directory / "dump.raw"
    images.download_image(image.id, output=str(packed), stream=True)
    images.delete_image(image.id)
    settled(lambda: storage.get_volume(volume), "available", "in-use")
    command = ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", str(packed), str(plain)]
    subprocess.run(command, check=True)
    with plain.open("rb") as file:
        return file.read(size)


def random_data() -> bytes:
    return os.urandom(4 << 20)


def resource_of(volume: Any) -> Resource:
    return Resource(TYPE, volume.id, volume.name)


def about(volume: Any) -> dict[str, Any]:
    """What a restored volume has in common with its original."""
    names = ("name", "size", "volume_type", "availability_zone", "is_bootable", "metadata", "volume_image_metadata")
    return {**{name: getattr(volume, name) for name in names}, "description": volume.description or ""}


def gone(get: Callable[[], Any]) -> bool:
    try:
        get()
    except NotFoundException:
        return True
    return False


def driver_of(plugin: ProtectionPlugin, volume: Any, bank: Bank, **parameters: Any) -> Driver:
    """Runs the activities of a plugin for one volume; `restore={"to": "original"}` are parameters."""
    given = {Operation(name): value for name, value in parameters.items()}
    nothing = Subject(plugin, resource_of(volume), lambda: None, lambda: None, given)
    return Driver(nothing, bank)


def restore(driver: Driver, checkpoint: Checkpoint, execution: str) -> str:
    """Restore, and give the id of the volume it was restored to."""
    context = driver.run(Operation.RESTORE, driver.again(checkpoint, execution))
    return str(context.restored(driver.subject.resource)["volume_id"])


def together(
    plugin: ProtectionPlugin, phase: Phase, checkpoint: Checkpoint, context: KitContext, volumes: list[Any]
) -> None:
    """An aggregated activity of the protection of some volumes, to its end."""
    activity = getattr(plugin, f"activity_protect_{phase}")
    exhaust(activity(checkpoint, context, tuple(map(resource_of, volumes)), ({},) * len(volumes)))


def wait_gone(get: Callable[[], Any]) -> None:
    """Until what `get` gets is not there any more."""
    wait_for(lambda: gone(get))


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, f"it is not so after {PATIENCE} s"
        time.sleep(0.3)
