"""Networks of a real Neutron: saved, lost, built again, here and in another project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from embank_plugins.openstack import OpenStackError
from kit.openstack import topology
from kit.openstack.networks import Networks

pytestmark = [pytest.mark.openstack, pytest.mark.xdist_group("networks restored")]


def test_networks_come_back_in_the_same_project_and_in_another(
    public: Any, here: Any, there: Any, tmp_path: Path
) -> None:
    neutron = here.connection.network
    networks = topology.build(neutron, public)
    original = topology.seen(neutron)
    saved = Networks(tmp_path, here, *networks)

    context = saved.restore(here, "nothing is lost")
    assert topology.seen(neutron) == original
    ids = [context.restored(resource)["network_id"] for resource in saved.resources]
    assert ids == [network.id for network in networks]

    topology.lose(neutron)
    context = saved.restore(here, "everything is lost")
    assert topology.seen(neutron) == original
    front = context.restored(saved.resources[0])
    assert front["network_id"] == neutron.find_network("front", ignore_missing=False).id
    assert set(front) == {"network_id", "subnets", "security_groups", "ports"}
    assert [len(front[part]) for part in ("subnets", "security_groups", "ports")] == [2, 2, 1]
    assert neutron.get_port(next(iter(front["ports"].values()))).name == "vip"

    saved.restore(there, "elsewhere")
    assert topology.seen(there.connection.network) == original
    assert topology.seen(neutron) == original

    saved.restore(here, "beside it", existing="create")
    twice = topology.seen(neutron)
    assert [len(twice[part]) for part in ("networks", "routers", "ports")] == [4, 2, 2]


def test_what_another_project_has_is_found_and_never_made(
    openstack_services: Any, here: Any, there: Any, tmp_path: Path
) -> None:
    admin = openstack_services.admin.network
    shared = admin.create_network(name=f"shared {here.project_name}", is_shared=True)
    try:
        admin.create_subnet(network_id=shared.id, ip_version=4, cidr="10.9.0.0/24")
        saved = Networks(tmp_path, here, shared)
        context = saved.restore(there, "it is still there")
        assert context.restored(saved.resources[0])["network_id"] == shared.id
    finally:
        admin.delete_network(shared)
    with pytest.raises(OpenStackError, match=r"belonged to another project.*parameter `network`"):
        saved.restore(there, "it has gone")
    own = there.connection.network.create_network(name="own")
    kept = there.connection.network.create_subnet(network_id=own.id, ip_version=4, cidr="10.9.0.0/24")
    context = saved.restore(there, "another one instead", network="own")
    (subnet,) = context.restored(saved.resources[0])["subnets"].values()
    assert (context.restored(saved.resources[0])["network_id"], subnet) == (own.id, kept.id)
    with pytest.raises(OpenStackError, match="there is no network 'none such'"):
        saved.restore(there, "a wrong one", network="none such")


def test_external_networks_are_found_by_name_or_named(
    openstack_services: Any, here: Any, there: Any, tmp_path: Path
) -> None:
    neutron = here.connection.network
    network = neutron.create_network(name="inner")
    subnet = neutron.create_subnet(network_id=network.id, ip_version=4, cidr="10.4.0.0/24")
    with topology.external(openstack_services.admin) as first:
        router = neutron.create_router(name="out", external_gateway_info={"network_id": first.id})
        neutron.add_interface_to_router(router, subnet.id)
        saved = Networks(tmp_path, here, network)
    with pytest.raises(OpenStackError, match=f"no external network '{first.name}'.*`external_network`"):
        saved.restore(there, "none")
    with topology.external(openstack_services.admin) as second:
        saved.restore(there, "named", external_network=second.name)
        (out,) = topology.seen(there.connection.network)["routers"]
        assert out["gateway"] == second.id
        topology.lose(there.connection.network)
        openstack_services.admin.network.update_network(second.id, name=first.name)
        saved.restore(there, "of the same name")
        (out,) = topology.seen(there.connection.network)["routers"]
        assert out["gateway"] == second.id


def test_addresses_that_are_taken_are_told(here: Any, tmp_path: Path) -> None:
    neutron = here.connection.network
    network = neutron.create_network(name="crowded")
    subnet = neutron.create_subnet(network_id=network.id, ip_version=4, cidr="10.3.0.0/24")
    fixed = [{"subnet_id": subnet.id, "ip_address": "10.3.0.7"}]
    port = neutron.create_port(network_id=network.id, fixed_ips=fixed, name="vip")
    saved = Networks(tmp_path, here, network)
    neutron.delete_port(port)
    neutron.create_port(network_id=network.id, fixed_ips=fixed, name="squatter")
    with pytest.raises(OpenStackError, match=r"10\.3\.0\.7 already allocated.*`addresses` may be `when-free`"):
        saved.restore(here, "taken")
    context = saved.restore(here, "another", addresses="when-free")
    assert any("gets another address" in message for message in context.messages)
    (vip,) = [each for each in neutron.ports(network_id=network.id) if each.name == "vip"]
    assert vip.fixed_ips[0]["ip_address"] != "10.3.0.7"


def test_a_network_that_has_gone_is_told(here: Any, tmp_path: Path) -> None:
    network = here.connection.network.create_network(name="short-lived")
    here.connection.network.delete_network(network)
    with pytest.raises(OpenStackError, match=f"the network {network.id} does not exist"):
        Networks(tmp_path, here, network)


def test_a_default_group_gets_the_rules_that_it_lacks(here: Any, there: Any, tmp_path: Path) -> None:
    neutron = here.connection.network
    network = neutron.create_network(name="plain")
    neutron.create_port(network_id=network.id)
    default = neutron.find_security_group("default", ignore_missing=False)
    neutron.create_security_group_rule(security_group_id=default.id, direction="ingress", protocol="icmp")
    saved = Networks(tmp_path, here, network)
    other = there.connection.network
    other.create_security_group_rule(
        security_group_id=other.find_security_group("default", ignore_missing=False).id,
        direction="ingress",
        protocol="udp",
    )
    context = saved.restore(there, "elsewhere")
    assert "added 1 saved rules to the project's default security group" in context.messages
    (group,) = topology.seen(other)["security_groups"]
    assert sorted(rule["protocol"] for rule in group["rules"] if rule["protocol"]) == ["icmp", "udp"]
    assert context.restored(saved.resources[0])["security_groups"] == {
        default.id: other.find_security_group("default", ignore_missing=False).id
    }
