"""Networks of a real Neutron, whose restore does not come to its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embank.conformance.driver import KitContext, exhaust
from embank.plugins import Operation, Resource
from embank_plugins.openstack.network.plugin import NetworkPlugin
from kit.openstack import topology
from kit.openstack.networks import Networks

pytestmark = [pytest.mark.openstack, pytest.mark.xdist_group("networks given up")]


def test_a_restore_that_failed_leaves_nothing(public: Any, here: Any, there: Any, tmp_path: Path) -> None:
    neutron = here.connection.network
    saved = Networks(tmp_path, here, *topology.build(neutron, public))
    other = there.connection.network
    empty = topology.seen(other)
    mine = saved.driver.again(saved.checkpoint, "killed")
    context, plugin = KitContext(mine, Operation.RESTORE), NetworkPlugin(there.conf(NetworkPlugin))
    arguments = (mine, context, saved.resources, ({}, {}))
    for poll in plugin.activity_restore_parallel(*arguments):
        if poll.message.startswith("port"):
            break
    partly = topology.seen(other)
    assert [len(partly[part]) for part in ("networks", "subnets", "routers", "security_groups")] == [2, 3, 1, 3]
    for _ in range(2):
        list(plugin.activity_restore_post(*arguments))
        assert topology.seen(other) == empty
    list(plugin.activity_restore_parallel(*arguments))
    list(plugin.activity_restore_post(*arguments))
    assert topology.seen(other) == topology.seen(neutron)


class Forgetful(KitContext):
    """Records only so many resources as restored."""

    left = 0

    def record_restored(self, resource: Resource, information: Any) -> None:
        if not self.left:
            raise RuntimeError("the bank is away")
        self.left -= 1
        super().record_restored(resource, information)


@pytest.mark.nightly
def test_a_restore_that_is_not_recorded_leaves_nothing_and_half_a_record_is_completed(
    public: Any, here: Any, there: Any, tmp_path: Path
) -> None:
    saved = Networks(tmp_path, here, *topology.build(here.connection.network, public))
    other = there.connection.network
    empty = topology.seen(other)
    mine, plugin = saved.driver.again(saved.checkpoint, "killed"), NetworkPlugin(there.conf(NetworkPlugin))
    for left in (0, 1):
        context = Forgetful(mine, Operation.RESTORE)
        context.left = left
        with pytest.raises(RuntimeError, match="the bank is away"):
            exhaust(plugin.activity_restore_parallel(mine, context, saved.resources, ({}, {})))
        complete = topology.seen(other)
        assert complete == topology.seen(here.connection.network)
        context = KitContext(mine, Operation.RESTORE, closing=True)
        for _ in range(2):
            exhaust(plugin.activity_restore_post(mine, context, saved.resources, ({}, {})))
            assert topology.seen(other) == (complete if left else empty)
    for resource in saved.resources:
        assert other.get_network(context.restored(resource)["network_id"]).name == resource.name


def test_an_interface_between_a_router_and_a_subnet_that_were_there_is_taken_away_again(
    here: Any, tmp_path: Path
) -> None:
    neutron = here.connection.network
    topology.lose(neutron)
    network = neutron.create_network(name="joined")
    subnet = neutron.create_subnet(network_id=network.id, ip_version=4, cidr="10.6.0.0/24", gateway_ip="10.6.0.1")
    router = neutron.create_router(name="between")
    fixed = [{"subnet_id": subnet.id, "ip_address": "10.6.0.9"}]
    neutron.add_interface_to_router(router, None, neutron.create_port(network_id=network.id, fixed_ips=fixed).id)
    saved = Networks(tmp_path, here, network)
    neutron.remove_interface_from_router(router, subnet.id)
    before = topology.seen(neutron)
    mine, plugin = saved.driver.again(saved.checkpoint, "failed"), saved.plugin
    wishes = ({"existing": "reuse"},)
    with pytest.raises(RuntimeError, match="the bank is away"):
        exhaust(plugin.activity_restore_parallel(mine, Forgetful(mine, Operation.RESTORE), saved.resources, wishes))
    assert [port.device_id for port in neutron.ports(network_id=network.id)] == [router.id]
    closing = KitContext(mine, Operation.RESTORE, closing=True)
    for _ in range(2):
        exhaust(plugin.activity_restore_post(mine, closing, saved.resources, wishes))
        assert topology.seen(neutron) == before
