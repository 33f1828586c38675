"""Servers of a real Nova: held while their volumes would be snapshotted, saved, lost, created again."""

from __future__ import annotations

import runpy
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from embank.cli.main import main
from embank.conformance.driver import KitContext, exhaust
from embank.conformance.plugin import ProtectionPluginConformance, Subject
from embank.plugins import Json, Operation, Phase, Resource
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.server.plugin import ServerPlugin

pytestmark = pytest.mark.openstack
STRIDE = 10
servers = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("servers.py"))))
topology, Server, TYPE, MARK = servers.topology, servers.Server, servers.TYPE, servers.MARK
here, flavor = servers.here, servers.flavor
clear, eventually, make_server, remove, seen = (
    servers.clear,
    servers.eventually,
    servers.make_server,
    servers.remove,
    servers.seen,
)


@pytest.fixture(scope="module")
def original(here: Any, flavor: Any) -> Any:
    clear(here.connection)
    make_server(here.connection, flavor, metadata={"a": "b"}, tags=["prod"])
    return seen(here.connection)


class Kit(ProtectionPluginConformance):
    """A server of one project, which is no test's own."""

    @pytest.fixture(params=["its own"])
    def resource_id(self, request: pytest.FixtureRequest) -> str:
        """Nova chooses it."""
        return str(request.param)

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


class TestConformance(Kit):
    test_killed_at_every_step_and_repeated = None  # servers are built for each step: the large tests do it

    @pytest.fixture
    def steps(self) -> Iterator[int]:
        """Some, for the same reason."""
        return count(2, STRIDE)


@pytest.mark.large
class TestKilledAtEveryStep(Kit):
    """Everything."""


@pytest.fixture
def web(here: Any, flavor: Any, tmp_path: Path) -> Iterator[Server]:
    clear(here.connection)
    yield Server(tmp_path, here, make_server(here.connection, flavor, metadata={"a": "b"}))
    clear(here.connection)


def test_a_server_is_held_and_let_go_again(web: Server) -> None:
    for how, status in (("pause", "PAUSED"), ("suspend", "SUSPENDED")):
        for _ in range(2):
            web.freeze(quiesce=how)
            assert web.now == (status, {"a": "b", MARK: web.checkpoint.id})
        for _ in range(2):
            web.thaw(quiesce=how)
            assert web.now == ("ACTIVE", {"a": "b"})
    web.compute.reboot_server(web.id, "SOFT")
    web.freeze(quiesce="pause")  # when it is no longer busy
    assert web.now[0] == "PAUSED"
    web.thaw(quiesce="pause")
    with pytest.raises(Exception, match="given up"):
        web.freeze(quiesce="pause", cancelled=True)
    web.thaw(quiesce="pause")
    assert web.now == ("ACTIVE", {"a": "b"})


def test_a_server_that_its_owner_paused_stays_so(web: Server) -> None:
    web.compute.pause_server(web.id)
    eventually(lambda: web.compute.get_server(web.id), "PAUSED")
    context = web.freeze(quiesce="suspend")
    assert context.messages == [f"the server 'web' ({web.id}) is PAUSED already, and stays so"]
    web.thaw(quiesce="suspend")
    web.thaw(quiesce="pause")
    assert web.now == ("PAUSED", {"a": "b"})


def test_a_server_that_cannot_go_on_is_told_and_one_that_vanishes_is_no_failure(
    web: Server, openstack_services: Any
) -> None:
    admin = openstack_services.admin.compute
    web.freeze(quiesce="pause")
    admin.lock_server(web.id)
    with pytest.raises(OpenStackError, match=r"cannot unpause the server 'web'.*locked"):
        web.thaw(quiesce="pause")
    assert web.now[0] == "PAUSED"
    admin.unlock_server(web.id)
    remove(web.compute)
    context = web.thaw(quiesce="pause")
    assert context.messages == [f"the server {web.id} has gone: there is nothing to let go on"]
    with pytest.raises(OpenStackError, match=f"the server {web.id} does not exist"):
        web.freeze(quiesce="pause")
    with pytest.raises(OpenStackError, match=f"the server {web.id} does not exist"):
        web.save()


def test_commands_that_the_operator_allows(here: Any, web: Server, tmp_path: Path) -> None:
    script = tmp_path / "guestctl"
    script.write_text(f'#!/bin/sh\necho "$1 $EMBANK_RESOURCE_NAME $EMBANK_RESOURCE" >> {tmp_path}/said\n')
    script.chmod(0o755)
    (tmp_path / "own").mkdir()
    section = {"freeze": f"database {script} freeze", "thaw": f"database {script} thaw"}
    server = Server(tmp_path / "own", here, web.compute.get_server(web.id), server=section)
    wishes = {"quiesce": "command", "quiesce_command": "database"}
    server.freeze(**wishes)
    assert server.now == ("ACTIVE", {"a": "b", MARK: server.checkpoint.id})
    server.thaw(**wishes)
    assert (tmp_path / "said").read_text() == f"freeze web {web.id}\nthaw web {web.id}\n"
    assert server.now == ("ACTIVE", {"a": "b"})
    script.write_text("#!/bin/sh\necho no such database\nexit 3\n")
    with pytest.raises(Exception, match="the freeze command exited with 3: no such database"):
        server.freeze(**wishes)
    with pytest.raises(Exception, match="the thaw command exited with 3"):
        server.thaw(**wishes)
    remove(server.compute)
    assert server.thaw(**wishes).messages == [f"the server {web.id} has gone: there is nothing to let go on"]


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


@pytest.fixture
def providers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`providers(here, there)`: providers p1 and p2, of these tenants, with one bank. The tests are in that place."""
    monkeypatch.chdir(tmp_path)

    def write(*tenants: Any) -> None:
        for number, tenant in enumerate(tenants, start=1):
            head = f"[provider]\nname = p{number}\nid = {uuid.uuid4()}\ndescription = Servers\n"
            bank = "bank = karbor.protections.embank-filesystem-bank-plugin\n"
            plugins = "".join(
                f"plugin = karbor.protections.karbor-{name}-protection-plugin\n"
                for name in ("server", "network", "image")
            )
            place = f"[filesystem_bank]\npath = {tmp_path}/bank\n"
            (tmp_path / "providers.d").mkdir(exist_ok=True)
            text = head + bank + plugins + place + tenant.section
            (tmp_path / "providers.d" / f"p{number}.conf").write_text(text)

    return write


def protect(server: Any, directory: Path) -> str:
    """Protect a server and all below it on the command line. The checkpoint's id."""
    (directory / "plan.yaml").write_text(
        f"version: 1\nname: web\nprovider: p1\nresources:\n  - under: {{type: {TYPE}, id: {server.id}}}\n"
        f"parameters:\n  {TYPE}: {{quiesce: pause}}\n"
    )
    assert main(["discover", "--provider", "p1", "-o", "graph.yaml"]) == 0
    assert main(["compile", "protect", "plan.yaml", "--resources", "graph.yaml", "-o", "protect.yaml"]) == 0
    assert main(["run", "protect.yaml"]) == 0
    (checkpoint,) = [each.name for each in (directory / "bank" / "checkpoints").iterdir()]
    return checkpoint


def compile_(operation: str, provider: str, checkpoint: str) -> None:
    """As `OPERATION.yaml`."""
    line = ["compile", operation, "--provider", provider, "--checkpoint", checkpoint, "-o", f"{operation}.yaml"]
    assert main(line) == 0


def test_through_the_command_line_into_another_project(
    here: Any, make_tenant: Any, flavor: Any, tmp_path: Path, providers: Callable[..., None]
) -> None:
    there, cloud = make_tenant(), here.connection
    clear(cloud)
    server = make_server(cloud, flavor, tags=["prod"])
    providers(here, there)
    checkpoint = protect(server, tmp_path)
    for operation, provider in (("verify", "p1"), ("restore", "p2"), ("delete", "p1")):
        compile_(operation, provider, checkpoint)
        assert main(["run", f"{operation}.yaml"]) == 0
    (was,), (now,) = seen(cloud), seen(there.connection)
    assert {**was, "image": None} == {**now, "image": None}
    assert now["image"] in [image.id for image in there.connection.image.images(owner=there.project_id)]


def test_a_restore_that_was_killed_and_cancelled_leaves_what_was_restored_and_can_be_repeated(
    here: Any, make_tenant: Any, flavor: Any, tmp_path: Path, providers: Callable[..., None]
) -> None:
    there, cloud = make_tenant(), here.connection
    clear(cloud)
    server = make_server(cloud, flavor)
    providers(here, there)
    compile_("restore", "p2", protect(server, tmp_path))
    compute, neutron = there.connection.compute, there.connection.network
    done = set((tmp_path / ".embank" / "executions").iterdir())
    running = subprocess.Popen([sys.executable, "-m", "embank", "run", "restore.yaml"], start_new_session=True)
    while not list(compute.servers()):
        assert running.poll() is None
        time.sleep(0.05)
    running.kill()
    running.wait()
    (killed,) = set((tmp_path / ".embank" / "executions").iterdir()) - done
    assert main(["cancel", killed.name]) == 0
    assert list(compute.servers()) == []
    assert [port.device_owner for port in neutron.ports() if not port.device_owner.startswith("network:")] == []
    assert [network.name for network in neutron.networks(project_id=there.project_id)] == ["net"]
    assert main(["run", "restore.yaml"]) == 0
    assert [each["name"] for each in seen(there.connection)] == ["web"]
