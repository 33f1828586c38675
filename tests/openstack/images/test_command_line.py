"""Images of a real Glance: as people protect them, who may, and how much memory it takes."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from embank_plugins.openstack import OpenStackError
from kit.openstack.images import (
    driver_of,
    make_image,
)

pytestmark = [pytest.mark.openstack, pytest.mark.xdist_group("images")]


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
    image = make_image(tenant.connection, b"disk" * 1000, name="shared")
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
    driver = driver_of(reader, make_image(inside, b"disk"), bank)
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


@pytest.mark.nightly
def test_memory_does_not_grow_with_the_image(tenant: Any, tmp_path: Path) -> None:
    """To the bank and back, in a process of its own."""
    peaks = {}
    (tmp_path / "openstack.conf").write_text(tenant.section)
    for mebibytes in (1, 300):
        image = make_image(tenant.connection, (bytes(1 << 20) for _ in range(mebibytes)))
        command = [sys.executable, "-c", MEASURED, "openstack.conf", image, str(tmp_path / f"bank{mebibytes}")]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        peaks[mebibytes] = int(done.stdout) // 1024
    assert peaks[300] < peaks[1] + 40, peaks
