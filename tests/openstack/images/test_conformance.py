"""The kit for protection plugins, on images of a real Glance."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import pytest

from embank.conformance.plugin import Subject
from embank.plugins import Operation, Resource
from embank_plugins.openstack.image.plugin import ImagePlugin
from kit.openstack.conformance import Killed, OnCloud
from kit.openstack.images import (
    ALWAYS,
    NAME,
    PROPERTIES,
    make_image,
    own_images,
    remove_images,
)

pytestmark = [pytest.mark.openstack, pytest.mark.xdist_group("image conformance")]


class AnyImage:
    """As a subject, an image with data, and with properties of all kinds."""

    data = os.urandom(300_000)

    @pytest.fixture
    def subject(self, resource_id: str, tenant: Any) -> Subject:
        make_image(tenant.connection, self.data, **PROPERTIES)

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


class TestConformance(AnyImage, OnCloud):
    KILLED, KILLED_RESTORING = 2, 32


@pytest.mark.nightly
class TestKilledAtEveryStep(AnyImage, Killed):
    pass
