"""The kit for protection plugins, on servers of a real Nova."""

from __future__ import annotations

from typing import Any

import pytest

from embank.conformance.plugin import Subject
from embank.plugins import Operation, Resource
from embank_plugins.openstack.server.plugin import ServerPlugin
from kit.openstack.conformance import Killed, OnCloud
from kit.openstack.servers import TYPE, clear, make_server, seen

pytestmark = [pytest.mark.openstack, pytest.mark.xdist_group("server conformance")]


@pytest.fixture(scope="module")
def original(here: Any, flavor: Any) -> Any:
    clear(here.connection)
    make_server(here.connection, flavor, metadata={"a": "b"}, tags=["prod"])
    return seen(here.connection)


class AnyServer:
    """As a subject, a server of one project, which is no test's own."""

    @pytest.fixture
    def subject(self, here: Any, flavor: Any, original: Any, resource_id: str) -> Subject:
        cloud = here.connection
        compute, neutron = cloud.compute, cloud.network
        if seen(cloud) != original:
            clear(cloud)
            make_server(cloud, flavor, metadata={"a": "b"}, tags=["prod"])

        def compare() -> None:
            assert seen(cloud) == original
            assert len(list(neutron.ports(project_id=here.project_id))) == 1

        def web() -> Resource:
            return Resource(TYPE, compute.find_server("web", ignore_missing=False).id, "web")

        def assert_deleted() -> None:
            subject.resource = web()  # restored, it has another id

        subject = Subject(
            plugin=ServerPlugin(here.conf(ServerPlugin)),
            resource=web(),
            destroy=lambda: clear(cloud),
            compare=compare,
            assert_deleted=assert_deleted,
            parameters={Operation.PROTECT: {"quiesce": "pause"}, Operation.RESTORE: {"existing": "reuse"}},
        )
        return subject


class TestConformance(AnyServer, OnCloud):
    KILLED, KILLED_RESTORING = 2, 12


@pytest.mark.nightly
class TestKilledAtEveryStep(AnyServer, Killed):
    pass
