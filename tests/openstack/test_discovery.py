"""What `embank discover` finds in a real cloud, and what it does when a listing fails."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from embank.inputs.discover import DiscoveryFailed, discover
from embank.model import ResourceGraph
from embank_plugins.openstack import IMAGE, NETWORK, PROJECT, SERVER, VOLUME, protectables
from embank_plugins.openstack.protectables import (
    ImageProtectable,
    NetworkProtectable,
    ProjectProtectable,
    ServerProtectable,
    VolumeProtectable,
)
from kit.http_proxy import Answer, Cut

pytestmark = pytest.mark.openstack

ALL = (ProjectProtectable, ServerProtectable, VolumeProtectable, ImageProtectable, NetworkProtectable)
PRINTABLE = "<% $.x %> {{ 1 }} \\ “ü” /../ -rf"  # Nova takes no others
ODD = "<% $.x %> {{ 1 }} \\ “ü” \u202e /../"


@dataclass(frozen=True)
class Listing:
    """As much of a provider as discovery asks for."""

    protectables: list[Any]
    name: str = "test"
    without_secrets: Callable[[str], str] = str


def discovered(conf: Any, kinds: tuple[type[Any], ...] = ALL) -> ResourceGraph:
    provider: Any = Listing([kind(conf) for kind in kinds])
    return discover(provider)


def names(graph: ResourceGraph) -> dict[tuple[str, str], str]:
    return {(each.type, each.id): each.name for each in graph.resources}


def below(graph: ResourceGraph, parent: str) -> set[tuple[str, str]]:
    index = next(index for index, each in enumerate(graph.resources) if each.id == parent)
    return {(graph.resources[each].type, graph.resources[each].id) for each in graph.dependents[index]}


def make_image(cloud: Any, **wanted: Any) -> str:
    body = {"disk_format": "raw", "container_format": "bare", **wanted}
    answer = cloud.image.post("/images", json=body)
    assert answer.status_code == 201, answer.text
    image = str(answer.json()["id"])
    headers = {"Content-Type": "application/octet-stream"}
    assert cloud.image.put(f"/images/{image}/file", data=b"disk" * 1000, headers=headers).status_code == 204
    return image


def eventually(look: Callable[[], Any], status: str) -> Any:
    deadline = time.monotonic() + 120
    while (thing := look()).status != status:
        assert thing.status.upper() != "ERROR", getattr(thing, "fault", thing)
        assert time.monotonic() < deadline, f"{thing.status} for two minutes"
        time.sleep(0.5)
    return thing


@pytest.fixture
def boot(flavor: Any) -> Callable[..., Any]:
    """`boot(cloud, image, [network])`: a server that is being built."""

    def make(cloud: Any, image: str, networks: list[str], **more: Any) -> Any:
        attached = [{"uuid": network} for network in networks] or "none"
        return cloud.compute.create_server(flavor_id=flavor.id, image_id=image, networks=attached, **more)

    return make


def test_a_project_with_all_in_it(
    tenant: Any, make_tenant: Any, openstack_services: Any, boot: Callable[..., Any]
) -> None:
    """Two servers share an image, and use what others own; somebody else's things are there, too."""
    cloud, admin = tenant.connection, openstack_services.admin
    strange = make_tenant().connection
    public = make_image(admin, name="test-public", visibility="public")
    shared = admin.network.create_network(name="test-shared", is_shared=True)
    admin.network.create_subnet(network_id=shared.id, ip_version=4, cidr="10.77.0.0/24")
    servers: list[Any] = []
    try:
        own = make_image(cloud, name=ODD)
        hidden = make_image(cloud, name="old", os_hidden=True)
        nameless = make_image(cloud, visibility="community")
        make_image(strange, name="not ours", visibility="community")
        doomed = make_image(cloud, name="to be deleted")
        network = cloud.network.create_network(name="")
        cloud.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.5.0.0/24")
        strange.network.create_network(name="not ours")
        data = cloud.block_storage.create_volume(name="data " + ODD, size=1)
        spare = cloud.block_storage.create_volume(size=1)
        web1 = boot(cloud, own, [network.id], name="web1")
        web2 = boot(cloud, own, [network.id, shared.id], name=PRINTABLE)
        db = boot(cloud, public, [shared.id], name="db")
        old = boot(cloud, doomed, [], name="old")
        servers = [web1, web2, db, old]
        for server in servers:
            eventually(lambda server=server: cloud.compute.get_server(server.id), "ACTIVE")  # type: ignore[misc]
        for volume in (data, spare):
            eventually(lambda volume=volume: cloud.block_storage.get_volume(volume.id), "available")  # type: ignore[misc]
        cloud.compute.create_volume_attachment(db, volume_id=data.id)
        eventually(lambda: cloud.block_storage.get_volume(data.id), "in-use")
        cloud.image.delete_image(doomed)
        graph = discovered(tenant.conf(*ALL))
        everything = {
            (PROJECT, tenant.project_id): tenant.project_name,
            (SERVER, web1.id): "web1",
            (SERVER, web2.id): PRINTABLE,
            (SERVER, db.id): "db",
            (SERVER, old.id): "old",
            (VOLUME, data.id): "data " + ODD,
            (VOLUME, spare.id): "",
            (IMAGE, own): ODD,
            (IMAGE, hidden): "old",
            (IMAGE, nameless): "",
            (IMAGE, public): "test-public",
            (IMAGE, doomed): "",
            (NETWORK, network.id): "",
            (NETWORK, shared.id): "test-shared",
        }
        assert names(graph) == everything
        strangers = {(IMAGE, public), (IMAGE, doomed), (NETWORK, shared.id)}
        assert below(graph, tenant.project_id) == everything.keys() - strangers - {(PROJECT, tenant.project_id)}
        assert below(graph, web1.id) == {(IMAGE, own), (NETWORK, network.id)}
        assert below(graph, web2.id) == {(IMAGE, own), (NETWORK, network.id), (NETWORK, shared.id)}
        assert below(graph, db.id) == {(IMAGE, public), (NETWORK, shared.id), (VOLUME, data.id)}
        assert below(graph, old.id) == {(IMAGE, doomed)}
        # An administrator sees everybody's things, and still lists what is in the project of the login.
        inside = tenant.conf(
            *ALL,
            openstack={"username": "admin", "password": admin.config.get_auth_args()["password"]},
        )
        assert names(discovered(inside)) == everything
    finally:
        for server in servers:
            cloud.compute.delete_server(server, ignore_missing=True)
        deadline = time.monotonic() + 60
        while list(cloud.compute.servers()) and time.monotonic() < deadline:
            time.sleep(0.5)
        admin.image.delete_image(public)
        for port in admin.network.ports(network_id=shared.id):
            admin.network.delete_port(port)
        admin.network.delete_network(shared)


def test_an_empty_project_of_a_reader(make_tenant: Any) -> None:
    """A role that may change nothing is enough."""
    tenant = make_tenant(roles=("reader",))
    graph = discovered(tenant.conf(*ALL))
    assert [(each.type, each.id) for each in graph.resources] == [(PROJECT, tenant.project_id)]


def test_pages(tenant: Any, proxy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images without data and networks are cheap: enough of them for many small pages, and none twice or missing."""
    cloud = tenant.connection
    many = 24
    with ThreadPoolExecutor(4) as threads:
        images = [
            threads.submit(cloud.image.create_image, f"i{n}", disk_format="raw", container_format="bare")
            for n in range(many)
        ]
        networks = [threads.submit(cloud.network.create_network, name=f"n{n}") for n in range(many)]
    made = {(IMAGE, each.result().id) for each in images} | {(NETWORK, each.result().id) for each in networks}
    monkeypatch.setattr(protectables, "PAGE", 7)
    proxy.seen.clear()
    graph = discovered(tenant.conf(*ALL))
    assert names(graph).keys() == {(PROJECT, tenant.project_id), *made}
    assert proxy.count("/images?", "marker=") >= many // 7
    assert proxy.count("/networks?", "marker=") >= many // 7
    monkeypatch.setattr(protectables, "PAGE", 1000)
    proxy.seen.clear()
    assert discovered(tenant.conf(*ALL)) == graph
    assert proxy.count("/images?") <= 4
    assert proxy.count("/networks?") <= 2


def test_many_servers_take_no_more_requests(tenant: Any, boot: Callable[..., Any], proxy: Any) -> None:
    cloud = tenant.connection
    image = make_image(cloud, name="i")
    asked = []
    for count in (1, 8):
        while len(list(cloud.compute.servers(details=False))) < count:
            boot(cloud, image, [], name="many", max_count=1)
        for server in cloud.compute.servers(details=False):
            eventually(lambda server=server: cloud.compute.get_server(server.id), "ACTIVE")  # type: ignore[misc]
        proxy.seen.clear()
        graph = discovered(tenant.conf(*ALL))
        assert sum(each.type == SERVER for each in graph.resources) == count
        asked.append(len(proxy.seen))
    assert asked[0] == asked[1]


FAILURES = {
    "forbidden": (
        403,
        b'{"forbidden": {"code": 403, "message": "Policy doesn\'t allow it"}}',
        "Policy doesn't allow it",
    ),
    "a bug": (500, b'{"computeFault": {"code": 500, "message": "Unexpected API Error"}}', "Unexpected API Error"),
    "nonsense": (200, b"<html>a captive portal</html>", "no JSON"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_listing_that_fails_stops_discovery(tenant: Any, proxy: Any, failure: str) -> None:
    status, body, said = FAILURES[failure]

    def rule(method: str, url: str) -> Any:
        return Answer(status, {}, body) if "/volumes" in url else None

    proxy.rule = rule
    with pytest.raises(DiscoveryFailed, match=r"listing OS::Cinder::Volume failed: OpenStackError") as raised:
        discovered(tenant.conf(*ALL))
    assert said in str(raised.value)


@pytest.mark.parametrize("broken", ["refused", "cut off", "not answered"])
def test_a_second_page_that_fails_stops_discovery(
    tenant: Any, proxy: Any, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    cloud = tenant.connection
    for number in range(5):
        cloud.network.create_network(name=f"n{number}")
    monkeypatch.setattr(protectables, "PAGE", 2)
    fault = {
        "refused": Answer(500, {}, b'{"NeutronError": {"message": "the database is gone"}}'),
        "cut off": Cut(20),
        "not answered": Cut(-1),
    }[broken]
    proxy.rule = lambda method, url: fault if "/networks?" in url and "marker" in url else None
    with pytest.raises(
        DiscoveryFailed, match=r"listing OS::Neutron::Network failed: .*cannot list the networks"
    ) as no:
        discovered(tenant.conf(*ALL))
    last = next(re.search("marker=([^&]*)", asked) for asked in proxy.seen if "marker" in asked)
    assert last
    assert f"2 networks were listed before, the last of them {last[1]}" in str(no.value)


def test_what_cinder_makes_for_itself_is_not_protected(tenant: Any) -> None:
    """To back up a snapshot Cinder makes a volume of it, for the time of the backup. Names tell nothing."""
    storage = tenant.connection.block_storage
    volume = storage.create_volume(name="data", size=1)
    same_name = storage.create_volume(name=f"backup-vol-{volume.id}", size=1)
    for each in (volume, same_name):
        eventually(lambda each=each: storage.get_volume(each.id), "available")  # type: ignore[misc]
    snapshot = storage.create_snapshot(volume_id=volume.id)
    eventually(lambda: storage.get_snapshot(snapshot.id), "available")
    backup = storage.create_backup(volume_id=volume.id, snapshot_id=snapshot.id, force=True)
    deadline = time.monotonic() + 120
    while len(listed := {each.id for each in storage.volumes(details=False)}) < 3:
        assert time.monotonic() < deadline, "Cinder makes no volume of its own"
        assert storage.get_backup(backup.id).status == "creating"
        time.sleep(0.1)
    found = names(discovered(tenant.conf(*ALL)))
    assert {id for kind, id in found if kind == VOLUME} == {volume.id, same_name.id} < listed
    assert {each.id for each in storage.volumes(details=False)} == listed, "the backup was too fast for this test"


@pytest.fixture
def six_volumes(tenant: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Their ids in the order in which Cinder lists them, on three pages."""
    storage = tenant.connection.block_storage
    for number in range(6):
        storage.create_volume(name=f"v{number}", size=1)
    for each in list(storage.volumes(details=False)):
        eventually(lambda each=each: storage.get_volume(each.id), "available")  # type: ignore[misc]
    monkeypatch.setattr(protectables, "PAGE", 2)
    return [each.id for each in storage.volumes(details=False)]


def volumes_in(graph: ResourceGraph) -> list[str]:
    return sorted(each.id for each in graph.resources if each.type == VOLUME)


def test_volumes_that_come_and_go_while_pages_are_read(tenant: Any, proxy: Any, six_volumes: list[str]) -> None:
    """Those that stay are found, each once; a page that begins after one that has gone cannot be had."""
    storage = tenant.connection.block_storage
    changed: list[str] = []

    def coming_and_going(method: str, url: str) -> Any:
        if f"marker={six_volumes[1]}" in url and not changed:
            changed.append(storage.create_volume(name="new", size=1).id)
            storage.delete_volume(six_volumes[0])
            storage.delete_volume(six_volumes[4])
            deadline = time.monotonic() + 60
            while {each.id for each in storage.volumes(details=False)} & {six_volumes[0], six_volumes[4]}:
                assert time.monotonic() < deadline
                time.sleep(0.3)

    proxy.rule = coming_and_going
    stay = {six_volumes[index] for index in (1, 2, 3, 5)}
    found = volumes_in(discovered(tenant.conf(*ALL)))
    assert changed
    assert stay <= set(found) <= {*stay, six_volumes[0], *changed}

    def marker_goes(method: str, url: str) -> Any:
        if f"marker={six_volumes[3]}" in url:
            storage.delete_volume(six_volumes[3], ignore_missing=True)
            deadline = time.monotonic() + 60
            while six_volumes[3] in {each.id for each in storage.volumes(details=False)}:
                assert time.monotonic() < deadline
                time.sleep(0.3)

    proxy.rule = marker_goes
    with pytest.raises(DiscoveryFailed, match=r"OS::Cinder::Volume failed: .*the last of them .*try again"):
        discovered(tenant.conf(*ALL))
    proxy.rule = lambda method, url: None
    assert six_volumes[3] not in volumes_in(discovered(tenant.conf(*ALL)))


def test_the_same_volume_on_two_pages(tenant: Any, proxy: Any, six_volumes: list[str]) -> None:
    storage = tenant.connection.block_storage
    twice = [storage.get(f"/volumes/{six_volumes[index]}").json()["volume"] for index in (1, 2, 3, 4, 5)]
    page = json.dumps({"volumes": twice}).encode()
    second, end = f"marker={six_volumes[1]}", f"marker={six_volumes[5]}"

    def overlapping(method: str, url: str) -> Any:
        answers = {second: page, end: b'{"volumes": []}'}
        return next((Answer(200, {}, body) for mark, body in answers.items() if mark in url), None)

    proxy.rule = overlapping
    assert volumes_in(discovered(tenant.conf(*ALL))) == sorted(six_volumes)
    assert proxy.count(second) == 1


MANY = 10_000


@pytest.mark.nightly
def test_ten_thousand_of_each(tenant: Any, openstack_services: Any, proxy: Any) -> None:
    """Volumes and images, copied in the services' databases: all of them, in pages, each page asked for once."""
    cloud = tenant.connection
    volume = cloud.block_storage.create_volume(name="v", size=1)
    eventually(lambda: cloud.block_storage.get_volume(volume.id), "available")
    image = cloud.image.create_image("i", disk_format="raw", container_format="bare")
    originals = {"cinder.volumes": volume.id, "glance.images": image.id}
    for table, original in originals.items():
        database = table.partition(".")[0]
        openstack_services.sql(
            f"CREATE TEMPORARY TABLE {database}.copies AS SELECT {table}.* FROM {table}, {database}.seq_1_to_{MANY} "
            f"WHERE id = '{original}'; UPDATE {database}.copies SET id = UUID(); "
            f"INSERT INTO {table} SELECT * FROM {database}.copies;"
        )
    try:
        proxy.seen.clear()
        found = names(discovered(tenant.conf(*ALL)))
        for kind in (VOLUME, IMAGE):
            assert sum(each == kind for each, _ in found) == MANY + 1
        for listing in ("/volumes/detail?", "/images?"):
            pages = [asked for asked in proxy.seen if listing in asked and "os_hidden=" not in asked]
            assert MANY // protectables.PAGE <= len(pages) <= MANY // protectables.PAGE + 2
            assert len(pages) == len(set(pages))

        def broken(method: str, url: str) -> Any:
            seventh = sum("/images?" in asked and "marker=" in asked for asked in proxy.seen) == 6
            return Answer(500, {}, b"{}") if seventh and "/images?" in url else None

        proxy.seen.clear()
        proxy.rule = broken
        with pytest.raises(DiscoveryFailed, match=r"OS::Glance::Image failed: .* 6000 images were listed before"):
            discovered(tenant.conf(ImageProtectable), (ImageProtectable,))
    finally:
        for table, original in originals.items():
            owner = "project_id" if table == "cinder.volumes" else "owner"
            openstack_services.sql(
                f"DELETE FROM {table} WHERE {owner} = '{tenant.project_id}' AND id <> '{original}';"
            )


def test_a_user_without_a_role_in_the_project(tenant: Any, make_tenant: Any) -> None:
    other = make_tenant()
    conf = tenant.conf(*ALL, openstack={"project_name": other.project_name})
    with pytest.raises(DiscoveryFailed, match=r"refuses the login of the section \[openstack\]") as raised:
        discovered(conf)
    assert tenant.password not in str(raised.value)


def test_a_volume_that_only_nova_knows(tenant: Any, boot: Callable[..., Any], proxy: Any) -> None:
    """An attached volume that is not there is an error, not silence."""
    cloud = tenant.connection
    server = boot(cloud, make_image(cloud, name="i"), [], name="s")
    volume = cloud.block_storage.create_volume(name="v", size=1)
    eventually(lambda: cloud.block_storage.get_volume(volume.id), "available")
    eventually(lambda: cloud.compute.get_server(server.id), "ACTIVE")
    cloud.compute.create_volume_attachment(server, volume_id=volume.id)
    eventually(lambda: cloud.block_storage.get_volume(volume.id), "in-use")
    conf = tenant.conf(*ALL)

    def no_such_volume(method: str, url: str) -> Any:
        if f"/volumes/{volume.id}" in url:
            return Answer(404, {}, b'{"itemNotFound": {"message": "gone"}}')
        return Answer(200, {}, b'{"volumes": []}') if "/volumes" in url else None

    proxy.rule = no_such_volume
    with pytest.raises(DiscoveryFailed, match=f"Nova says that the volume {volume.id} is attached"):
        discovered(conf)

    def newer(method: str, url: str) -> Any:
        return Answer(200, {}, b'{"volumes": []}') if "/volumes?" in url else None

    proxy.rule = newer  # attached after the volumes were listed
    assert (VOLUME, volume.id) in below(discovered(conf), server.id)


def test_a_cell_that_is_down(tenant: Any, proxy: Any) -> None:
    """Nova then lists servers without what belongs to them."""
    partial = b'{"servers": [{"id": "5d0e", "status": "UNKNOWN", "tenant_id": "x", "links": []}]}'
    proxy.rule = lambda method, url: Answer(200, {}, partial) if "/servers/detail" in url else None
    with pytest.raises(DiscoveryFailed, match="because the cell that it is in does not answer"):
        discovered(tenant.conf(*ALL))
