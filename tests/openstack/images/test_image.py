"""Images of a real Glance: saved and restored, or not."""

from __future__ import annotations

import os
import uuid
from typing import Any

import pytest

from embank.conformance.driver import KitContext
from embank.plugins import Operation, Phase
from embank_plugins.openstack import OpenStackError
from kit.http_proxy import Answer, Cut
from kit.openstack.images import (
    ALWAYS,
    NAME,
    driver_of,
    find,
    make_image,
    own_images,
    remove_images,
    restored,
)

pytestmark = [pytest.mark.openstack, pytest.mark.xdist_group("images")]


class TestRestore:
    """What becomes of images that are there, or not."""

    def test_an_image_that_is_there_is_used(self, tenant: Any, bank: Any) -> None:
        image = make_image(tenant.connection, b"disk", protected=True)
        driver = driver_of(tenant, image, bank)
        checkpoint = driver.protect()
        assert restored(driver, checkpoint, "first") == image
        remove_images(tenant)
        copy = restored(driver, checkpoint, "second")
        assert copy != image
        assert restored(driver, checkpoint, "third") == copy, "no duplicate"
        driver.subject.parameters = {Operation.RESTORE: ALWAYS}
        assert restored(driver, checkpoint, "fourth") not in (copy, image)
        assert len(own_images(tenant)) == 2

    def test_another_image_with_the_same_name_is_not_it(self, tenant: Any, bank: Any) -> None:
        image = make_image(tenant.connection, b"disk")
        driver = driver_of(tenant, image, bank)
        checkpoint = driver.protect()
        remove_images(tenant)
        other = make_image(tenant.connection, b"other disk")
        assert restored(driver, checkpoint, "restore") not in (image, other)

    def test_a_public_image_of_somebody_else(self, tenant: Any, bank: Any, openstack_services: Any) -> None:
        """It is there as a rule. A copy of it is ours alone, unless we ask for more than a member may."""
        admin = openstack_services.admin
        image = make_image(admin, b"public disk", visibility="public", name="test-public")
        driver = driver_of(tenant, image, bank)
        try:
            checkpoint = driver.protect()
            assert restored(driver, checkpoint, "there") == image
        finally:
            admin.image.delete_image(image)
        driver.subject.parameters = {Operation.RESTORE: {"visibility": "public"}}
        with pytest.raises(OpenStackError, match=r"cannot make the image: .*publicize_image.*role for it"):
            restored(driver, checkpoint, "public")
        driver.subject.parameters = {Operation.RESTORE: {"visibility": "community"}}
        assert find(tenant, restored(driver, checkpoint, "community"))["visibility"] == "community"
        remove_images(tenant)
        driver.subject.parameters = {}
        context = driver.run(Operation.RESTORE, driver.again(checkpoint, "private"))
        assert find(tenant, context.restored(driver.subject.resource)["image_id"])["visibility"] == "private"
        assert "was public: it is private now" in context.messages[0]

    @pytest.mark.parametrize("trouble", ["refused", "not answered", "swallowed"])
    def test_an_upload_that_fails_leaves_nothing(self, tenant: Any, bank: Any, proxy: Any, trouble: str) -> None:
        """And is tried once: a stream has no beginning to go back to."""
        image = make_image(tenant.connection, b"disk" * 1000)
        driver = driver_of(tenant, image, bank, {Operation.RESTORE: ALWAYS})
        checkpoint = driver.protect()
        proxy.seen.clear()
        fault, said = {
            "refused": (
                Answer(413, {}, b'{"e": {"message": "image quota exceeded"}}'),
                "the quota of the",
            ),
            "not answered": (Cut(-1), "cannot send the data of the image: Unable to establish"),
            "swallowed": (Answer(204), "Glance has not got what was sent: the image is queued"),
        }[trouble]
        proxy.rule = lambda method, url: fault if method == "PUT" and url.endswith("/file") else None
        mine = driver.again(checkpoint, "restore")
        with pytest.raises(OpenStackError, match=said):
            driver.call(Operation.RESTORE, Phase.PARALLEL, mine, KitContext(mine, Operation.RESTORE))
        assert proxy.count("PUT", "/file") == 1
        driver.close(Operation.RESTORE, mine)
        assert [each["id"] for each in own_images(tenant)] == [image]
        proxy.rule = lambda method, url: None
        assert restored(driver, checkpoint, "next") != image

    def test_a_retry_in_the_same_execution_begins_anew(self, tenant: Any, bank: Any, proxy: Any) -> None:
        image = make_image(tenant.connection, b"disk" * 1000)
        driver = driver_of(tenant, image, bank, {Operation.RESTORE: ALWAYS})
        checkpoint = driver.protect()
        left = [Cut(-1)]
        proxy.rule = lambda method, url: left.pop() if left and method == "PUT" and url.endswith("/file") else None
        mine = driver.again(checkpoint, "restore")
        with pytest.raises(OpenStackError):
            driver.call(Operation.RESTORE, Phase.PARALLEL, mine, KitContext(mine, Operation.RESTORE))
        context = driver.run(Operation.RESTORE, mine)
        copy = context.restored(driver.subject.resource)["image_id"]
        assert {each["id"] for each in own_images(tenant)} == {image, copy}
        assert find(tenant, copy)["status"] == "active"


class TestProtect:
    """Images that are not as images should be."""

    def test_no_bytes(self, tenant: Any, bank: Any) -> None:
        driver = driver_of(tenant, make_image(tenant.connection, b""), bank)
        checkpoint = driver.protect()
        remove_images(tenant)
        assert find(tenant, restored(driver, checkpoint, "restore"))["size"] == 0

    def test_no_data_yet(self, tenant: Any, bank: Any) -> None:
        """Its metadata are worth something."""
        driver = driver_of(tenant, make_image(tenant.connection, None, disk_format=None, container_format=None), bank)
        checkpoint = driver.begin()
        assert "has no data yet" in driver.run(Operation.PROTECT, checkpoint).messages[0]
        driver.run(Operation.VERIFY, driver.again(checkpoint, "verify"))
        remove_images(tenant)
        copy = find(tenant, restored(driver, checkpoint, "restore"))
        assert (copy["status"], copy["name"], copy["tags"]) == ("queued", NAME, ["web"])

    def test_refused(self, tenant: Any, bank: Any, openstack_services: Any) -> None:
        snapshot = make_image(tenant.connection, b"", block_device_mapping='[{"snapshot_id": "x"}]')
        with pytest.raises(OpenStackError, match="a server that boots from a volume, and names snapshots in Cinder"):
            driver_of(tenant, snapshot, bank).protect()
        hidden = make_image(tenant.connection, b"disk")
        openstack_services.admin.image.deactivate_image(hidden)
        with pytest.raises(OpenStackError, match="the image is deactivated: nobody but an administrator"):
            driver_of(tenant, hidden, bank).begin_and_protect("deactivated")
        with pytest.raises(OpenStackError, match=r"there is no image .*a plan that goes on without it excludes it"):
            driver_of(tenant, str(uuid.uuid4()), bank).begin_and_protect("vanished")

    def test_one_that_is_being_made_is_waited_for(self, tenant: Any, bank: Any, proxy: Any) -> None:
        """As while Nova saves a server."""
        image = make_image(tenant.connection, b"disk")
        driver = driver_of(tenant, image, bank)
        left = [
            Answer(200, {}, b'{"status": "saving"}'),
            Answer(200, {}, b'{"status": "saving"}'),
        ]
        proxy.rule = lambda method, url: left.pop() if left and url.endswith(f"/images/{image}") else None
        polls: list[None] = []
        checkpoint = driver.begin()
        context = KitContext(checkpoint, Operation.PROTECT)
        driver.call(Operation.PROTECT, Phase.PARALLEL, checkpoint, context, lambda: polls.append(None))
        assert len(polls) == 2
        assert b"".join(checkpoint.section(driver.subject.resource).read("data")) == b"disk"

    def test_a_download_that_breaks_off_goes_on(self, tenant: Any, bank: Any, proxy: Any) -> None:
        data = os.urandom(3_000_000)
        driver = driver_of(tenant, make_image(tenant.connection, data), bank)
        left = [Cut(500_000), Cut(-1), Cut(1_000_000)]
        proxy.rule = lambda method, url: left.pop() if left and url.endswith("/file") else None
        checkpoint = driver.protect()
        assert left == []
        assert b"".join(checkpoint.section(driver.subject.resource).read("data")) == data

    def test_a_download_that_never_comes_further(self, tenant: Any, bank: Any, proxy: Any) -> None:
        driver = driver_of(tenant, make_image(tenant.connection, b"disk" * 1000), bank)
        proxy.rule = lambda method, url: Cut(0) if url.endswith("/file") else None
        checkpoint = driver.begin()
        with pytest.raises(OpenStackError, match="the data of the image break off at byte 0"):
            driver.run(Operation.PROTECT, checkpoint)
        assert checkpoint.section(driver.subject.resource).names() == []

    def test_wrong_data(self, tenant: Any, bank: Any, proxy: Any) -> None:
        """As from a store that rots, or a cache that lies."""
        driver = driver_of(tenant, make_image(tenant.connection, b"disk"), bank)
        proxy.rule = lambda method, url: Answer(200, {}, b"risk") if url.endswith("/file") else None
        checkpoint = driver.begin()
        with pytest.raises(
            OpenStackError, match=r"the data of the image are damaged, or did not all arrive: .*sha512"
        ):
            driver.run(Operation.PROTECT, checkpoint)
        assert checkpoint.section(driver.subject.resource).names() == []
