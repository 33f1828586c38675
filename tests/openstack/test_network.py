"""Networks of a real Neutron: saved, lost, built again, here and in another project."""

from __future__ import annotations

import runpy
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from embank.conformance.driver import Driver, KitContext, exhaust, filesystem_bank
from embank.conformance.plugin import ProtectionPluginConformance, Subject
from embank.plugins import Operation, Resource
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.network.plugin import NetworkPlugin

pytestmark = pytest.mark.openstack
topology = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("topology.py"))))
TYPE = "OS::Neutron::Network"


@pytest.fixture(scope="module")
def public(openstack_services: Any) -> Iterator[Any]:
    with topology.external(openstack_services.admin) as network:
        yield network


@pytest.fixture(scope="module")
def projects(openstack_services: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two projects for all tests here: to make one takes longer than most of them."""
    directory = tmp_path_factory.mktemp("projects")
    with (
        topology.project(openstack_services, directory) as one,
        topology.project(openstack_services, directory) as two,
    ):
        yield one, two


@pytest.fixture
def here(projects: Any) -> Any:
    topology.lose(projects[0].connection.network)
    return projects[0]


@pytest.fixture
def there(projects: Any) -> Any:
    topology.lose(projects[1].connection.network)
    return projects[1]


class TestConformance(ProtectionPluginConformance):
    """Killed at the steps `KILLED`."""

    KILLED: ClassVar[Iterable[int]] = (9, 30)

    @pytest.fixture(params=["its own"])
    def resource_id(self, request: pytest.FixtureRequest) -> str:
        """Neutron chooses it."""
        return str(request.param)

    @pytest.fixture
    def steps(self) -> Iterator[int]:
        return iter(self.KILLED)

    @pytest.fixture(scope="class")
    def original(self, projects: Any) -> Any:
        topology.lose(projects[0].connection.network)
        self.make(projects[0].connection.network)
        return topology.seen(projects[0].connection.network)

    def make(self, neutron: Any) -> None:
        network = neutron.create_network(name="small", description="a small one")
        subnet = neutron.create_subnet(network_id=network.id, ip_version=4, cidr="10.6.0.0/24")
        group = neutron.create_security_group(name="web")
        fixed = [{"subnet_id": subnet.id, "ip_address": "10.6.0.9"}]
        neutron.create_port(
            network_id=network.id, security_group_ids=[group.id], fixed_ips=fixed, **topology.OPEN_PORT
        )
        neutron.add_interface_to_router(neutron.create_router(name="edge"), subnet.id)

    @pytest.fixture
    def subject(self, projects: Any, original: Any, resource_id: str) -> Subject:
        neutron = projects[0].connection.network
        if topology.seen(neutron) != original:
            topology.lose(neutron)
            self.make(neutron)

        def compare() -> None:
            assert topology.seen(neutron) == original

        def small() -> Resource:
            return Resource(TYPE, neutron.find_network("small", ignore_missing=False).id, "small")

        def assert_deleted() -> None:
            subject.resource = small()  # restored, it has another id

        subject = Subject(
            plugin=NetworkPlugin(projects[0].conf(NetworkPlugin)),
            resource=small(),
            destroy=lambda: topology.lose(neutron),
            compare=compare,
            assert_deleted=assert_deleted,
        )
        return subject


@pytest.mark.large
class TestKilledAtEveryStep(TestConformance):
    KILLED = range(1, 200)


class Networks:
    """Some networks of a project in a checkpoint; restores go to any project."""

    def __init__(self, directory: Path, tenant: Any, *networks: Any) -> None:
        self.bank = filesystem_bank(directory / "bank")
        self.resources = tuple(Resource(TYPE, network.id, network.name) for network in networks)
        self.plugin = NetworkPlugin(tenant.conf(NetworkPlugin))
        self.driver = Driver(self._subject(self.plugin), self.bank)
        self.checkpoint = self.driver.begin()
        for resource in self.resources:
            context = KitContext(self.checkpoint, Operation.PROTECT)
            list(self.plugin.activity_protect_parallel(self.checkpoint, context, resource, {}))

    def _subject(self, plugin: NetworkPlugin) -> Subject:
        return Subject(plugin, self.resources[0], destroy=lambda: None, compare=lambda: None)

    def restore(self, tenant: Any, execution: str, **parameters: str) -> KitContext:
        """All of them, in one task; the context has what was said and recorded."""
        mine = self.driver.again(self.checkpoint, execution)
        context = KitContext(mine, Operation.RESTORE)
        plugin = NetworkPlugin(tenant.conf(NetworkPlugin))
        wishes = tuple(parameters for _ in self.resources)
        for _ in plugin.activity_restore_parallel(mine, context, self.resources, wishes):
            pass
        return context


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


@pytest.mark.large
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
