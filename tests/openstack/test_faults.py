"""A whole plan, from the command line, while the services of its cloud refuse, vanish, or are late.

Whatever happens: the right word and exit code, nothing claimed that is not so, and no server stands still for ever.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kit.http_proxy import Answer, Proxy
from kit.openstack import volumes
from kit.openstack.cloud import Cloud
from kit.openstack.projects import temporary_tenant
from kit.openstack.tenant import Tenant

pytestmark = [pytest.mark.openstack, pytest.mark.xdist_group("faults")]
Answer = Answer

SERVER, VOLUME = "OS::Nova::Server", "OS::Cinder::Volume"
ID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")
OK, FAILED, OPEN = 0, 4, 5  # exit codes
LATE = 600  # s
BACKUP, SNAPSHOT = (
    f"plugin = karbor.protections.karbor-volume-{kind}-plugin\n" for kind in ("protection", "snapshot")
)
FILESYSTEM = "bank = karbor.protections.embank-filesystem-bank-plugin\n[filesystem_bank]\npath = $here/../bank\n"
PROVIDER = """[provider]
name = cloud
id = 5d2a7f0c-1b57-4d0c-9a55-3f1f0c2f7a10
description = A server with a volume, in a network
plugin = karbor.protections.karbor-server-protection-plugin
plugin = karbor.protections.karbor-image-protection-plugin
plugin = karbor.protections.karbor-network-protection-plugin
"""


@dataclass(frozen=True)
class Place:
    """A project with a server that was booted from an image and has a volume."""

    tenant: Tenant
    server: str
    volume: str
    admin: Any


@pytest.fixture(scope="module")
def place(openstack_services: Cloud, flavor: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    admin = openstack_services.admin
    with temporary_tenant(openstack_services, tmp_path_factory.mktemp("project")) as tenant:
        cloud = tenant.connection
        network = cloud.network.create_network(name="net")
        cloud.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.5.0.0/24")
        image = cloud.image.create_image(name="tiny", disk_format="raw", container_format="bare", data=b"x" * 70000)
        server = cloud.compute.create_server(
            name="web", flavor_id=flavor.id, image_id=image.id, networks=[{"uuid": network.id}]
        )
        volume = volumes.new_volume(tenant, name="data")
        volumes.wait_for(lambda: cloud.compute.get_server(server.id).status == "ACTIVE")
        cloud.compute.create_volume_attachment(server, volume_id=volume.id)
        volumes.wait_for(lambda: cloud.block_storage.get_volume(volume.id).status == "in-use")
        yield Place(tenant, server.id, volume.id, admin)


@pytest.fixture
def proxy() -> Iterator[Any]:
    """All that `work.embank` asks for goes through it."""
    with Proxy() as proxy:
        yield proxy


@pytest.fixture
def work(place: Any, proxy: Any, tmp_path: Path) -> Iterator[Work]:
    work = Work(place, proxy, tmp_path)
    assert work.server == ("ACTIVE", {})
    yield work
    for process in work.running:
        process.kill()
        process.communicate()
    proxy.rule = lambda method, url: None
    work.clear()


class Work:
    """A directory with a provider and a plan for the server, and what there is of it in the cloud."""

    def __init__(self, place: Any, proxy: Any, directory: Path) -> None:
        self.place, self.proxy, self.directory = place, proxy, directory
        self.compute, self.storage = place.admin.compute, place.tenant.connection.block_storage
        self.running: list[subprocess.Popen[str]] = []

    def compile(
        self, *, volumes: str = BACKUP, bank: str = FILESYSTEM, state_timeout: int = 60, **timeouts: int
    ) -> None:
        """`timeouts`: those of the policies for `server` and `volume`."""
        tenant = self.place.tenant
        (self.directory / "providers.d").mkdir()
        own = f"[server]\nstate_timeout = {state_timeout}\n"
        (self.directory / "providers.d" / "cloud.conf").write_text(PROVIDER + volumes + bank + own + tenant.section)
        policies = {SERVER: {"timeout": timeouts.get("server", 120)}}
        policies[VOLUME] = {"timeout": timeouts.get("volume", 120), "poll_interval": 1}
        plan = {
            "version": 1,
            "name": "web",
            "provider": "cloud",
            "resources": [{"under": {"type": SERVER, "id": self.place.server}}],
            "parameters": {SERVER: {"quiesce": "pause"}},
            "policies": policies,
        }
        (self.directory / "plan.yaml").write_text(json.dumps(plan))
        self.embank("discover", "--provider", "cloud", "-o", "resources.yaml")
        self.embank("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "protect.yaml")

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("EMBANK_", "OS_"))}
        process = subprocess.Popen(
            [sys.executable, "-m", "embank", *arguments], cwd=self.directory, env=kept | self.proxy.environment,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.running.append(process)
        return process

    def embank(self, *arguments: str, code: int = OK) -> str:
        """What it prints and says."""
        return "".join(self.both(*arguments, code=code))

    def both(self, *arguments: str, code: int = OK) -> tuple[str, str]:
        return ended(self.begin(*arguments), code)

    @property
    def execution(self) -> str:
        """The only one, which is its checkpoint, too."""
        (found,) = self.both("execution", "list", "-f", "value", "-c", "id")[0].split()
        return found

    @property
    def status(self) -> str:
        """Of the checkpoint."""
        shown, _ = self.both("checkpoint", "show", "--provider", "cloud", self.execution, "-f", "json")
        return str(json.loads(shown)["status"])

    @property
    def server(self) -> tuple[str, Mapping[str, str]]:
        """Its status and metadata."""
        server = self.compute.get_server(self.place.server)
        return server.status, server.metadata

    @property
    def snapshots(self) -> list[str]:
        return [each.status for each in self._all(self.place.admin.block_storage.snapshots)]

    def nothing_is_left(self) -> bool:
        """Of a protection that has failed."""
        there = [each.id for each in self._all(self.place.admin.block_storage.volumes)]
        return (self.server, self.snapshots, there) == (("ACTIVE", {}), [], [self.place.volume])

    def clear(self) -> None:
        """What a test has left: restored servers, volumes, snapshots."""
        admin, kept = self.place.admin, (self.place.server, self.place.volume)
        for server in self._all(self.compute.servers):
            if server.id not in kept:
                self.compute.delete_server(server)
            elif server.status == "PAUSED":
                self.compute.unpause_server(server)
        volumes.wait_for(lambda: self.server[0] == "ACTIVE")
        self.compute.delete_server_metadata(self.place.server, list(self.server[1]))
        for snapshot in self._all(admin.block_storage.snapshots):
            admin.block_storage.delete_snapshot(snapshot, ignore_missing=True)
        volumes.wait_for(lambda: self.snapshots == [])
        for volume in self._all(admin.block_storage.volumes):
            if volume.id not in kept:
                volumes.settled(lambda volume=volume: admin.block_storage.get_volume(volume.id), "available")
                admin.block_storage.delete_volume(volume, ignore_missing=True)

    def _all(self, listing: Callable[..., Any]) -> list[Any]:
        return list(listing(all_projects=True, project_id=self.place.tenant.project_id))


def ended(process: subprocess.Popen[str], code: int) -> tuple[str, str]:
    printed, said = process.communicate(timeout=LATE)
    assert process.returncode == code, printed + said
    return printed, said


def once(method: str, *parts: str, then: Callable[[], Any]) -> Callable[[str, str], Any]:
    """A rule: the answer to the first request of the kind is what `then` returns. Later ones of it wait for that."""
    left, lock = [then], threading.Lock()

    def rule(asked: str, url: str) -> Any:
        if asked != method or not all(part in url for part in parts):
            return None
        with lock:
            return left.pop()() if left else None

    return rule


def test_every_request_is_refused_at_first(work: Work, proxy: Any) -> None:
    """By 401 since the token has ended, then 429, then 503, which a creation gets although it was carried out."""
    seen: dict[str, int] = {}
    lock = threading.Lock()

    def rule(method: str, url: str) -> Any:
        kind = f"{method} {ID.sub('ID', url.partition('?')[0])}"
        if "/auth/" in url or not kind.endswith(("s", "ID", "detail", "action", "metadata")):
            return None
        with lock:
            seen[kind] = seen.get(kind, 0) + 1
        if seen[kind] == 1:
            proxy.ended |= proxy.tokens
        late = method == "POST" and "action" not in url
        return {2: Answer(429, {"Retry-After": "0"}), 3: Answer(503, {"Retry-After": "0"}, late=late)}.get(seen[kind])

    work.compile(volumes=SNAPSHOT)
    proxy.rule = rule
    work.embank("run", "protect.yaml")
    assert work.status == "available"
    assert (work.server, work.snapshots) == (("ACTIVE", {}), ["available"])
    work.embank("compile", "restore", "--provider", "cloud", "--checkpoint", work.execution, "-o", "restore.yaml")
    work.embank("run", "restore.yaml")
    made = [kind.rpartition("/")[2] for kind in seen if kind.startswith("POST")]
    assert set(made) >= {"snapshots", "action", "metadata", "volumes", "servers", "ports"}
    assert len(work._all(work.place.admin.block_storage.volumes)) == 2
    assert sorted(each.status for each in work._all(work.compute.servers)) == ["ACTIVE", "ACTIVE"]


def test_a_user_who_is_disabled_while_the_server_stands_still(work: Work, proxy: Any) -> None:
    """Nobody can let it go on then, and that is told. When the user is back, `embank resume` does it."""
    identity, user = work.place.admin.identity, work.place.tenant.user_id
    work.compile()

    def disable() -> None:
        identity.update_user(user, is_enabled=False)
        proxy.ended |= proxy.tokens  # services keep in mind for some minutes that a token was good

    proxy.rule = once("POST", "/snapshots", then=disable)
    try:
        said = work.embank("run", "protect.yaml", code=OPEN)
    finally:
        identity.update_user(user, is_enabled=True)
    assert "is the user disabled" in said
    assert work.server == ("PAUSED", {"embank_frozen": work.execution})
    assert work.status == "error"
    said = work.embank("resume", work.execution, code=FAILED)
    assert work.nothing_is_left(), said
    assert work.status == "error"


@pytest.mark.parametrize(
    ("request_", "answer", "times", "said"),
    [
        (("POST", "/snapshots"), Answer(503, {"Retry-After": "86400"}), 9, "in 86400 s, and is waited for 90 s"),
        (("POST", "/action"), Answer(503, {"Retry-After": "86400"}), 1, "in 86400 s, and is waited for 90 s"),
        (("GET", "/networks/"), Answer(503, {"Retry-After": "0"}), 5, "is not there, also after several attempts"),
        (("GET", "/file"), Answer(429, {"Retry-After": "0"}), 5, "takes no more requests, also after waiting"),
    ],
    ids=["cinder", "nova", "neutron", "glance"],
)  # fmt: skip
def test_a_service_that_never_has_time(
    work: Work, proxy: Any, request_: tuple[str, str], answer: Any, times: int, said: str
) -> None:
    method, part = request_
    left = [answer] * times
    work.compile(state_timeout=5)
    proxy.rule = lambda asked, url: left.pop() if left and asked == method and part in url else None
    out = work.embank("run", "protect.yaml", code=FAILED)
    assert said in out
    volumes.wait_for(work.nothing_is_left)
    assert work.status == "error"


def test_a_request_to_pause_that_arrives_when_pre_has_timed_out(work: Work, proxy: Any) -> None:
    """The closer waits for it."""
    work.compile(server=8, state_timeout=60)
    proxy.rule = once("POST", "/action", then=lambda: time.sleep(16))
    said = work.embank("run", "protect.yaml", code=FAILED)
    assert "timed out" in said
    assert proxy.count("POST", "/action") == 2  # pause, unpause
    assert work.nothing_is_left()
    assert work.status == "error"


@pytest.mark.nightly
@pytest.mark.alone
def test_nova_carries_out_a_pause_long_after(work: Work, openstack_services: Any) -> None:
    """While its compute service is down, nobody can know: that is told, and `embank resume` closes when it is up."""
    work.compile(server=10, state_timeout=5)
    openstack_services.stop("nova-compute")
    try:
        said = work.embank("run", "protect.yaml", code=OPEN)
        assert "after 5 s Nova is still busy with it (pausing): is its compute service up?" in said
        assert work.status == "error"
        assert work.server == ("ACTIVE", {"embank_frozen": f"{work.execution} (asked for)"})
    finally:
        openstack_services.start("nova-compute")
    said = work.embank("resume", work.execution, code=FAILED)
    assert work.nothing_is_left(), said


@pytest.mark.nightly
@pytest.mark.alone
@pytest.mark.parametrize(
    ("service", "said_open"),
    [
        ("nova-compute", "(web): pre was started, ready did not succeed"),
        ("cinder-volume", "(data): ready was started, post did not succeed"),
    ],
)
def test_a_service_dies_while_the_server_stands_still(
    work: Work, proxy: Any, openstack_services: Any, service: str, said_open: str
) -> None:
    """What only that service can close stays open, and is told; `embank resume` closes it when that is back."""
    work.compile(server=15, volume=15, state_timeout=10)
    proxy.rule = once("POST", "/snapshots", then=lambda: openstack_services.kill(service))
    try:
        said = work.embank("run", "protect.yaml", code=OPEN)
        assert work.status == "error"
        assert said_open in said
        assert work.server[0] == ("PAUSED" if service == "nova-compute" else "ACTIVE")  # only Nova can let it go on
    finally:
        openstack_services.start(service)
    work.embank("resume", work.execution, code=FAILED)
    volumes.wait_for(work.nothing_is_left)


@pytest.fixture
def swift(make_tenant: Callable[[], Any]) -> str:
    """A bank in Swift, for a provider's file."""
    own = make_tenant()
    return f"""bank = karbor.protections.karbor-swift-bank-plugin
[swift_client]
bank_swift_auth_url = {own.auth_url}
bank_swift_user = {own.user_name}
bank_swift_key = {own.password}
bank_swift_tenant_name = {own.project_name}
"""


@pytest.mark.nightly
@pytest.mark.alone
def test_swift_is_down_for_a_minute(work: Work, proxy: Any, openstack_services: Any, swift: str) -> None:
    """While the server stands still, and an image is being saved: the run waits, and succeeds."""
    work.compile(bank=swift, server=300, volume=300)
    down = threading.Event()

    def lose() -> None:
        openstack_services.kill("swift-proxy")
        down.set()

    proxy.rule = once("POST", "/snapshots", then=lose)
    process = work.begin("run", "protect.yaml")
    try:
        assert down.wait(LATE)
        time.sleep(60)
        assert work.server[0] == "PAUSED"
    finally:
        openstack_services.start("swift-proxy")
    ended(process, OK)
    assert work.nothing_is_left()
    assert work.status == "available"


def test_swift_has_no_time(work: Work, proxy: Any, swift: str) -> None:
    """All is closed without it, and nothing is claimed."""
    work.compile(bank=swift)
    away = threading.Event()
    leave = once("POST", "/snapshots", then=away.set)

    def rule(method: str, url: str) -> Any:
        return Answer(503, {"Retry-After": "3600"}) if away.is_set() and "/v1/AUTH_" in url else leave(method, url)

    proxy.rule = rule
    said = work.embank("run", "protect.yaml", code=FAILED)
    assert "wants to be asked again in 3600 s" in said
    assert work.nothing_is_left()
    proxy.rule = lambda method, url: None
    assert work.status == "protecting"  # that it failed, nobody could write down


@pytest.mark.nightly
@pytest.mark.alone
def test_swift_does_not_come_back(work: Work, proxy: Any, openstack_services: Any, swift: str) -> None:
    """The same with all the patience that the bank has."""
    work.compile(bank=swift)
    proxy.rule = once("POST", "/snapshots", then=lambda: openstack_services.kill("swift-proxy"))
    process = work.begin("run", "protect.yaml")
    try:
        printed, _ = ended(process, FAILED)
        assert "nothing is left open" in printed
        assert work.nothing_is_left()
    finally:
        openstack_services.start("swift-proxy")
    assert work.status == "protecting"
