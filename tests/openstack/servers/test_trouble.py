"""Servers when somebody else meddles with them, or a service refuses what comes after the worst is over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from embank.plugins import Operation, Phase
from embank_plugins.openstack import OpenStackError
from kit.http_proxy import Answer, Cut, Trouble
from kit.openstack import servers, topology, volumes

pytestmark = [pytest.mark.openstack, pytest.mark.xdist_group("servers in trouble")]
NONE = Answer(200, body=b'{"servers": []}')


@pytest.fixture
def web(here: Any, flavor: Any, tmp_path: Path) -> Iterator[Any]:
    servers.clear(here.connection)
    server = servers.make_server(here.connection, flavor, metadata={"a": "b"}, tags=["prod"])
    yield servers.Server(tmp_path, here, server)
    servers.clear(here.connection)


@pytest.mark.parametrize(("how", "status"), [("pause", "PAUSED"), ("suspend", "SUSPENDED")])
def test_a_server_whose_metadata_was_replaced_while_it_was_held(web: Any, how: str, status: str) -> None:
    """The note in the bank tells that we hold it, to whoever lets it go on and to whoever repeats `pre`."""
    for _ in range(2):
        web.freeze(quiesce=how)
        assert web.now == (status, {"a": "b", servers.MARK: web.checkpoint.id})
        web.compute.delete_server_metadata(web.id, [servers.MARK])
    context = web.thaw(quiesce=how)
    assert web.now == ("ACTIVE", {"a": "b"})
    assert any("removed embank_frozen from the metadata" in message for message in context.messages)


def test_a_server_that_was_asked_for_is_not_forgotten_when_nobody_may_look_for_it(
    web: Any, here: Any, proxy: Any
) -> None:
    """The answer to its creation was lost, and then Nova refuses to be asked. It refuses no server by that."""
    web.save()
    original = servers.seen(here.connection)
    servers.clear(here.connection)
    proxy.troubles = [Trouble("POST", "/servers", Cut(-1))]
    with pytest.raises(OpenStackError, match="cannot create the server 'web'"):
        web.restore("first", existing="reuse")
    servers.eventually(lambda: next(iter(web.compute.servers())), "ACTIVE")
    proxy.troubles = [Trouble("GET", "tags=embank-", Answer(403))]
    with pytest.raises(OpenStackError, match="cannot look for the server 'web'"):
        web.restore("first", existing="reuse")
    assert list(web.compute.servers()) == []
    web.restore("first", existing="reuse")
    assert servers.seen(here.connection) == original


def test_tags_that_nova_does_not_take_are_no_success(web: Any, here: Any, proxy: Any) -> None:
    web.save()
    original = servers.seen(here.connection)
    servers.clear(here.connection)
    proxy.troubles = [Trouble("PUT", "/tags", Answer(403))]
    with pytest.raises(OpenStackError, match="cannot tag the server 'web'"):
        web.restore("first", existing="reuse")
    web.restore("first", existing="reuse")
    assert servers.seen(here.connection) == original


def test_a_floating_address_that_is_taken_during_the_restore(
    here: Any, openstack_services: Any, flavor: Any, tmp_path: Path
) -> None:
    """It was free when `pre` looked, and is to be kept: without it, the server is not restored."""
    cloud = here.connection
    neutron = cloud.network
    servers.clear(cloud)
    net = neutron.find_network("net", ignore_missing=False)
    subnet = next(iter(neutron.subnets(network_id=net.id))).id
    with topology.external(openstack_services.admin) as public:
        router = neutron.create_router(name="out", external_gateway_info={"network_id": public.id})
        neutron.add_interface_to_router(router, subnet)
        port = neutron.create_port(network_id=net.id)
        address = neutron.create_ip(floating_network_id=public.id, port_id=port.id)
        server = servers.make_server(cloud, flavor, networks=[{"port": port.id}])
        saved = servers.Server(tmp_path, here, server)
        saved.save()
        servers.clear(cloud)
        wishes = {"existing": "reuse", "floating_addresses": "keep"}
        saved.call(Operation.RESTORE, Phase.PRE, "first", **wishes)
        other = neutron.create_port(network_id=net.id, name="other")
        neutron.update_ip(address, port_id=other.id)
        with pytest.raises(OpenStackError, match=f"the floating address {address.floating_ip_address} is not free"):
            saved.restore("first", **wishes)
        neutron.update_ip(address, port_id=None)
        saved.restore("first", **wishes)
        (found,) = servers.seen(cloud)
        assert [each["floating"] for each in found["ports"]] == [[address.floating_ip_address]]
        servers.clear(cloud)
        neutron.delete_ip(address)
        neutron.remove_interface_from_router(router, subnet)
        neutron.delete_router(router)


def test_the_volume_that_a_server_boots_from(here: Any, flavor: Any, tmp_path: Path) -> None:
    """A member of the project is not told which it is, and on a shelved server a new volume has no device yet."""
    cloud = here.connection
    compute, storage = cloud.compute, cloud.block_storage
    servers.clear(cloud)
    image = cloud.image.find_image("tiny")
    root, data = storage.create_volume(size=1, name="root", image_id=image.id), storage.create_volume(size=1)
    for volume in (root, data):
        servers.eventually(lambda volume=volume: storage.get_volume(volume.id), "available")
    disk = {"source_type": "volume", "destination_type": "volume", "uuid": root.id, "boot_index": 0}
    server = servers.make_server(cloud, flavor, block_device_mapping=[disk])
    compute.shelve_server(server)
    servers.eventually(lambda: compute.get_server(server.id), "SHELVED_OFFLOADED")
    compute.create_volume_attachment(server.id, volume_id=data.id)
    saved = servers.Server(tmp_path, here, server)
    saved.save()
    found = {each["volume_id"]: each for each in saved.checkpoint.section(saved.resource).load()["volumes"]}
    assert found[data.id]["device"] is None
    assert {each: found[each]["boot"] for each in found} == {root.id: True, data.id: False}
    servers.clear(cloud)
    for volume in (root, data):
        servers.eventually(lambda volume=volume: storage.get_volume(volume.id), "available")
        storage.delete_volume(volume.id)


def test_a_server_that_comes_while_its_ports_are_removed(web: Any, here: Any, proxy: Any) -> None:
    """Neutron gives nobody the port of a server. That one is ours, and goes first."""
    lose_the_answer(web, here, proxy)
    proxy.troubles = [Trouble("GET", "tags=embank-", NONE)]
    web.close("first")
    assert_nothing_left(here)


def test_a_server_that_goes_while_its_ports_are_removed(web: Any, here: Any, proxy: Any) -> None:
    """Nova no longer shows it, and has still to clear up after it."""
    server = lose_the_answer(web, here, proxy)
    proxy.troubles = [Trouble("GET", "tags=embank-", NONE, times=-1)]
    conf = web.driver.subject.plugin.conf
    conf.set_override("state_timeout", 3, group="server")
    with pytest.raises(OpenStackError, match=f"the server {server.id} still has it"):
        web.close("first")
    conf.clear_override("state_timeout", group="server")
    before = proxy.count("GET", "tags=embank-")

    def waiting() -> None:
        if proxy.count("GET", "tags=embank-") >= before + 2:
            web.compute.delete_server(server, ignore_missing=True)

    web.close("first", waiting)
    volumes.wait_for(lambda: not list(web.compute.servers()))  # ports are the first that Nova clears up after it
    assert_nothing_left(here)


def lose_the_answer(web: Any, here: Any, proxy: Any) -> Any:
    """Restore a server, and never hear of it. Nova makes it."""
    web.save()
    servers.clear(here.connection)
    proxy.troubles = [Trouble("POST", "/servers", Cut(-1))]
    with pytest.raises(OpenStackError, match="cannot create the server 'web'"):
        web.restore("first", existing="reuse")
    return servers.eventually(lambda: next(iter(web.compute.servers())), "ACTIVE")


def assert_nothing_left(here: Any) -> None:
    assert list(here.connection.compute.servers()) == []
    assert list(here.connection.network.ports(project_id=here.project_id, device_owner="")) == []
