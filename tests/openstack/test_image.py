"""Images, on a real Glance."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import subprocess
import sys
import uuid
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from embank.conformance.driver import Driver, KitContext, filesystem_bank
from embank.conformance.plugin import ProtectionPluginConformance, Subject
from embank.plugins import Operation, Phase, Resource
from embank_plugins.openstack import OpenStackError
from embank_plugins.openstack.image.plugin import ImagePlugin

pytestmark = pytest.mark.openstack

proxies = runpy.run_path(str(Path(__file__).parents[1] / "services" / "http_proxy.py"))
tenants = runpy.run_path(str(Path(__file__).parents[1] / "services" / "openstack_tenant.py"))

STRIDE = 30

NAME = "Debian 12 – “bookworm” <% $.x %>"
PROPERTIES = {
    "name": NAME,
    "disk_format": "raw",
    "container_format": "bare",
    "min_disk": 1,
    "min_ram": 64,
    "visibility": "private",
    "protected": True,
    "os_hidden": False,
    "tags": ["web"],
    "hw_disk_bus": "virtio",
    "owner_specified.openstack.object": "images/x",
}
ALWAYS = {"copy": "always"}


def make_image(tenant: Any, data: bytes | Iterator[bytes] | None = None, **changed: Any) -> str:
    """A new image in a tenant's project."""
    glance = tenant.connection.image
    wanted = {**PROPERTIES, "protected": False, **changed}
    answer = glance.post("/images", json={key: value for key, value in wanted.items() if key != "protected"})
    assert answer.status_code == 201, answer.text
    image = str(answer.json()["id"])
    if data is not None:
        chunks = [data] if isinstance(data, bytes) else data
        headers = {"Content-Type": "application/octet-stream"}
        answer = glance.put(f"/images/{image}/file", data=iter(chunks), headers=headers)
        assert answer.status_code == 204, answer.text
    if wanted["protected"]:
        glance.update_image(image, is_protected=True)
    return image


def own_images(tenant: Any) -> list[dict[str, Any]]:
    glance = tenant.connection.image
    return [
        image
        for hidden in ("true", "false")
        for image in glance.get("/images", params={"owner": tenant.project_id, "os_hidden": hidden}).json()["images"]
    ]


def remove_images(tenant: Any) -> None:
    for image in own_images(tenant):
        if image["protected"]:
            tenant.connection.image.update_image(image["id"], is_protected=False)
        tenant.connection.image.delete_image(image["id"])


@pytest.fixture(scope="module")
def tenant(openstack_services: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One for all tests here: each leaves no image in it."""
    directory = tmp_path_factory.mktemp("tenant")
    tenant = tenants["create_tenant"](openstack_services.admin, openstack_services.region, directory)
    yield tenant
    tenants["remove_tenant"](openstack_services.admin, tenant)


@pytest.fixture(autouse=True)
def _no_images(tenant: Any) -> Iterator[None]:
    yield
    remove_images(tenant)


class ImageDriver(Driver):
    """For several images in one bank."""

    def begin_and_protect(self, checkpoint: str) -> None:
        self.run(Operation.PROTECT, self.begin(checkpoint))


def driver_of(tenant: Any, image: str, bank: Any, parameters: dict[Operation, Any] | None = None) -> ImageDriver:
    plugin = ImagePlugin(tenant.conf(ImagePlugin))
    resource = Resource("OS::Glance::Image", image, NAME)
    return ImageDriver(Subject(plugin, resource, lambda: None, lambda: None, parameters or {}), bank)


def restored(driver: Driver, checkpoint: Any, execution: str) -> str:
    """The image that an execution of its own restores it as."""
    context = driver.run(Operation.RESTORE, driver.again(checkpoint, execution))
    return str(context.restored(driver.subject.resource)["image_id"])


def find(tenant: Any, image: str) -> dict[str, Any]:
    found: dict[str, Any] = tenant.connection.image.get(f"/images/{image}").json()
    return found


@pytest.fixture
def bank(tmp_path: Path) -> Any:
    return filesystem_bank(tmp_path / "bank")


@pytest.fixture
def proxy() -> Iterator[Any]:
    with proxies["Proxy"]() as proxy, pytest.MonkeyPatch.context() as monkeypatch:
        for name, value in proxy.environment.items():
            monkeypatch.setenv(name, value)
        yield proxy


class TestImage(ProtectionPluginConformance):
    data = os.urandom(300_000)

    @pytest.fixture(params=["one that Glance gives"])
    def resource_id(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def steps(self) -> Iterator[int]:
        """Some: all of them take minutes."""
        return count(2, STRIDE)

    @pytest.fixture
    def subject(self, resource_id: str, tenant: Any) -> Subject:
        make_image(tenant, self.data, **PROPERTIES)

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


class TestRestore:
    """What becomes of images that are there, or not."""

    def test_an_image_that_is_there_is_used(self, tenant: Any, bank: Any) -> None:
        image = make_image(tenant, b"disk", protected=True)
        driver = driver_of(tenant, image, bank)
        checkpoint = driver.protect()
        assert restored(driver, checkpoint, "first") == image
        remove_images(tenant)
        copy = restored(driver, checkpoint, "second")
        assert copy != image
        assert restored(driver, checkpoint, "third") == copy, "no duplicate"
        driver.subject.parameters = {Operation.RESTORE: ALWAYS}
        assert restored(driver, checkpoint, "fourth") not in (copy, image)
        assert len(own_images(tenant)) == 2

    def test_another_image_with_the_same_name_is_not_it(self, tenant: Any, bank: Any) -> None:
        image = make_image(tenant, b"disk")
        driver = driver_of(tenant, image, bank)
        checkpoint = driver.protect()
        remove_images(tenant)
        other = make_image(tenant, b"other disk")
        assert restored(driver, checkpoint, "restore") not in (image, other)

    def test_a_public_image_of_somebody_else(self, tenant: Any, bank: Any, openstack_services: Any) -> None:
        """It is there as a rule. A copy of it is ours alone, unless we ask for more than a member may."""
        admin = SimpleNamespace(connection=openstack_services.admin)
        image = make_image(admin, b"public disk", visibility="public", name="test-public")
        driver = driver_of(tenant, image, bank)
        try:
            checkpoint = driver.protect()
            assert restored(driver, checkpoint, "there") == image
        finally:
            admin.connection.image.delete_image(image)
        driver.subject.parameters = {Operation.RESTORE: {"visibility": "public"}}
        with pytest.raises(OpenStackError, match=r"cannot make the image: .*publicize_image.*role for it"):
            restored(driver, checkpoint, "public")
        driver.subject.parameters = {Operation.RESTORE: {"visibility": "community"}}
        assert find(tenant, restored(driver, checkpoint, "community"))["visibility"] == "community"
        remove_images(tenant)
        driver.subject.parameters = {}
        context = driver.run(Operation.RESTORE, driver.again(checkpoint, "private"))
        assert find(tenant, context.restored(driver.subject.resource)["image_id"])["visibility"] == "private"
        assert "was public: it is private now" in context.messages[0]

    @pytest.mark.parametrize("trouble", ["refused", "not answered", "swallowed"])
    def test_an_upload_that_fails_leaves_nothing(self, tenant: Any, bank: Any, proxy: Any, trouble: str) -> None:
        """And is tried once: a stream has no beginning to go back to."""
        image = make_image(tenant, b"disk" * 1000)
        driver = driver_of(tenant, image, bank, {Operation.RESTORE: ALWAYS})
        checkpoint = driver.protect()
        proxy.seen.clear()
        fault, said = {
            "refused": (
                proxies["Answer"](413, {}, b'{"e": {"message": "image quota exceeded"}}'),
                "the quota of the",
            ),
            "not answered": (proxies["Cut"](-1), "cannot send the data of the image: Unable to establish"),
            "swallowed": (proxies["Answer"](204), "Glance has not got what was sent: the image is queued"),
        }[trouble]
        proxy.rule = lambda method, url: fault if method == "PUT" and url.endswith("/file") else None
        mine = driver.again(checkpoint, "restore")
        with pytest.raises(OpenStackError, match=said):
            driver.call(Operation.RESTORE, Phase.PARALLEL, mine, KitContext(mine, Operation.RESTORE))
        assert proxy.count("PUT", "/file") == 1
        driver.close(Operation.RESTORE, mine)
        assert [each["id"] for each in own_images(tenant)] == [image]
        proxy.rule = lambda method, url: None
        assert restored(driver, checkpoint, "next") != image

    def test_a_retry_in_the_same_execution_begins_anew(self, tenant: Any, bank: Any, proxy: Any) -> None:
        image = make_image(tenant, b"disk" * 1000)
        driver = driver_of(tenant, image, bank, {Operation.RESTORE: ALWAYS})
        checkpoint = driver.protect()
        left = [proxies["Cut"](-1)]
        proxy.rule = lambda method, url: left.pop() if left and method == "PUT" and url.endswith("/file") else None
        mine = driver.again(checkpoint, "restore")
        with pytest.raises(OpenStackError):
            driver.call(Operation.RESTORE, Phase.PARALLEL, mine, KitContext(mine, Operation.RESTORE))
        context = driver.run(Operation.RESTORE, mine)
        copy = context.restored(driver.subject.resource)["image_id"]
        assert {each["id"] for each in own_images(tenant)} == {image, copy}
        assert find(tenant, copy)["status"] == "active"


class TestProtect:
    """Images that are not as images should be."""

    def test_no_bytes(self, tenant: Any, bank: Any) -> None:
        driver = driver_of(tenant, make_image(tenant, b""), bank)
        checkpoint = driver.protect()
        remove_images(tenant)
        assert find(tenant, restored(driver, checkpoint, "restore"))["size"] == 0

    def test_no_data_yet(self, tenant: Any, bank: Any) -> None:
        """Its metadata are worth something."""
        driver = driver_of(tenant, make_image(tenant, None, disk_format=None, container_format=None), bank)
        checkpoint = driver.begin()
        assert "has no data yet" in driver.run(Operation.PROTECT, checkpoint).messages[0]
        driver.run(Operation.VERIFY, driver.again(checkpoint, "verify"))
        remove_images(tenant)
        copy = find(tenant, restored(driver, checkpoint, "restore"))
        assert (copy["status"], copy["name"], copy["tags"]) == ("queued", NAME, ["web"])

    def test_refused(self, tenant: Any, bank: Any, openstack_services: Any) -> None:
        snapshot = make_image(tenant, b"", block_device_mapping='[{"snapshot_id": "x"}]')
        with pytest.raises(OpenStackError, match="a server that boots from a volume, and names snapshots in Cinder"):
            driver_of(tenant, snapshot, bank).protect()
        hidden = make_image(tenant, b"disk")
        openstack_services.admin.image.deactivate_image(hidden)
        with pytest.raises(OpenStackError, match="the image is deactivated: nobody but an administrator"):
            driver_of(tenant, hidden, bank).begin_and_protect("deactivated")
        with pytest.raises(OpenStackError, match=r"there is no image .*a plan that goes on without it excludes it"):
            driver_of(tenant, str(uuid.uuid4()), bank).begin_and_protect("vanished")

    def test_one_that_is_being_made_is_waited_for(self, tenant: Any, bank: Any, proxy: Any) -> None:
        """As while Nova saves a server."""
        image = make_image(tenant, b"disk")
        driver = driver_of(tenant, image, bank)
        left = [
            proxies["Answer"](200, {}, b'{"status": "saving"}'),
            proxies["Answer"](200, {}, b'{"status": "saving"}'),
        ]
        proxy.rule = lambda method, url: left.pop() if left and url.endswith(f"/images/{image}") else None
        polls: list[None] = []
        checkpoint = driver.begin()
        context = KitContext(checkpoint, Operation.PROTECT)
        driver.call(Operation.PROTECT, Phase.PARALLEL, checkpoint, context, lambda: polls.append(None))
        assert len(polls) == 2
        assert b"".join(checkpoint.section(driver.subject.resource).read("data")) == b"disk"

    def test_a_download_that_breaks_off_goes_on(self, tenant: Any, bank: Any, proxy: Any) -> None:
        data = os.urandom(3_000_000)
        driver = driver_of(tenant, make_image(tenant, data), bank)
        left = [proxies["Cut"](500_000), proxies["Cut"](-1), proxies["Cut"](1_000_000)]
        proxy.rule = lambda method, url: left.pop() if left and url.endswith("/file") else None
        checkpoint = driver.protect()
        assert left == []
        assert b"".join(checkpoint.section(driver.subject.resource).read("data")) == data

    def test_a_download_that_never_comes_further(self, tenant: Any, bank: Any, proxy: Any) -> None:
        driver = driver_of(tenant, make_image(tenant, b"disk" * 1000), bank)
        proxy.rule = lambda method, url: proxies["Cut"](0) if url.endswith("/file") else None
        checkpoint = driver.begin()
        with pytest.raises(OpenStackError, match="the data of the image break off at byte 0"):
            driver.run(Operation.PROTECT, checkpoint)
        assert checkpoint.section(driver.subject.resource).names() == []

    def test_wrong_data(self, tenant: Any, bank: Any, proxy: Any) -> None:
        """As from a store that rots, or a cache that lies."""
        driver = driver_of(tenant, make_image(tenant, b"disk"), bank)
        proxy.rule = lambda method, url: proxies["Answer"](200, {}, b"risk") if url.endswith("/file") else None
        checkpoint = driver.begin()
        with pytest.raises(
            OpenStackError, match=r"the data of the image are damaged, or did not all arrive: .*sha512"
        ):
            driver.run(Operation.PROTECT, checkpoint)
        assert checkpoint.section(driver.subject.resource).names() == []


PROVIDER = """[provider]
name = cloud
id = 5d1c93f2-6f1b-4a57-8c6e-0d2f6c0b8a11
description = images and the servers that were booted from them
bank = karbor.protections.embank-filesystem-bank-plugin
plugin = karbor.protections.karbor-image-protection-plugin
plugin = karbor.protections.karbor-server-protection-plugin
[filesystem_bank]
path = $here/../bank
"""
PLAN = """version: 1
name: both
provider: cloud
resources:
"""


def test_an_image_of_several_servers_is_stored_once(tenant: Any, openstack_services: Any, tmp_path: Path) -> None:
    """As a person does it: discover, compile, run. The login comes from clouds.yaml, by --os-cloud."""
    admin, cloud = openstack_services.admin, tenant.connection
    flavor = admin.compute.create_flavor(name=f"test-{uuid.uuid4().hex[:8]}", ram=64, vcpus=1, disk=1)
    image = make_image(tenant, b"disk" * 1000, name="shared")
    servers = [
        cloud.compute.create_server(name=name, flavor_id=flavor.id, image_id=image, networks="none")
        for name in ("web1", "web2")
    ]
    try:
        for server in servers:
            cloud.compute.wait_for_server(server, interval=1, wait=120)
        (tmp_path / "providers.d").mkdir()
        (tmp_path / "providers.d" / "cloud.conf").write_text(PROVIDER)
        selected = [f"  - under: {{type: OS::Nova::Server, id: {server.id}}}\n" for server in servers]
        (tmp_path / "plan.yaml").write_text(PLAN + "".join(selected))
        auth = {key: value for key, value in tenant.options.items() if key != "region_name"}
        clouds = {"clouds": {"mine": {"auth": auth, "region_name": tenant.region}}}
        (tmp_path / "clouds.yaml").write_text(json.dumps(clouds))

        def embank(*arguments: str) -> str:
            command = [str(Path(sys.executable).parent / "embank"), *arguments]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, done.stderr
            return done.stdout + done.stderr

        embank("discover", "--provider", "cloud", "--os-cloud", "mine", "-o", "resources.yaml")
        embank("compile", "protect", "plan.yaml", "--resources", "resources.yaml", "-o", "protect.yaml")
        assert embank("run", "protect.yaml", "--os-cloud", "mine").count("done      activities/image_shared_") == 1
        indices = list((tmp_path / "bank").rglob("OS::Glance::Image/*/data/data/*/index.object"))
        assert len(indices) == 1
    finally:
        for server in servers:
            cloud.compute.delete_server(server)
        for server in servers:
            cloud.compute.wait_for_delete(server)
        admin.compute.delete_flavor(flavor)


def test_a_reader_does_not_get_the_data(make_tenant: Any, openstack_services: Any, bank: Any) -> None:
    """Glance lets members read them."""
    reader = make_tenant(roles=("reader",))
    inside = openstack_services.admin.connect_as(
        project_id=reader.project_id, project_name=None, project_domain_name=None
    )
    driver = driver_of(reader, make_image(SimpleNamespace(connection=inside), b"disk"), bank)
    said = r"cannot read the data of the image: .*download_image.*\(HTTP 403\); the user of \[openstack\] has not got"
    with pytest.raises(OpenStackError, match=said):
        driver.protect()


MEASURED = """
import resource, sys
from oslo_config import cfg
from pathlib import Path
from embank.conformance.driver import Driver, Subject, filesystem_bank
from embank.plugins import Operation, Resource
from embank_plugins.openstack.image.plugin import ImagePlugin

conf = cfg.ConfigOpts()
for name, options in ImagePlugin.options().items():
    conf.register_opts(options, group=name)
conf([], default_config_files=[sys.argv[1]])
parameters = {Operation.RESTORE: {"copy": "always"}}
subject = Subject(ImagePlugin(conf), Resource("OS::Glance::Image", sys.argv[2], "big"), None, None, parameters)
driver = Driver(subject, filesystem_bank(Path(sys.argv[3])))
checkpoint = driver.protect()
driver.run(Operation.VERIFY, driver.again(checkpoint, "verify"))
driver.run(Operation.RESTORE, driver.again(checkpoint, "restore"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.large
def test_memory_does_not_grow_with_the_image(tenant: Any, tmp_path: Path) -> None:
    """To the bank and back, in a process of its own."""
    peaks = {}
    (tmp_path / "openstack.conf").write_text(tenant.section)
    for mebibytes in (1, 300):
        image = make_image(tenant, (bytes(1 << 20) for _ in range(mebibytes)))
        command = [sys.executable, "-c", MEASURED, "openstack.conf", image, str(tmp_path / f"bank{mebibytes}")]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        peaks[mebibytes] = int(done.stdout) // 1024
    assert peaks[300] < peaks[1] + 40, peaks
