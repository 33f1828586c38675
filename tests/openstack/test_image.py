"""Images, on a real Glance."""

from __future__ import annotations

import hashlib
import os
import runpy
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from embank.conformance.plugin import ProtectionPluginConformance, Subject
from embank.plugins import Operation, Resource
from embank_plugins.openstack.image import ImagePlugin

pytestmark = pytest.mark.openstack

tenants = runpy.run_path(str(Path(__file__).parents[1] / "services" / "openstack_tenant.py"))

STRIDE = 11

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


def make_image(tenant: Any, data: bytes | Iterator[bytes] | None = None, **changed: Any) -> str:
    """A new image in a tenant's project."""
    glance = tenant.connection.image
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


def own_images(tenant: Any) -> list[dict[str, Any]]:
    glance = tenant.connection.image
    return [
        image
        for hidden in ("true", "false")
        for image in glance.get("/images", params={"owner": tenant.project_id, "os_hidden": hidden}).json()["images"]
    ]


def remove_images(tenant: Any) -> None:
    for image in own_images(tenant):
        if image["protected"]:
            tenant.connection.image.update_image(image["id"], is_protected=False)
        tenant.connection.image.delete_image(image["id"])


@pytest.fixture(scope="module")
def tenant(openstack_services: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One for all tests here: each leaves no image in it."""
    directory = tmp_path_factory.mktemp("tenant")
    tenant = tenants["create_tenant"](openstack_services.admin, openstack_services.region, directory)
    yield tenant
    tenants["remove_tenant"](openstack_services.admin, tenant)


@pytest.fixture(autouse=True)
def _no_images(tenant: Any) -> Iterator[None]:
    yield
    remove_images(tenant)


class TestImage(ProtectionPluginConformance):
    data = os.urandom(300_000)

    @pytest.fixture(params=["one that Glance gives"])
    def resource_id(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def steps(self) -> Iterator[int]:
        """Some: all of them take minutes."""
        return count(2, STRIDE)

    @pytest.fixture
    def subject(self, resource_id: str, tenant: Any) -> Subject:
        make_image(tenant, self.data, **PROPERTIES)

        def resource() -> Resource:
            return Resource("OS::Glance::Image", own_images(tenant)[0]["id"], NAME)

        def compare() -> None:
            found = own_images(tenant)
            assert [each["status"] for each in found] == ["active"], "nothing else is left"
            assert {key: found[0].get(key) for key in PROPERTIES} == PROPERTIES
            data = tenant.connection.image.download_image(found[0]["id"]).content
            assert hashlib.sha256(data).digest() == hashlib.sha256(self.data).digest()

        def assert_deleted() -> None:
            subject.resource = resource()  # restored, it has another id

        subject = Subject(
            plugin=ImagePlugin(tenant.conf(ImagePlugin)),
            resource=resource(),
            destroy=lambda: remove_images(tenant),
            compare=compare,
            parameters={Operation.RESTORE: ALWAYS},
            assert_deleted=assert_deleted,
        )
        return subject
