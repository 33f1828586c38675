"""Images for tests, in a project of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from embank.conformance.driver import Driver, Subject
from embank.plugins import Bank, Operation, Resource
from embank_plugins.openstack.image.plugin import ImagePlugin
from kit.openstack.tenant import Tenant

NAME = "Debian 12 – “bookworm” <% $.x %>"
PROPERTIES = {
    "name": NAME,
    "disk_format": "raw",
    "container_format": "bare",
    "min_disk": 1,
    "min_ram": 64,
    "visibility": "private",
    "protected": True,
    "os_hidden": False,
    "tags": ["web"],
    "hw_disk_bus": "virtio",
    "owner_specified.openstack.object": "images/x",
}
ALWAYS = {"copy": "always"}


def make_image(cloud: Any, data: bytes | Iterator[bytes] | None = None, **changed: Any) -> str:
    """A new image in the project of a connection."""
    glance = cloud.image
    wanted = {**PROPERTIES, "protected": False, **changed}
    answer = glance.post("/images", json={key: value for key, value in wanted.items() if key != "protected"})
    assert answer.status_code == 201, answer.text
    image = str(answer.json()["id"])
    if data is not None:
        chunks = [data] if isinstance(data, bytes) else data
        headers = {"Content-Type": "application/octet-stream"}
        answer = glance.put(f"/images/{image}/file", data=iter(chunks), headers=headers)
        assert answer.status_code == 204, answer.text
    if wanted["protected"]:
        glance.update_image(image, is_protected=True)
    return image


def own_images(tenant: Tenant) -> list[dict[str, Any]]:
    glance = tenant.connection.image
    return [
        image
        for hidden in ("true", "false")
        for image in glance.get("/images", params={"owner": tenant.project_id, "os_hidden": hidden}).json()["images"]
    ]


def remove_images(tenant: Tenant) -> None:
    for image in own_images(tenant):
        if image["protected"]:
            tenant.connection.image.update_image(image["id"], is_protected=False)
        tenant.connection.image.delete_image(image["id"])


class ImageDriver(Driver):
    """For several images in one bank."""

    def begin_and_protect(self, checkpoint: str) -> None:
        self.run(Operation.PROTECT, self.begin(checkpoint))


def driver_of(tenant: Tenant, image: str, bank: Bank, parameters: dict[Operation, Any] | None = None) -> ImageDriver:
    plugin = ImagePlugin(tenant.conf(ImagePlugin))
    resource = Resource("OS::Glance::Image", image, NAME)
    return ImageDriver(Subject(plugin, resource, lambda: None, lambda: None, parameters or {}), bank)


def restored(driver: Driver, checkpoint: Any, execution: str) -> str:
    """The image that an execution of its own restores it as."""
    context = driver.run(Operation.RESTORE, driver.again(checkpoint, execution))
    return str(context.restored(driver.subject.resource)["image_id"])


def find(tenant: Tenant, image: str) -> dict[str, Any]:
    found: dict[str, Any] = tenant.connection.image.get(f"/images/{image}").json()
    return found
