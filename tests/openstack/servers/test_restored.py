"""Servers of a real Nova: saved, lost, created again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embank.conformance.driver import KitContext, exhaust
from embank.plugins import Json, Operation, Phase, Resource
from embank_plugins.openstack import OpenStackError
from kit.openstack import topology
from kit.openstack.servers import Server, clear, eventually, make_server, seen

pytestmark = [pytest.mark.openstack, pytest.mark.xdist_group("servers restored")]


@pytest.fixture
def web(here: Any, flavor: Any, tmp_path: Path) -> Iterator[Server]:
    clear(here.connection)
    yield Server(tmp_path, here, make_server(here.connection, flavor, metadata={"a": "b"}))
    clear(here.connection)


def test_a_server_that_cannot_be_built_leaves_nothing_and_is_built_by_a_retry(
    web: Server, here: Any, openstack_services: Any, flavor: Any
) -> None:
    neutron, admin = here.connection.network, openstack_services.admin.compute
    web.save()
    original = seen(here.connection)
    clear(here.connection)
    for more, said in (
        ({"ram": 1 << 30, "disk": 1}, r"cannot create the server 'web': Quota exceeded for ram"),
        ({"ram": 64, "disk": 10_000_000}, r"'web'.*could not be built, and was removed: No valid host"),
    ):
        huge = admin.create_flavor(name=f"huge-{uuid.uuid4().hex[:8]}", vcpus=1, **more)
        try:
            with pytest.raises(OpenStackError, match=said):
                web.restore("first", existing="reuse", flavor=huge.name)
        finally:
            admin.delete_flavor(huge)
        assert list(web.compute.servers()) == []
        assert list(neutron.ports(project_id=here.project_id)) == []
    context = web.restore("first", existing="reuse")
    assert seen(here.connection) == original
    server_id = context.restored(web.resource)["server_id"]
    assert server_id == web.compute.find_server("web", ignore_missing=False).id

    context = web.restore("a copy beside it", existing="reuse")
    assert any("gets another address" in message for message in context.messages)
    assert [server.name for server in web.compute.servers()] == ["web", "web"]
    with pytest.raises(OpenStackError, match="`addresses` may be `when-free`"):
        web.restore("the same addresses", existing="reuse", addresses="keep")


class Forgetful(KitContext):
    """Cannot record that a restore has come to its end."""

    def record_restored(self, resource: Resource, information: Any) -> None:
        raise RuntimeError("the bank is away")


def left_in(tenant: Any) -> dict[str, Any]:
    """What a restore may leave behind."""
    cloud = tenant.connection
    return {
        "servers": [each.name for each in cloud.compute.servers()],
        "ports": [each.id for each in cloud.network.ports(project_id=tenant.project_id) if not each.device_owner],
        "addresses": [(each.id, each.port_id) for each in cloud.network.ips(project_id=tenant.project_id)],
        "volumes": [(each.id, each.status) for each in cloud.block_storage.volumes()],
    }


def test_a_restore_that_did_not_come_to_its_end_leaves_nothing(
    here: Any, openstack_services: Any, flavor: Any, tmp_path: Path
) -> None:
    """Left off with one of two ports, while Nova builds, with one of two addresses, and when all but the record of it
    was done. Not even the volume goes that is deleted with its server.
    """
    cloud = here.connection
    compute, neutron, storage = cloud.compute, cloud.network, cloud.block_storage
    clear(cloud)
    net, image = neutron.find_network("net", ignore_missing=False), cloud.image.find_image("tiny")
    with topology.external(openstack_services.admin) as public:
        router = neutron.create_router(name="out", external_gateway_info={"network_id": public.id})
        subnet = next(iter(neutron.subnets(network_id=net.id))).id
        neutron.add_interface_to_router(router, subnet)
        ports = [neutron.create_port(network_id=net.id) for _ in range(2)]
        kept, lost = [neutron.create_ip(floating_network_id=public.id, port_id=port.id) for port in ports]
        root = storage.create_volume(size=1, name="root", image_id=image.id)
        eventually(lambda: storage.get_volume(root.id), "available")
        disk = {"source_type": "volume", "destination_type": "volume", "uuid": root.id, "boot_index": 0}
        server = make_server(
            cloud,
            flavor,
            networks=[{"port": port.id} for port in ports],
            block_device_mapping=[{**disk, "delete_on_termination": True}],
        )
        saved = Server(tmp_path, here, server)
        saved.save()
        compute.update_volume_attachment(server.id, root.id, delete_on_termination=False)
        clear(cloud)
        neutron.delete_ip(lost.id)
        before = left_in(here)
        assert before == {
            "servers": [],
            "ports": [],
            "addresses": [(kept.id, None)],
            "volumes": [(root.id, "available")],
        }
        wishes: dict[str, Json] = {"existing": "reuse", "floating_addresses": "new"}
        wishes["external_network"] = public.id
        saved.driver.subject.parameters = {Operation.RESTORE: wishes}
        plugin = saved.driver.subject.plugin
        for word, times in (("port", 2), ("BUILD", 1), ("floating", 2), ("recorded", 0)):
            mine = saved.driver.again(saved.checkpoint, word)
            polls = plugin.activity_restore_post(mine, Forgetful(mine, Operation.RESTORE), saved.resource, wishes)
            if not times:
                with pytest.raises(RuntimeError, match="the bank is away"):
                    exhaust(polls)
                assert left_in(here)["volumes"] == [(root.id, "in-use")]
                assert all(port for _, port in left_in(here)["addresses"])
            while times:
                times -= next(polls).message.startswith(word)
                time.sleep(0.1)
            assert left_in(here) != before
            for _ in range(2):
                saved.driver.close(Operation.RESTORE, mine)
                assert left_in(here) == before
        context = saved.restore("BUILD", **wishes)
        complete = left_in(here)
        saved.driver.close(Operation.RESTORE, saved.driver.again(saved.checkpoint, "BUILD"))
        assert left_in(here) == complete
        (attached,) = compute.volume_attachments(context.restored(saved.resource)["server_id"])
        assert (attached.volume_id, attached.delete_on_termination) == (root.id, True)
        assert len(complete["addresses"]) == 2
        clear(cloud)
        neutron.remove_interface_from_router(router, subnet)
        neutron.delete_router(router)


def test_what_a_restore_lacks_is_told(here: Any, openstack_services: Any, flavor: Any, tmp_path: Path) -> None:
    admin, cloud = openstack_services.admin.compute, here.connection
    clear(cloud)
    odd = admin.create_flavor(name=f"odd-{uuid.uuid4().hex[:8]}", ram=77, vcpus=1, disk=1)
    cloud.compute.create_keypair(name="mine")
    server = Server(tmp_path, here, make_server(cloud, odd, key_name="mine"))
    server.save()
    clear(cloud)
    admin.delete_flavor(odd)
    cloud.compute.delete_keypair("mine")

    def check(execution: str, **parameters: Json) -> None:
        server.call(Operation.RESTORE, Phase.PRE, execution, **parameters)

    with pytest.raises(OpenStackError, match=rf"no flavor like '{odd.name}' \(1 vCPUs, 77 MiB.*parameter `flavor`"):
        check("flavor")
    with pytest.raises(OpenStackError, match="there is no flavor 'none such'"):
        check("wrong flavor", flavor="none such")
    with pytest.raises(OpenStackError, match=r"no key pair 'mine'.*parameter `key_name`"):
        check("key", flavor=flavor.name)
    check("all is there", flavor=flavor.name, key_name=None)
    with pytest.raises(OpenStackError, match=r"the image .* was not restored; the parameter `existing: reuse`"):
        server.restore("not restored", flavor=flavor.name, key_name=None)
    server.restore("restored", flavor=flavor.name, key_name=None, existing="reuse")
    (found,) = seen(cloud)
    assert (found["flavor"], found["key"]) == (flavor.name, None)


def test_all_of_a_server_comes_back(here: Any, openstack_services: Any, flavor: Any, tmp_path: Path) -> None:
    cloud = here.connection
    compute, neutron, storage = cloud.compute, cloud.network, cloud.block_storage
    clear(cloud)
    net, image = neutron.find_network("net", ignore_missing=False), cloud.image.find_image("tiny")
    with topology.external(openstack_services.admin) as public:
        second = neutron.create_network(name="second")
        neutron.create_subnet(network_id=second.id, ip_version=4, cidr="10.55.0.0/24")
        router = neutron.create_router(name="out", external_gateway_info={"network_id": public.id})
        neutron.add_interface_to_router(router, next(iter(neutron.subnets(network_id=net.id))).id)
        group = neutron.create_security_group(name="web")
        outer = neutron.create_port(network_id=net.id, security_group_ids=[group.id], name="outer")
        inner = neutron.create_port(network_id=second.id)
        address = neutron.create_ip(floating_network_id=public.id, port_id=outer.id)
        root = storage.create_volume(size=1, name="root", image_id=image.id)
        data = storage.create_volume(size=1, name="data")
        for volume in (root, data):
            eventually(lambda volume=volume: storage.get_volume(volume.id), "available")
        disk = {"source_type": "volume", "destination_type": "volume"}
        server = make_server(
            cloud,
            flavor,
            networks=[{"port": outer.id}, {"port": inner.id, "tag": "inner"}],
            block_device_mapping=[
                {**disk, "uuid": root.id, "boot_index": 0},
                {**disk, "uuid": data.id, "boot_index": -1, "tag": "data"},
            ],
            tags=["blue", "prod"],
            metadata={"a": "b"},
            description="all of it",
            config_drive=True,
        )
        compute.stop_server(server.id)
        eventually(lambda: compute.get_server(server.id), "SHUTOFF")
        original = seen(cloud)
        saved = Server(tmp_path, here, server)
        saved.freeze(quiesce="pause")
        saved.thaw(quiesce="pause")
        saved.save()
        with pytest.raises(OpenStackError, match=rf"in-use, attached to the server {server.id}"):
            saved.restore("beside it", existing="reuse")
        assert seen(cloud) == original
        clear(cloud)
        for execution in ("first", "first"):
            saved.restore(execution, existing="reuse")
            assert seen(cloud) == original
        assert neutron.get_ip(address.id).port_id
        clear(cloud)
        saved.restore("another", existing="reuse", addresses="new", floating_addresses="none", volumes="restored")
        (found,) = seen(cloud)
        assert len(found["volumes"]) == 1
        assert [port["floating"] for port in found["ports"]] == [[], []]
        assert original[0]["ports"][0]["mac"] != found["ports"][0]["mac"]
        clear(cloud)
        neutron.remove_interface_from_router(router, next(iter(neutron.subnets(network_id=net.id))).id)
        neutron.delete_router(router)
